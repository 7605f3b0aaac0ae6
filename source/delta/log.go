package delta

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/source/lake"
)

// logFolder is the folder of a table that has its log.
const logFolder = "_delta_log"

// log is the files of a table's log, by their names alone.
type log struct {
	// commits are the versions whose commits are there, and checkpoints the files of each checkpoint that is whole.
	commits     map[int64]bool
	checkpoints map[int64][]string
}

// readLog takes the names of the files in a log apart:
//
//	00000000000000000010.json                                        a commit
//	00000000000000000010.checkpoint.parquet                          a checkpoint
//	00000000000000000010.checkpoint.0000000001.0000000003.parquet    one of the three parts of a checkpoint
//	00000000000000000010.checkpoint.80a083e8-….json                  one that may have files besides, or .parquet
//
// All others say nothing that these do not.
func readLog(names []string) *log {
	l := &log{commits: map[int64]bool{}, checkpoints: map[int64][]string{}}
	parts := map[string][]string{}
	slices.Sort(names)
	for _, name := range names {
		version, rest, ok := versionOf(name)
		fields := strings.Split(rest, ".")
		switch {
		case !ok:
		case rest == "json":
			l.commits[version] = true
		case fields[0] != "checkpoint":
		case rest == "checkpoint.parquet":
			l.checkpoints[version] = []string{name}
		case len(fields) == 3 && (fields[2] == "parquet" || fields[2] == "json"):
			if l.checkpoints[version] == nil {
				l.checkpoints[version] = []string{name}
			}
		case len(fields) == 4 && fields[3] == "parquet":
			whole := fmt.Sprint(version, " ", fields[2])
			parts[whole] = append(parts[whole], name)
			count, err := strconv.Atoi(fields[2])
			if err == nil && len(parts[whole]) == count && l.checkpoints[version] == nil {
				l.checkpoints[version] = parts[whole]
			}
		}
	}
	return l
}

// versionOf is the version that the name of a file begins with, in 20 digits, and what follows it.
func versionOf(name string) (version int64, rest string, ok bool) {
	const digits = 20
	number, rest, ok := strings.Cut(name, ".")
	if !ok || len(number) != digits {
		return 0, "", false
	}
	parsed, err := strconv.ParseUint(number, 10, 63)
	return int64(parsed), rest, err == nil
}

// commitName is the name of the commit of a version.
func commitName(version int64) string { return fmt.Sprintf("%020d.json", version) }

// latest is the newest version, or -1 if there is none.
func (l *log) latest() int64 {
	latest := int64(-1)
	for _, versions := range []map[int64]bool{l.commits, keysOf(l.checkpoints)} {
		for version := range versions {
			latest = max(latest, version)
		}
	}
	return latest
}

func keysOf(checkpoints map[int64][]string) map[int64]bool {
	versions := map[int64]bool{}
	for version := range checkpoints {
		versions[version] = true
	}
	return versions
}

// base is the version of the newest checkpoint that is not after a version, or -1 if there is none.
func (l *log) base(version int64) int64 {
	base := int64(-1)
	for checkpoint := range l.checkpoints {
		if checkpoint <= version {
			base = max(base, checkpoint)
		}
	}
	return base
}

// kept are the versions that can be read: those of checkpoints, and those whose commits follow on another.
func (l *log) kept() []int64 {
	versions := keysOf(l.checkpoints)
	for _, version := range slices.Sorted(maps.Keys(l.commits)) {
		if version == 0 || versions[version-1] {
			versions[version] = true
		}
	}
	return slices.Sorted(maps.Keys(versions))
}

// state is what a table holds at a version.
type state struct {
	root     string
	protocol *protocol
	metadata *metadata
	// files are by their places. A file that is added again, with other deleted rows, takes the place of itself.
	files map[string]*add
}

// replay reads the log up to a version.
func (t *table) replay(ctx context.Context, l *log, version int64) (*state, error) {
	s := &state{root: t.root, files: map[string]*add{}}
	base := l.base(version)
	if base >= 0 {
		if err := t.readCheckpoint(ctx, s, l.checkpoints[base]); err != nil {
			return nil, err
		}
	}
	for next := base + 1; next <= version; next++ {
		if !l.commits[next] {
			return nil, fault.Inputf("", "cannot read version %d of the table: its log lacks %s", version, commitName(next))
		}
		if err := t.readCommit(ctx, s, next); err != nil {
			return nil, err
		}
	}
	if s.protocol == nil || s.metadata == nil {
		return nil, fault.Inputf("", "cannot read version %d of the table: its log has no protocol or no metaData", version)
	}
	return s, nil
}

// maxCommit is the size of the largest commit that is read.
const maxCommit = 256 << 20

// actionsOf reads a commit, or a checkpoint in JSON.
func (t *table) actionsOf(ctx context.Context, name string) ([]*action, error) {
	place := lake.Below(t.root, logFolder+"/"+name)
	text, err := t.read(ctx, place, maxCommit)
	if err != nil {
		return nil, err
	}
	var actions []*action
	err = eachAction(text, place, func(a *action) error {
		actions = append(actions, a)
		return ctx.Err()
	})
	return actions, err
}

// readCommit takes a commit in. What it removes was there before, and its order within the commit says nothing.
func (t *table) readCommit(ctx context.Context, s *state, version int64) error {
	actions, err := t.actionsOf(ctx, commitName(version))
	if err != nil {
		return err
	}
	for _, a := range actions {
		if a.Remove == nil {
			continue
		}
		place, err := s.place(a.Remove.Path)
		if err != nil {
			return err
		}
		if known := s.files[place]; known != nil && known.Vector.id() == a.Remove.Vector.id() {
			delete(s.files, place)
		}
	}
	for _, a := range actions {
		if err := s.take(a); err != nil {
			return err
		}
	}
	return nil
}

// take takes an action in, but for removals.
func (s *state) take(a *action) error {
	switch {
	case a.Protocol != nil:
		s.protocol = a.Protocol
	case a.Metadata != nil:
		s.metadata = a.Metadata
	case a.Add != nil:
		place, err := s.place(a.Add.Path)
		if err != nil {
			return err
		}
		if s.files[place] = a.Add; len(s.files) > lake.MaxFiles {
			return fault.Inputf("", "the table has more than %d files; have its engine rewrite them as fewer", lake.MaxFiles)
		}
	}
	return nil
}
