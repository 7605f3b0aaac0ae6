package printable

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Writer writes lines for people. It is no io.Writer: text reaches it as a format of the program's own with arguments,
// which are escaped, or as cells of a table, which are too. After a failure it writes nothing more.
type Writer struct {
	out io.Writer
	err error
}

// To returns a Writer.
func To(out io.Writer) *Writer { return &Writer{out: out} }

// Err is the first failure.
func (w *Writer) Err() error { return w.err }

// Printf writes a format, whose line ends stay, with arguments, whose line ends are escaped. It returns Err.
func (w *Writer) Printf(format string, args ...any) error {
	safe := make([]any, len(args))
	for i, arg := range args {
		safe[i] = argument{arg}
	}
	return w.write(fmt.Sprintf(format, safe...))
}

// Lines writes text of several lines, which are the program's own. It returns Err.
func (w *Writer) Lines(text string) error { return w.write(Lines(text)) }

// Table aligns rows of cells in columns. It returns Err.
func (w *Writer) Table(rows [][]string) error {
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		for i, cell := range row {
			if i > 0 {
				fmt.Fprint(table, "\t")
			}
			fmt.Fprint(table, Text(cell))
		}
		fmt.Fprint(table, "\n")
	}
	if err := table.Flush(); err != nil {
		return err
	}
	return w.write(text.String())
}

func (w *Writer) write(text string) error {
	if w.err == nil {
		_, w.err = io.WriteString(w.out, text)
	}
	return w.err
}

// argument is an argument of Printf. Whatever its verb makes of it is escaped.
type argument struct{ value any }

func (a argument) Format(state fmt.State, verb rune) {
	_, _ = io.WriteString(state, Text(fmt.Sprintf(fmt.FormatString(state, verb), a.value))) // It cannot fail.
}

// Stream is a stream that people read. It escapes whatever passes, except line ends and tabs, so that also a text
// which came by another way than a Writer can move no cursor. Each write has to be of whole characters.
func Stream(out io.Writer) io.Writer { return stream{out} }

type stream struct{ out io.Writer }

func (s stream) Write(text []byte) (int, error) {
	if _, err := io.WriteString(s.out, Lines(string(text))); err != nil {
		return 0, err
	}
	return len(text), nil
}
