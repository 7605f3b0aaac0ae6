package redis

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"sync"

	goredis "github.com/redis/go-redis/v9"

	"github.com/plumbstore/plumb/store/online"
)

var (
	_ online.Surveyor = (*Store)(nil)
	_ online.Remover  = (*Store)(nil)
)

const (
	// scanCount is how many keys a server looks at for one page of a scan.
	scanCount = 1000
	// sampleEvery is the share of the rows whose memory is asked for: the first of each table, and then one in
	// sampleEvery.
	sampleEvery = 64
)

// tableID names a generation of a view.
type tableID struct {
	view       string
	generation int64
}

// scan hands the keys of a project over page by page, of one server after the other; a page may come twice. Escaped
// names have no character that means something in a pattern. SCAN is used since KEYS would keep a server from answering
// look-ups until it had gone through all of its keys.
func (s *Store) scan(ctx context.Context, project string, page func(node *goredis.Client, keys []string) error) error {
	var mutex sync.Mutex
	pattern := "{" + url.QueryEscape(project) + ":*"
	one := func(ctx context.Context, node *goredis.Client) error {
		mutex.Lock()
		defer mutex.Unlock()
		var cursor uint64
		for {
			keys, next, err := node.Scan(ctx, cursor, pattern, scanCount).Result()
			if err != nil {
				return err
			}
			if err := page(node, keys); err != nil || next == 0 {
				return err
			}
			cursor = next
		}
	}
	switch client := s.client.(type) {
	case *goredis.ClusterClient:
		return client.ForEachMaster(ctx, one)
	case *goredis.Client:
		return one(ctx, client)
	}
	return errors.New("this kind of client cannot scan")
}

// Survey implements online.Surveyor. Rows are counted one by one, and the memory of some is multiplied: to ask for that
// of each would be a command for each.
func (s *Store) Survey(ctx context.Context, project string) ([]online.Holding, error) {
	tables, _, err := s.directory(ctx, project)
	if err != nil {
		return nil, s.explain(ctx, "count rows", err)
	}
	v := &survey{store: s, project: project, tables: tables, tallies: map[tallied]*tally{}}
	err = s.scan(ctx, project, func(_ *goredis.Client, keys []string) error { return v.count(ctx, keys) })
	if err != nil {
		return nil, s.explain(ctx, "count rows", err)
	}
	return v.holdings(), nil
}

// survey is a run of Survey.
type survey struct {
	store   *Store
	project string
	tables  map[string]tableID
	tallies map[tallied]*tally
}

// tallied is what is counted: the rows of a table in a layout.
type tallied struct {
	tableID

	older bool
}

// tally counts the rows of a table and the memory of some of them.
type tally struct {
	rows, sampled, bytes int64
	// next is how many rows there will be when the memory of the next is asked for.
	next int64
}

// add counts a row, and says whether its memory is to be asked for.
func (t *tally) add() bool {
	t.rows++
	if t.rows <= t.next {
		return false
	}
	t.next = t.rows - 1 + sampleEvery
	return true
}

func (v *survey) of(id tableID, older bool) *tally {
	key := tallied{id, older}
	if v.tallies[key] == nil {
		v.tallies[key] = &tally{}
	}
	return v.tallies[key]
}

// sample is a key whose memory is asked for, and what is counted of it.
type sample struct {
	memory *goredis.IntCmd
	rows   []*tally
}

// count counts the rows of a page of keys.
func (v *survey) count(ctx context.Context, keys []string) error {
	hashes := map[string]*goredis.StringSliceCmd{}
	older, err := v.store.olderRows(ctx, v.project, keys)
	if err != nil {
		return err
	}
	pipeline := v.store.client.Pipeline()
	for _, key := range keys {
		if entity, ok := entityOf(key, v.project); ok && isEntity(entity) {
			hashes[key] = pipeline.HKeys(ctx, key)
		}
	}
	_, _ = pipeline.Exec(ctx) // Each command has its own error.
	var samples []sample
	add := func(key string, rows ...*tally) {
		asked := false
		for _, row := range rows {
			asked = row.add() || asked
		}
		if asked {
			samples = append(samples, sample{pipeline.MemoryUsage(ctx, key), rows})
		}
	}
	for key, fields := range hashes {
		rows, err := v.rowsOf(fields)
		if err != nil {
			return err
		}
		if len(rows) > 0 {
			add(key, rows...)
		}
	}
	for key, row := range older {
		if !online.IsMark(row.entity) {
			add(key, v.of(row.table, true))
		}
	}
	_, _ = pipeline.Exec(ctx) // As above.
	return takeSamples(samples)
}

// rowsOf are what the fields of a hash are counted as. A field that the directory does not have is of a view that is
// not known.
func (v *survey) rowsOf(fields *goredis.StringSliceCmd) ([]*tally, error) {
	names, err := fields.Result()
	if goredis.HasErrorPrefix(err, "WRONGTYPE") {
		return nil, nil // It is somebody else's.
	}
	if err != nil {
		return nil, err
	}
	rows := make([]*tally, len(names))
	for i, field := range names {
		rows[i] = v.of(v.tables[field], false)
	}
	return rows, nil
}

// takeSamples divides the memory of each key among its rows.
func takeSamples(samples []sample) error {
	for _, sample := range samples {
		switch bytes, err := sample.memory.Result(); {
		case errors.Is(err, goredis.Nil): // It has gone in the meantime.
		case err != nil:
			return err
		default:
			for _, row := range sample.rows {
				row.sampled++
				row.bytes += bytes / int64(len(sample.rows))
			}
		}
	}
	return nil
}

func (v *survey) holdings() []online.Holding {
	holdings := make([]online.Holding, 0, len(v.tallies))
	for id, t := range v.tallies {
		h := online.Holding{View: id.view, Generation: id.generation, OlderLayout: id.older, Rows: t.rows}
		if t.sampled > 0 {
			h.Bytes = int64(float64(t.bytes) / float64(t.sampled) * float64(t.rows))
		}
		holdings = append(holdings, h)
	}
	slices.SortFunc(holdings, func(a, b online.Holding) int {
		return cmp.Or(strings.Compare(a.View, b.View), cmp.Compare(a.Generation, b.Generation),
			cmp.Compare(layoutOf(a), layoutOf(b)))
	})
	return holdings
}

// layoutOf is the layout that the rows are in.
func layoutOf(h online.Holding) int {
	if h.OlderLayout {
		return 1
	}
	return 2
}

// Remove implements online.Remover. A view whose directory entry is lost keeps its rows; they are counted without a
// name.
func (s *Store) Remove(ctx context.Context, project, view string) (int64, error) {
	tables, _, err := s.directory(ctx, project)
	if err != nil {
		return 0, s.explain(ctx, "remove rows", err)
	}
	r := &removal{store: s, project: project, view: view}
	for field, id := range tables {
		if id.view == view {
			r.fields = append(r.fields, field)
		}
	}
	err = s.scan(ctx, project, func(_ *goredis.Client, keys []string) error { return r.page(ctx, keys) })
	if err == nil && len(r.fields) > 0 {
		err = s.forgetTables(ctx, project, r.fields)
	}
	if err != nil {
		return r.removed, s.explain(ctx, "remove rows", err)
	}
	return r.removed, nil
}

// forgetTables takes tables out of the directory. That goes last, so that a removal that was interrupted can go on. A
// directory without tables goes too.
func (s *Store) forgetTables(ctx context.Context, project string, fields []string) error {
	key := directoryKey(project)
	if err := s.client.HDel(ctx, key, fields...).Err(); err != nil {
		return err
	}
	s.forgetStates(project)
	left, err := s.client.HKeys(ctx, key).Result()
	if err == nil && slices.Equal(left, []string{wholeProject}) {
		err = s.client.Unlink(ctx, key).Err()
	}
	return err
}

// removal is a run of Remove.
type removal struct {
	store         *Store
	project, view string
	// fields are those of the view's tables.
	fields  []string
	removed int64
}

// page removes what a page of keys has of the view. Each key is taken apart: a pattern would also find rows of others
// whose entity keys look like the end of one of these.
func (r *removal) page(ctx context.Context, keys []string) error {
	pipeline := r.store.client.Pipeline()
	var rows []*goredis.IntCmd
	for _, key := range keys {
		if row, ok := parseOlder(key, r.project); ok && row.table.view == r.view {
			if unlinked := pipeline.Unlink(ctx, key); !online.IsMark(row.entity) {
				rows = append(rows, unlinked)
			}
			continue
		}
		entity, ok := entityOf(key, r.project)
		if !ok || len(r.fields) == 0 || !isEntity(entity) && !online.IsMark(entity) {
			continue
		}
		if deleted := pipeline.HDel(ctx, key, r.fields...); isEntity(entity) {
			rows = append(rows, deleted)
		}
	}
	if pipeline.Len() == 0 {
		return nil
	}
	_, err := pipeline.Exec(ctx)
	for _, row := range rows {
		r.removed += row.Val()
	}
	return err
}
