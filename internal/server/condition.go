package server

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize/english"

	"github.com/plumbstore/plumb/materialize"
)

// Condition is how a server is doing, as of its last round of questions to the registry and the store.
//
// A server that cannot do its work well is in one of two states. It is not ready if what it would answer is wrong or an
// error: balancers then send calls elsewhere. It is stale if what it answers was right a moment ago and may not be the
// newest. A registry that is down makes all servers stale; if it made them not ready, look-ups would stop although the
// online store has all they need.
type Condition struct {
	// Ready says that there is a revision to serve, and that the online store answers and has the rows of every view.
	Ready bool `json:"ready"`
	// Reasons say why it is not ready, without internals; empty if it is.
	Reasons []string `json:"reasons,omitempty"`
	// Revision is the registry revision that is served, 0 if there is none.
	Revision int64 `json:"revision"`
	// StaleSince is when the registry was last read, if it cannot be read now: a later revision may be there. The server
	// goes on with the one that it has.
	StaleSince *time.Time `json:"stale_since,omitempty"`
	// LostRows are the views all of whose rows the online store has lost, in order of name: look-ups would answer
	// NOT_FOUND for what is there offline, so the server is not ready until they have been materialized again.
	LostRows []string `json:"lost_rows,omitempty"`
	// LostRuns are the views whose rows are as they were before the last run, or several. What they answer was right once,
	// so the server stays ready.
	LostRuns []string `json:"lost_runs,omitempty"`

	// read is when the registry was last read.
	read time.Time
}

// Why a server is not ready.
const (
	reasonUnread    = "the registry has not been read yet"
	reasonUnapplied = "nothing has been applied yet: run plumb apply"
	reasonStore     = "the online store does not answer"
	reasonDraining  = "the server is draining"
)

// conditionOf is the condition after a round, from the errors of reading the registry and of asking the store, and what
// the store has lost.
func conditionOf(before *Condition, serving *servedRevision, read, probed error, lost losses, now time.Time,
) *Condition {
	after := &Condition{read: now}
	if read != nil {
		after.read = before.read
	}
	switch {
	case serving == nil:
		after.Reasons = append(after.Reasons, reasonUnread)
	case serving.snapshot.Revision == 0:
		after.Reasons = append(after.Reasons, reasonUnapplied)
	default:
		after.Revision = serving.snapshot.Revision
	}
	if read != nil && serving != nil {
		after.StaleSince = &after.read
	}
	if probed != nil {
		after.Reasons = append(after.Reasons, reasonStore)
	}
	after.LostRows, after.LostRuns = lost.of(materialize.AllRows), lost.of(materialize.LastRuns)
	if after.LostRows != nil {
		after.Reasons = append(after.Reasons, lost.reason())
	}
	after.Ready = after.Reasons == nil
	return after
}

// losses are what the online store has lost of views, by name.
type losses map[string]materialize.Loss

// of returns the views with one kind of loss; nil if there are none.
func (l losses) of(kind materialize.Loss) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(l)) {
		if l[name] == kind {
			names = append(names, name)
		}
	}
	return names
}

func (l losses) reason() string {
	gone := l.of(materialize.AllRows)
	return fmt.Sprintf("the online store has lost the rows of %s %s: run plumb materialize",
		english.PluralWord(len(gone), "view", ""), strings.Join(gone, ", "))
}

// err says what is lost; nil if nothing is.
func (l losses) err() error {
	var texts []string
	if len(l.of(materialize.AllRows)) > 0 {
		texts = append(texts, l.reason())
	}
	if older := l.of(materialize.LastRuns); len(older) > 0 {
		texts = append(texts, fmt.Sprintf("the online store has rows of %s %s as they were before the last run: run plumb "+
			"materialize", english.PluralWord(len(older), "view", ""), strings.Join(older, ", ")))
	}
	if texts == nil {
		return nil
	}
	return errors.New(strings.Join(texts, "; "))
}

// Condition reports how the server is doing. It costs nothing.
func (s *Server) Condition() Condition {
	current := *s.following.condition.Load()
	if s.draining.Err() != nil {
		current.Ready, current.Reasons = false, []string{reasonDraining}
	}
	return current
}

// faultLog logs that a fault began, and that it ended. Rounds come every second, and a line for each would bury the
// others.
type faultLog struct {
	logger         *slog.Logger
	broken, mended string
	failing        bool
}

func (l *faultLog) report(err error) {
	switch failing := err != nil; {
	case failing == l.failing:
		return
	case failing:
		l.logger.Warn(l.broken, "error", err)
	default:
		l.logger.Info(l.mended)
	}
	l.failing = !l.failing
}
