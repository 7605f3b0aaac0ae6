package redis

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strconv"
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
	// sampleEvery is the share of the rows whose memory is asked for: the first of each page and table, and then one in
	// sampleEvery.
	sampleEvery = 64
)

// parsedKey is a key of a row, taken apart.
type parsedKey struct {
	view       string
	generation int64
	// isMark says that it is no row of an entity.
	isMark bool
}

// parseKey takes a key of a project's row apart; see appendKey. The last '}' is the one that ends the entity key, since
// what comes after it has none.
func parseKey(key, project string) (parsed parsedKey, ok bool) {
	rest, ok := strings.CutPrefix(key, "{"+url.QueryEscape(project)+":")
	end := strings.LastIndexByte(rest, '}')
	if !ok || end < 0 {
		return parsed, false
	}
	name, number, ok := strings.Cut(rest[end+1:], "@")
	if !ok {
		return parsed, false
	}
	view, err := url.QueryUnescape(name)
	generation, also := strconv.ParseInt(number, 10, 64)
	return parsedKey{view, generation, online.IsMark([]byte(rest[:end]))}, err == nil && also == nil
}

// scan hands the keys that match a pattern over page by page, of one server after the other; a page may come twice.
// Escaped names have no character that means something in a pattern. SCAN is used since KEYS would keep a server from
// answering look-ups until it had gone through all of its keys.
func (s *Store) scan(ctx context.Context, pattern string, page func([]string) error) error {
	var mutex sync.Mutex
	one := func(ctx context.Context, node *goredis.Client) error {
		mutex.Lock()
		defer mutex.Unlock()
		var cursor uint64
		for {
			keys, next, err := node.Scan(ctx, cursor, pattern, scanCount).Result()
			if err != nil {
				return err
			}
			if err := page(keys); err != nil || next == 0 {
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

// tableID names a generation of a view.
type tableID struct {
	view       string
	generation int64
}

// tally counts the rows of a table and the memory of some of them.
type tally struct{ rows, sampled, bytes int64 }

// Survey implements online.Surveyor. Rows are counted one by one, and the memory of some is multiplied: to ask for that
// of each row would be a command for each.
func (s *Store) Survey(ctx context.Context, project string) ([]online.Holding, error) {
	tallies := map[tableID]*tally{}
	err := s.scan(ctx, "{"+url.QueryEscape(project)+":*", func(keys []string) error {
		return s.count(ctx, project, keys, tallies)
	})
	if err != nil {
		return nil, s.explain(ctx, "count rows", err)
	}
	var holdings []online.Holding
	for id, t := range tallies {
		h := online.Holding{View: id.view, Generation: id.generation, Rows: t.rows}
		if t.sampled > 0 {
			h.Bytes = int64(float64(t.bytes) / float64(t.sampled) * float64(t.rows))
		}
		holdings = append(holdings, h)
	}
	slices.SortFunc(holdings, func(a, b online.Holding) int {
		return cmp.Or(strings.Compare(a.View, b.View), cmp.Compare(a.Generation, b.Generation))
	})
	return holdings, nil
}

// count counts a page of keys, and asks for the memory of some of them.
func (s *Store) count(ctx context.Context, project string, keys []string, tallies map[tableID]*tally) error {
	samples := map[*goredis.IntCmd]*tally{}
	pipeline := s.client.Pipeline()
	for _, key := range keys {
		parsed, ok := parseKey(key, project)
		if !ok || parsed.isMark {
			continue // Somebody else's, or no row.
		}
		id := tableID{parsed.view, parsed.generation}
		if tallies[id] == nil {
			tallies[id] = &tally{}
		}
		if tallies[id].rows%sampleEvery == 0 {
			samples[pipeline.MemoryUsage(ctx, key)] = tallies[id]
		}
		tallies[id].rows++
	}
	if len(samples) == 0 {
		return nil
	}
	_, _ = pipeline.Exec(ctx) // Each command has its own error.
	for command := range maps.Keys(samples) {
		switch bytes, err := command.Result(); {
		case errors.Is(err, goredis.Nil): // It has gone in the meantime.
		case err != nil:
			return err
		default:
			samples[command].sampled++
			samples[command].bytes += bytes
		}
	}
	return nil
}

// Remove implements online.Remover. A pattern also finds rows of others whose entity keys look like the end of one of
// these; so each key is taken apart.
func (s *Store) Remove(ctx context.Context, project, view string) (int64, error) {
	var removed int64
	pattern := "{" + url.QueryEscape(project) + ":*}" + url.QueryEscape(view) + "@*"
	err := s.scan(ctx, pattern, func(keys []string) error {
		pipeline := s.client.Pipeline()
		var rows []*goredis.IntCmd
		for _, key := range keys {
			parsed, ok := parseKey(key, project)
			if !ok || parsed.view != view {
				continue
			}
			if unlinked := pipeline.Unlink(ctx, key); !parsed.isMark {
				rows = append(rows, unlinked)
			}
		}
		if pipeline.Len() == 0 {
			return nil
		}
		_, err := pipeline.Exec(ctx)
		for _, row := range rows {
			removed += row.Val()
		}
		return err
	})
	if err != nil {
		return removed, s.explain(ctx, "remove rows", err)
	}
	return removed, nil
}
