package storetest

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/plumbstore/plumb/store/offline"
)

// Describe prints a world, and what was asked of it, for the report of a failed case.
func (w *World) Describe(question *Question) string {
	var text strings.Builder
	fmt.Fprintln(&text, protojson.Format(w.Definitions))
	for _, file := range w.Files {
		file.describe(&text)
	}
	if question != nil {
		for _, reference := range question.References {
			fmt.Fprintln(&text, "reference", protojson.MarshalOptions{}.Format(reference))
		}
		fmt.Fprintf(&text, "full names %t, time column %q, as known %t\n", question.FullNames, question.TimeColumn,
			question.AsKnown)
		question.Labels.describe(&text)
	}
	return text.String()
}

func (f File) describe(text *strings.Builder) {
	fmt.Fprintf(text, "%s, row group %d, int96 %t\n", f.Path, f.RowGroup, f.Int96)
	for _, column := range f.Columns {
		fmt.Fprintf(text, "  %q %s: %s\n", column.Name, column.Form, strings.Join(showAll(column.Values), " "))
	}
}

func showWindow(window offline.Window) string {
	if window.Start == nil {
		return fmt.Sprintf("(, %s]", window.End)
	}
	return fmt.Sprintf("(%s, %s]", *window.Start, window.End)
}
