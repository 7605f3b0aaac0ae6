package delta

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/source/lake"
)

// At says which version of a table is read: the latest one, or the one that a field names. One field is set at most.
type At struct {
	Version *int64
	// AsOf is an instant in microseconds.
	AsOf *int64
}

// table is a table that is read.
type table struct {
	read lake.Reader
	root string
}

// Open reads what a table holds. root is its folder; what is wrong is a *fault.InputError.
func Open(ctx context.Context, read lake.Reader, list lake.Lister, root string, at At) (*lake.Table, error) {
	names, err := list(ctx, lake.Below(root, logFolder))
	if err != nil {
		return nil, err
	}
	l, t := readLog(names), &table{read: read, root: root}
	if l.latest() < 0 {
		return nil, fault.Inputf("", "%s is not the folder of a Delta table: %s has no commit", root,
			lake.Below(root, logFolder))
	}
	version, err := t.choose(ctx, l, at)
	if err != nil {
		return nil, err
	}
	s, err := t.replay(ctx, l, version)
	if err != nil {
		return nil, err
	}
	if err := s.protocol.check(); err != nil {
		return nil, err
	}
	opened := &lake.Table{ID: s.metadata.ID, Version: version, Kept: l.kept()}
	return opened, s.finish(opened)
}

// choose finds the version that is read.
func (t *table) choose(ctx context.Context, l *log, at At) (int64, error) {
	switch {
	case at.AsOf != nil:
		return t.asOf(ctx, l, *at.AsOf)
	case at.Version == nil:
		return l.latest(), nil
	}
	kept := l.kept()
	if _, ok := slices.BinarySearch(kept, *at.Version); !ok {
		names := make([]string, len(kept))
		for i, version := range kept {
			names[i] = fmt.Sprint(version)
		}
		return 0, fault.Inputf("", "the log of the table does not lead to version %d; it leads to %s", *at.Version,
			lake.Listed(names))
	}
	return *at.Version, nil
}

// asOf is the newest version whose commit says a time that is not after an instant. Times of files say nothing here: a
// copy of a table has others.
func (t *table) asOf(ctx context.Context, l *log, instant int64) (int64, error) {
	for _, version := range slices.Backward(l.kept()) {
		if !l.commits[version] {
			break
		}
		actions, err := t.actionsOf(ctx, commitName(version))
		if err != nil {
			return 0, err
		}
		told := timeOf(actions)
		if told == nil {
			return 0, fault.Inputf("", "as_of cannot be found: the commit of version %d has no time; give the version",
				version)
		}
		// Division, since the product of a forged time might overflow.
		if *told <= lake.Milliseconds(instant) {
			return version, nil
		}
	}
	return 0, fault.Inputf("", "the log of the table has no version of as_of or before")
}

// timeOf is the time that a commit says, in milliseconds; nil if it says none.
func timeOf(actions []*action) *int64 {
	for _, a := range actions {
		if a.Commit != nil {
			return cmp.Or(a.Commit.InCommitTimestamp, a.Commit.Timestamp)
		}
	}
	return nil
}

// finish makes the table of what the log says.
func (s *state) finish(t *lake.Table) error {
	columns, physical, err := s.columns()
	if err != nil {
		return err
	}
	t.Columns = columns
	if len(s.files) == 0 {
		return fault.Inputf("", "the table has no files at version %d", t.Version)
	}
	for place, added := range s.files {
		file, err := s.file(place, added)
		if err != nil {
			return err
		}
		if file.Constants, err = constants(columns, physical, added); err != nil {
			return err
		}
		t.Files = append(t.Files, file)
	}
	slices.SortFunc(t.Files, func(a, b lake.File) int {
		return cmp.Or(cmp.Compare(a.Sequence, b.Sequence), strings.Compare(a.Path, b.Path))
	})
	return nil
}

// file is a data file by what was added of it. Checkpoints do not keep the version that added it, but they do keep the
// time at which it was made, which so is its place in the order of files.
func (s *state) file(place string, added *add) (lake.File, error) {
	path, err := decoded(added.Path)
	if err != nil {
		return lake.File{}, err
	}
	file := lake.File{Path: path, Place: place, Sequence: added.ModificationTime, Rows: lake.AnyRows, Size: added.Size}
	var stats struct {
		Rows *int64 `json:"numRecords"`
	}
	if added.Stats != "" {
		if err := json.Unmarshal([]byte(added.Stats), &stats); err != nil {
			return file, fault.Inputf("", "the log of the table has statistics of %s that are damaged: %v",
				lake.Shown(path), err)
		}
	}
	if stats.Rows != nil {
		file.Rows = *stats.Rows
	}
	if added.Size < 0 || file.Rows < lake.AnyRows {
		return file, fault.Inputf("", "the log of the table says that %s has %d rows and %d bytes", lake.Shown(path),
			file.Rows, added.Size)
	}
	if added.Vector != nil {
		file.Vector, err = s.vector(path, added.Vector)
	}
	return file, err
}
