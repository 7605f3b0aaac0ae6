package delta

import (
	"net/url"
	"strings"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/source/lake"
)

// decoded is a path as it is before its encoding as part of a URL.
func decoded(path string) (string, error) {
	plain, err := url.PathUnescape(path)
	if err != nil || plain == "" {
		return "", fault.Inputf("", "the log of the table has the path %s, which is not encoded as one is", lake.Shown(path))
	}
	return plain, nil
}

// place is where a file is by its path in the log: relative to the table, or whole.
func (s *state) place(path string) (string, error) {
	plain, err := decoded(path)
	switch {
	case err != nil:
		return "", err
	case strings.HasPrefix(plain, "/"), strings.HasPrefix(plain, "file:"), strings.Contains(plain, "://"):
		return lake.Place(plain), nil
	}
	return lake.Below(s.root, plain), nil
}
