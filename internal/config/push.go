package config

import (
	"time"

	"github.com/plumbstore/plumb/registry/spec"
)

// Push configures how rows are pushed.
type Push struct {
	// ClockSkew is how far an event time may lie ahead of the clock (R15), at least 0.
	ClockSkew time.Duration
}

func setClockSkew(l *loader, value []string) (err error) {
	l.config.Push.ClockSkew, err = spec.ParseDuration(value[0])
	return err
}
