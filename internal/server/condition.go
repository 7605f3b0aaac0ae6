package server

import (
	"log/slog"
	"time"
)

// Condition is how a server is doing, as of its last round of questions to the registry and the store.
type Condition struct {
	// Ready says that there is a revision to serve and that the online store answers.
	Ready bool `json:"ready"`
	// Reasons say why it is not ready, without internals; empty where it is.
	Reasons []string `json:"reasons,omitempty"`
	// Revision is the registry revision that is served, 0 where there is none.
	Revision int64 `json:"revision"`
	// StaleSince is when the registry was last read, where it cannot be read now: a later revision may be there. The
	// server goes on with the one that it has.
	StaleSince *time.Time `json:"stale_since,omitempty"`

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

// conditionOf is the condition after a round, from the errors of reading the registry and of asking the store.
func conditionOf(before *Condition, serving *edition, read, probed error, now time.Time) *Condition {
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
	after.Ready = after.Reasons == nil
	return after
}

// Condition tells how the server is doing. It costs nothing.
func (s *Server) Condition() Condition {
	current := *s.following.condition.Load()
	if s.draining.Err() != nil {
		current.Ready, current.Reasons = false, []string{reasonDraining}
	}
	return current
}

// faultLog logs that a fault began, and that it ended.
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
