package cli

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/pflag"

	"github.com/plumbstore/plumb/internal/document"
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

// print writes value as one line of JSON, or calls asText, as --output asks.
func (a *application) print(value any, asText func(io.Writer) error) error {
	if a.output == jsonText {
		return document.Write(a.Out, value)
	}
	return asText(a.Out)
}

// note writes a message for people.
func (a *application) note(format string, args ...any) {
	fmt.Fprintf(a.Err, format+"\n", args...)
}

// writeTable aligns rows of cells in columns.
func writeTable(w io.Writer, rows [][]string) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		if _, err := fmt.Fprintln(table, strings.Join(row, "\t")); err != nil {
			return err
		}
	}
	return table.Flush()
}
