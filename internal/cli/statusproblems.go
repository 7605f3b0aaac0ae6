package cli

import (
	"fmt"

	"github.com/dustin/go-humanize/english"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/document"
	"github.com/plumbstore/plumb/internal/project"
	"github.com/plumbstore/plumb/store/pushlog"
)

// problemsOf are the problems of a view that its runs do not tell of.
func problemsOf(status *project.ViewStatus) []string {
	var problems []string
	if status.AheadOfClock != nil {
		problems = append(problems, status.AheadOfClock.Error())
	}
	if status.Waiting.Rows > 0 {
		problems = append(problems, waitingText(status.Waiting))
	}
	return problems
}

func waitingText(left pushlog.Unfinished) string {
	return fmt.Sprintf("%s in the push log since %s: training does not have them, and the online store may not. No plumb "+
		"serve keeps this log, or the online store does not take them",
		english.Plural(int(left.Rows), "pushed row waits", "pushed rows wait"),
		document.Instant(feature.InstantOf(left.Since)))
}
