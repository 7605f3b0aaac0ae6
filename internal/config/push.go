package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/plumbstore/plumb/feature"
)

// Push configures how rows are pushed.
type Push struct {
	// ClockSkew is how far an event time may lie ahead of the clock (R15), at least 0.
	ClockSkew time.Duration
	// LogSize, in bytes, and LogInterval are when rows of a push log become a Parquet file; both above nothing.
	LogSize     int64
	LogInterval time.Duration
	// LogDir is the absolute folder of the write-ahead files of push logs whose Parquet files are objects.
	LogDir string
}

func setLogSize(l *loader, value []string) (err error) {
	l.config.Push.LogSize, err = parseSize(value[0])
	return err
}

func setLogDir(l *loader, value []string) error {
	dir := value[0]
	if dir == "" {
		return errors.New("must name a folder")
	}
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(l.config.ProjectDir, dir)
	}
	l.config.Push.LogDir = dir
	return nil
}

func setLogInterval(l *loader, value []string) (err error) {
	l.config.Push.LogInterval, err = feature.ParseDuration(value[0])
	if err == nil && l.config.Push.LogInterval <= 0 {
		err = fmt.Errorf("must be a duration above nothing such as 10s or 1m, not %q", value[0])
	}
	return err
}

func setClockSkew(l *loader, value []string) (err error) {
	l.config.Push.ClockSkew, err = feature.ParseDuration(value[0])
	return err
}
