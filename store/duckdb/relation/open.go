package relation

import (
	"context"
	"errors"
	"maps"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/store/duckdb/session"
	"github.com/plumbstore/plumb/store/duckdb/sourcefiles"
	"github.com/plumbstore/plumb/store/duckdb/sqlcheck"
)

// Open makes the sources readable in the session, and whatever they read, and confines the session to their
// files. It leaves all files out but those of only, unless that is nil. The caller closes the set, and has it open as
// long as its files are read.
func Open(ctx context.Context, finder *sourcefiles.Finder, s *session.Session, sources []*feature.Source,
	only []feature.Input, scratch Scratch,
) (*Set, error) {
	return open(ctx, finder, s, sources, only, scratch, func(r *Set) error { return r.confine(ctx, nil) })
}

// Plan is Open for a session that a run may take over by Resume. It leaves the session unconfined if HasQueries says
// false, since no SQL of users is bound in it.
func Plan(ctx context.Context, finder *sourcefiles.Finder, s *session.Session, sources []*feature.Source,
	only []feature.Input, scratch Scratch,
) (*Set, error) {
	return open(ctx, finder, s, sources, only, scratch, func(r *Set) error {
		if r.HasQueries() {
			return r.confine(ctx, nil)
		}
		if err := r.prepare(ctx); err != nil {
			return err
		}
		return r.create(ctx)
	})
}

// open adds the sources and has them made readable.
func open(ctx context.Context, finder *sourcefiles.Finder, s *session.Session, sources []*feature.Source,
	only []feature.Input, scratch Scratch, readable func(*Set) error,
) (*Set, error) {
	r := newSet(finder, s, scratch)
	err := r.addAll(ctx, sources, only)
	if err == nil {
		err = readable(r)
	}
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

func newSet(finder *sourcefiles.Finder, s *session.Session, scratch Scratch) *Set {
	return &Set{finder: finder, session: s, tables: map[string]Table{}, queries: map[string]*sqlcheck.Query{},
		loaded: map[string]bool{}, reading: finder.Begin(scratch), layouts: newLayouts()}
}

// Description is the columns of a source, or why they cannot be read.
type Description struct {
	Columns []feature.Column
	Err     error
}

// Describe describes sources of files, none of which keeps another from being read, in a session that it confines to
// the files of them all.
func Describe(ctx context.Context, finder *sourcefiles.Finder, s *session.Session, sources []*feature.Source,
	scratch Scratch,
) (described map[*feature.Source]Description, err error) {
	r := newSet(finder, s, scratch)
	defer func() { err = errors.Join(err, r.Close()) }()
	described = map[*feature.Source]Description{}
	for _, source := range sources {
		described[source] = Description{Err: r.add(ctx, source)}
	}
	if err := r.prepare(ctx); err != nil {
		return nil, err
	}
	if err := r.session.Confine(ctx, r.allowed()); err != nil {
		return nil, err
	}
	for _, source := range r.order {
		table, err := r.learn(ctx, source, r.tables[source.Name])
		if err != nil {
			described[source] = Description{Err: inSource(source, r.changed(err))}
		} else {
			described[source] = Description{Columns: table.registered()}
		}
	}
	return described, nil
}

// HasQueries says whether one of the sources, or of what they read, is SQL.
func (r *Set) HasQueries() bool { return len(r.queries) > 0 }

// Scratch makes a folder of an operation's own.
type Scratch = func() (folder string, remove func() error, err error)

func (r *Set) addAll(ctx context.Context, sources []*feature.Source, only []feature.Input) error {
	if only != nil {
		r.only = map[string]feature.Version{}
		for _, file := range only {
			r.only[onlyKey(file.Source, file.Name)] = file.Version
		}
	}
	for _, source := range sources {
		if err := r.add(ctx, source); err != nil {
			return err
		}
	}
	return nil
}

// Reopen makes the same files readable in another session. None may have changed since: what was planned for them may
// not fit others.
func (r *Set) Reopen(ctx context.Context, s *session.Session, files []string) (*Set, error) {
	again, err := r.again(s)
	if err != nil {
		return nil, err
	}
	return again, again.confine(ctx, files)
}

// Resume is Reopen in the session of Plan, which has to be unconfined, and only once.
func (r *Set) Resume(ctx context.Context, files []string) (*Set, error) {
	again, err := r.again(r.session)
	if err != nil {
		return nil, err
	}
	again.fetchBefore()
	return again, again.session.Confine(ctx, append(again.allowed(), files...))
}

// again is the set for another use of its files, none of which may have changed.
func (r *Set) again(s *session.Session) (*Set, error) {
	again := &Set{finder: r.finder, session: s, tables: maps.Clone(r.tables), order: r.order, queries: r.queries,
		loaded: map[string]bool{}, reading: r.reading, layouts: r.layouts}
	return again, again.changed(nil)
}

// confine ends all access to others than the sources' files and those given, and makes the sources readable.
func (r *Set) confine(ctx context.Context, files []string) error {
	if err := r.prepare(ctx); err != nil {
		return err
	}
	if err := r.session.Confine(ctx, append(r.allowed(), files...)); err != nil {
		return err
	}
	return r.create(ctx)
}

// prepare configures the session for the files.
func (r *Set) prepare(ctx context.Context) error {
	r.fetchBefore()
	return r.session.KeepFooters(ctx, r.footerBytes())
}
