package cli

import (
	"cmp"
	"fmt"
	"io"

	"github.com/spf13/pflag"

	"github.com/plumbstore/plumb/internal/document"
	"github.com/plumbstore/plumb/internal/printable"
)

// format is the value of --output.
type format string

const (
	text     format = "text"
	jsonText format = "json"
)

func (f *format) String() string { return string(*f) }
func (f *format) Type() string   { return "text|json" }

func (f *format) Set(value string) error {
	switch format(value) {
	case text, jsonText:
		*f = format(value)
		return nil
	}
	return fmt.Errorf("must be text or json, not %q", value)
}

// outputOf finds --output in a command line that may be wrong otherwise, so that even then the error is printed as
// asked.
func outputOf(args []string) format {
	found := text
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.ParseErrorsAllowlist.UnknownFlags = true
	flags.Var(&found, "output", "")
	_ = flags.Parse(args) // The real parse reports what is wrong.
	return found
}

// print writes value as one line of JSON, or calls asText, as --output asks. It is called once for each result.
// Progress and notes go to stderr, so stdout is nothing but results.
func (a *application) print(value any, asText func(*printable.Writer) error) error {
	if a.output == jsonText {
		return document.Write(a.Out, value)
	}
	out := printable.To(a.Out)
	return cmp.Or(asText(out), out.Err())
}

// note writes a message for people.
func (a *application) note(format string, args ...any) {
	a.say(format+"\n", args...)
}

// say writes a message for people without ending the line.
func (a *application) say(format string, args ...any) {
	_ = printable.To(a.Err).Printf(format, args...) // There is nowhere left to report to.
}
