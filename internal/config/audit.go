package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"time"
)

// Audit says what is kept of the answers to look-ups.
type Audit struct {
	// Dir is the folder, as an absolute path, or empty if nothing is kept.
	Dir string
	// Rate is the share of entities whose look-ups are kept, above 0 and at most 1.
	Rate float64
	// FileSize, in bytes, and Interval are when a file is finished; both above nothing.
	FileSize int64
	Interval time.Duration
	// HashKey is what sensitive values are hashed with, or empty if there is none.
	HashKey Secret
}

// Secret is a text that is not printed, logged or marshaled; only Reveal gives it away.
type Secret struct{ text string }

// NewSecret wraps a text.
func NewSecret(text string) Secret { return Secret{text} }

// Reveal returns the text.
func (s Secret) Reveal() string { return s.text }

// String returns xxxxx if there is a text.
func (s Secret) String() string {
	if s.text == "" {
		return ""
	}
	return redacted
}

// GoString is String, for %#v.
func (s Secret) GoString() string { return s.String() }

// MarshalText writes String, for JSON and for logs.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

var auditSettings = []Setting{
	{Key: "serving.audit.dir", Optional: true,
		Usage: "folder to keep what look-ups were answered with in; unless given, nothing is kept", set: setAuditDir},
	{Key: "serving.audit.rate", Default: "0.01", kind: share,
		Usage: "share of entities whose look-ups are kept, above 0 and at most 1, or all", set: setAuditRate},
	{Key: "serving.audit.file_size", Default: "64MB", Usage: "after how many bytes a file of those is finished",
		set: setAuditFileSize},
	{Key: "serving.audit.interval", Default: "5m", Usage: "after how long a file of those is finished",
		set: setAuditInterval},
	{Key: "serving.audit.hash_key", Optional: true,
		Usage: "key of the hashes that sensitive values are kept as, such as ${VARIABLE}; at least 16 characters",
		set:   setAuditHashKey},
}

func setAuditDir(l *loader, value []string) error {
	dir := value[0]
	if dir != "" && !filepath.IsAbs(dir) {
		dir = filepath.Join(l.config.ProjectDir, dir)
	}
	l.config.Serving.Audit.Dir = dir
	return nil
}

func setAuditRate(l *loader, value []string) error {
	if value[0] == "all" {
		l.config.Serving.Audit.Rate = 1
		return nil
	}
	rate, err := strconv.ParseFloat(value[0], 64)
	if err != nil || !(rate > 0 && rate <= 1) {
		return fmt.Errorf("must be a number above 0 and at most 1, or all, not %q; leave serving.audit.dir out to keep "+
			"nothing", value[0])
	}
	l.config.Serving.Audit.Rate = rate
	return nil
}

func setAuditFileSize(l *loader, value []string) (err error) {
	l.config.Serving.Audit.FileSize, err = parseSize(value[0])
	return err
}

func setAuditInterval(l *loader, value []string) (err error) {
	l.config.Serving.Audit.Interval, err = parsePositive(value[0])
	return err
}

// setAuditHashKey includes nothing of the key in an error.
func setAuditHashKey(l *loader, value []string) error {
	key, err := expand(value[0], l.getenv)
	const shortest = 16
	if err == nil && key != "" && len(key) < shortest {
		err = errors.New("must have at least 16 characters: a shorter key can be guessed, and with it what is hashed")
	}
	l.config.Serving.Audit.HashKey = Secret{key}
	return err
}
