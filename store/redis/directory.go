package redis

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/store/online"
)

// A project's directory is a hash. For each table that was written it has the table's field, and as the value a digit
// and the table's name:
//
//	1view@7   there may be rows of the table in layout 1
//	2view@7   there are none
//
// It also has the field "*" with the value 2 once no table of the project has rows in layout 1. So a field has one
// meaning in a project (R16), rows can be counted and removed by the names of their views, and look-ups know whether to
// look for older rows. A directory that is lost is written again with the next rows; until then look-ups look for
// older rows, and rows are counted without the name of their view.
const (
	withOlder    = '1'
	withoutOlder = '2'
	// wholeProject is the field for the project. It is shorter than those of tables.
	wholeProject = "*"
	// recheck is how long a process goes on with what it has read of the directory.
	recheck = 10 * time.Second
)

//go:embed register.lua
var registerSource string

var register = goredis.NewScript(registerSource)

// tableEntry is what a process knows of a table.
type tableEntry struct {
	table                online.Table
	project, name, field string
	state                atomic.Pointer[tableState]
}

// tableState is what the directory said of a table at an instant.
type tableState struct {
	registered bool
	// older says that there may be rows in layout 1.
	older bool
	// until is when the directory is to be asked again.
	until time.Time
}

// entry returns the entry of a table.
func (s *Store) entry(table online.Table) *tableEntry {
	table.Retention = 0
	if known, ok := s.tables.Load(table); ok {
		return known.(*tableEntry)
	}
	name := nameOf(table)
	known, _ := s.tables.LoadOrStore(table, &tableEntry{table: table, project: table.Project, name: name,
		field: fieldOf(name)})
	return known.(*tableEntry)
}

// older says whether look-ups of the table have to look for rows in layout 1.
func (e *tableEntry) older() bool {
	state := e.state.Load()
	return state == nil || state.older
}

// isStale says that the directory has to be asked for the table.
func (e *tableEntry) isStale(now time.Time) bool {
	state := e.state.Load()
	return state == nil || !now.Before(state.until)
}

// take takes what the directory says of the table, and of the project; "" for nothing.
func (e *tableEntry) take(said, project string, now time.Time) error {
	older := project != string(withoutOlder)
	if said == "" {
		e.state.Store(&tableState{older: older, until: now.Add(recheck)})
		return nil
	}
	if said[0] != withOlder && said[0] != withoutOlder {
		return fmt.Errorf("the directory has %q for %s: %w", said, e.name, fault.ErrNewer)
	}
	if name := said[1:]; name != e.name {
		return e.collision(name)
	}
	older = older && said[0] == withOlder
	e.state.Store(&tableState{registered: true, older: older, until: now.Add(recheck)})
	return nil
}

func (e *tableEntry) collision(other string) error {
	mine, _ := parseName(e.name)
	theirs, _ := parseName(other)
	return &fault.RefusedError{
		Advice: fmt.Sprintf("the rows of view %q would be stored in the place of those of view %q; rename one of them, "+
			"or remove the rows of %q with plumb teardown if it is not defined any more", mine.view, theirs.view, theirs.view),
		Err: errors.New("two tables have the same field"),
	}
}

// registered makes sure that the directory has the table before rows are written.
func (s *Store) registered(ctx context.Context, e *tableEntry) error {
	if state := e.state.Load(); state != nil && state.registered && !e.isStale(s.now()) {
		return nil
	}
	said, err := register.Run(ctx, s.client, []string{directoryKey(e.project)}, e.field, e.name).StringSlice()
	if err != nil {
		return err
	}
	if len(said) != 2 {
		return fmt.Errorf("the directory answered %q", said)
	}
	return e.take(said[0], said[1], s.now())
}

// newDirectoryRead is a command that asks for tables of a project; see takeDirectory.
func newDirectoryRead(ctx context.Context, entries []*tableEntry) *goredis.SliceCmd {
	args := make([]any, 0, 3+len(entries))
	args = append(args, "hmget", directoryKey(entries[0].project), wholeProject)
	for _, entry := range entries {
		args = append(args, entry.field)
	}
	return goredis.NewSliceCmd(ctx, args...)
}

// takeDirectory takes what a command of newDirectoryRead was answered.
func (s *Store) takeDirectory(command *goredis.SliceCmd, entries []*tableEntry) error {
	said, err := command.Result()
	if err != nil {
		return err
	}
	if len(said) != 1+len(entries) {
		return fmt.Errorf("the directory answered %d of %d tables", len(said)-1, len(entries))
	}
	project, _ := said[0].(string)
	for i, entry := range entries {
		text, _ := said[1+i].(string)
		if err := entry.take(text, project, s.now()); err != nil {
			return err
		}
	}
	return nil
}

// directory returns the tables of a project by their fields, and whether the whole project is without older rows.
func (s *Store) directory(ctx context.Context, project string) (map[string]tableID, bool, error) {
	said, err := s.client.HGetAll(ctx, directoryKey(project)).Result()
	if err != nil {
		return nil, false, err
	}
	tables := map[string]tableID{}
	for field, text := range said {
		if field == wholeProject || text == "" {
			continue
		}
		if id, ok := parseName(text[1:]); ok {
			tables[field] = id
		}
	}
	return tables, said[wholeProject] == string(withoutOlder), nil
}
