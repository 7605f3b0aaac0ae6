package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize/english"

	"github.com/plumbstore/plumb/internal/document"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// shownHash is how many characters of a hash are enough to distinguish definitions.
const shownHash = 12

func provenanceLines(uses document.Object) [][]string {
	lines := [][]string{{"VIEW", "WRITTEN BY", "EVENT TIME", "CREATED TIME", "AGE", "DEFINITION"}}
	for _, use := range uses {
		from := use.Value.(document.Provenance)
		revision, old := "revision unknown", "-"
		if from.DefinitionRevision != nil {
			revision = fmt.Sprintf("revision %d", *from.DefinitionRevision)
		}
		if from.AgeMicros != nil {
			old = age(float64(*from.AgeMicros) / float64(time.Second/time.Microsecond))
		}
		lines = append(lines, []string{use.Name, writtenBy(from), orNone(from.EventTimestamp),
			orNone(from.CreatedTimestamp), old, revision + ", " + from.DefinitionHash[:shownHash]})
	}
	return lines
}

func writtenBy(from document.Provenance) string {
	switch {
	case from.Run != nil:
		return fmt.Sprintf("run %d", *from.Run)
	case from.PushedTimestamp != nil:
		return "push at " + *from.PushedTimestamp
	case from.EventTimestamp != nil:
		return "unknown"
	case from.Origin == plumbv1.ViewProvenance_BEFORE_FLOOR.String():
		return "a run that is complete only later"
	}
	return "-"
}

// extentLines say what windows count and what on-demand views read; none unless provenance was asked for.
func extentLines(row document.Row) []string {
	var lines []string
	if row.Provenance != nil {
		for _, use := range *row.Provenance {
			if from := use.Value.(document.Provenance); from.EventTimestamp != nil && from.Counted != nil {
				lines = append(lines, use.Name+": the longest window counts "+countedText(*from.Counted))
			}
		}
	}
	if row.Computed != nil {
		for _, use := range *row.Computed {
			from := use.Value.(document.Computed)
			lines = append(lines, fmt.Sprintf("%s: computed by %s of %s", use.Name, from.DefinitionHash[:shownHash],
				orNothing(readBy(from))))
		}
	}
	return lines
}

func countedText(counted document.Counted) string {
	text := "events"
	if counted.Events != nil {
		text = english.Plural(int(*counted.Events), "event", "")
	}
	switch {
	case counted.EarliestEventTimestamp != nil:
		text += ", the earliest at " + *counted.EarliestEventTimestamp
	case counted.EarliestEventAfter != nil:
		text += ", the earliest after " + *counted.EarliestEventAfter
	}
	return text
}

// readBy is what features of an on-demand view read.
func readBy(computed document.Computed) []string {
	read := slices.Clone(computed.Views)
	for _, input := range computed.Inputs {
		read = append(read, "input "+input)
	}
	if computed.RequestTime {
		read = append(read, "the time of the request")
	}
	return read
}

func orNothing(things []string) string {
	if len(things) == 0 {
		return "nothing"
	}
	return strings.Join(things, ", ")
}
