package onlinetest

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"golang.org/x/sync/errgroup"
	"pgregory.net/rapid"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/packed"
	"github.com/plumbstore/plumb/store/storetest"
)

// onlineR14Examples writes packed rows one after the other and says which one is served.
func onlineR14Examples(t *testing.T, open Open) {
	store := open(t)
	type version struct {
		event   feature.Instant
		created any
	}
	for _, c := range []struct {
		name     string
		versions []version
		// winner is the position of the row that is served.
		winner int
	}{
		{"a later event replaces", []version{{1, nil}, {2, nil}}, 1},
		{"an earlier event does not, whenever it comes", []version{{2, nil}, {1, nil}}, 0},
		{"before the epoch is before it", []version{{0, nil}, {-1, nil}}, 0},
		{"a created time breaks the tie", []version{{1, 5}, {1, 6}}, 1},
		{"an earlier created time loses the tie", []version{{1, 6}, {1, 5}}, 0},
		{"any created time is later than none", []version{{1, -5}, {1, nil}}, 0},
		{"a correction reaches serving", []version{{1, nil}, {1, -5}}, 1},
		{"of equal ones the last replaces", []version{{1, 5}, {1, 5}, {1, 5}}, 2},
		{"the event counts before the created time", []version{{2, 1}, {1, 9}}, 0},
		{"an older one between does no harm", []version{{2, nil}, {1, nil}, {2, nil}, {1, 9}}, 2},
	} {
		for _, together := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/in one call %t", c.name, together), func(t *testing.T) {
				view := newOnlineView(nil, feature.Field{Name: "position", Type: plumbv1.Type_INT32})
				var rows []storetest.SourceRow
				for i, v := range c.versions {
					row := storetest.SourceRow{Event: &v.event, Features: []any{int32(i)}}
					if v.created != nil {
						created := feature.Instant(v.created.(int))
						row.Created = &created
					}
					rows = append(rows, row)
				}
				packed := storetest.Pack(t, nil, view.Schema(), rows...)
				size := 1
				if together {
					size = len(packed)
				}
				for chunk := range slices.Chunk(packed, size) {
					writeOnline(t, store, online.NewTable(view, 0), chunk...)
				}
				want := storetest.Cell{Value: int32(c.winner), Status: plumbv1.Status_PRESENT, Event: c.versions[c.winner].event}
				sameCells(t, lookUpOnline(t, store, view, 10, nil)[0], want)
			})
		}
	}
}

// onlineR14Order checks calls with random rows against a map: what each call reports, and what is stored in the end.
func onlineR14Order(t *testing.T, open Open) {
	store := open(t)
	rapid.Check(t, func(t *rapid.T) {
		table, model := newOnlineTable(), map[string][]byte{}
		for call := range rapid.IntRange(1, 5).Draw(t, "calls") {
			var want online.WriteReport
			rows := make([]online.Row, rapid.IntRange(0, 8).Draw(t, "rows"))
			for i := range rows {
				key := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "key")
				event, created := rapid.Int64Range(0, 2).Draw(t, "event"), rapid.Int64Range(0, 2).Draw(t, "created")
				rows[i] = versionedRow(key, event, created, fmt.Sprint(call, i))
				if replaces(rows[i].Value, model[key]) {
					model[key] = rows[i].Value
					want.Written++
				} else {
					want.Older++
				}
			}
			if got := writeOnline(t, store, table, rows...); got != want {
				t.Fatalf("call %d reports %+v, want %+v", call, got, want)
			}
		}
		checkModel(t, store, table, model)
	})
}

// replaces is R14 for two values that Value has made.
func replaces(value, stored []byte) bool {
	if stored == nil {
		return true
	}
	row, err := packed.Parse(value)
	other, also := packed.Parse(stored)
	if err != nil || also != nil {
		return false
	}
	if row.Event != other.Event {
		return row.Event > other.Event
	}
	created, _ := row.Created()
	before, _ := other.Created()
	return created >= before
}

func checkModel(t rapid.TB, store online.Store, table online.Table, model map[string][]byte) {
	t.Helper()
	for _, key := range []string{"a", "b", "c"} {
		if got := readOnline(t, store, table, key)[0]; !bytes.Equal(got, model[key]) {
			t.Fatalf("key %s has %x, want %x", key, got, model[key])
		}
	}
}

// onlineR14Bytes aims at comparisons that go by a collation, by signed bytes, or end at a zero byte.
func onlineR14Bytes(t *testing.T, open Open) {
	store, table := open(t), newOnlineTable()
	letters := slices.Concat([]byte("\x00\x01\t -09ABZ_abz"), []byte{0x7f, 0x80, 0xc3, 0xe9, 0xfe, 0xff})
	var rows []online.Row
	var keys []string
	want := int64(0)
	const times = 16 // The bytes of an event time and a created time.
	for position := range times {
		for i, low := range letters {
			for _, high := range letters[i+1:] {
				key := fmt.Sprintf("%#x before %#x at byte %d", low, high, position)
				older, newer := bytes.Repeat([]byte{'m'}, times), bytes.Repeat([]byte{'m'}, times)
				older[position], newer[position] = low, high
				if position+1 < times {
					older[position+1] = 0xff
				}
				row := ofTimes(key, older, "older")
				rows = append(rows, row, ofTimes(key, newer, "newer"), row)
				keys = append(keys, key)
				want += 2
				if position == 0 && high >= 0x80 {
					want++ // The newer one lies ahead of the clock, so that the older one is kept (R15).
				}
			}
		}
	}
	if report := writeOnline(t, store, table, rows...); report.Written != want {
		t.Errorf("%+v, want %d written", report, want)
	}
	for i, payload := range payloads(readOnline(t, store, table, keys...)) {
		if payload != "newer" {
			t.Errorf("%s: the %q row won", keys[i], payload)
		}
	}
}

// ofTimes is a row whose event and created time have these bytes, which compare as the times do.
func ofTimes(key string, times []byte, payload string) online.Row {
	instant := func(bytes []byte) int64 { return int64(binary.BigEndian.Uint64(bytes) ^ 1<<63) }
	return versionedRow(key, instant(times[:8]), instant(times[8:]), payload)
}

// onlineR14Concurrent lets many writers, on two handles, each write all rows in an order of its own.
func onlineR14Concurrent(t *testing.T, open Open) {
	const keys, versions, writers, batch = 20, 20, 8, 25
	handles := []online.Store{open(t), open(t)}
	table := newOnlineTable()
	var rows []online.Row
	var names, want []string
	for key := range keys {
		for version := range int64(versions) {
			rows = append(rows, versionedRow(fmt.Sprint(key), version/4, version%4, fmt.Sprint(version)))
		}
		names, want = append(names, fmt.Sprint(key)), append(want, fmt.Sprint(versions-1))
	}
	group, ctx := errgroup.WithContext(t.Context())
	for writer := range writers {
		shuffled := slices.Clone(rows)
		random := rand.New(rand.NewPCG(uint64(writer), 0))
		random.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		group.Go(func() error {
			return writeInBatches(ctx, handles[writer%len(handles)], table, shuffled, batch)
		})
		group.Go(func() error { return watchForward(ctx, handles[writer%len(handles)], table, names[writer]) })
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	for _, handle := range handles {
		samePayloads(t, readOnline(t, handle, table, names...), want...)
	}
}

func writeInBatches(ctx context.Context, store online.Store, table online.Table, rows []online.Row, size int) error {
	for chunk := range slices.Chunk(rows, size) {
		if _, err := store.Write(ctx, table, chunk); err != nil {
			return err
		}
	}
	return nil
}

// watchForward reads one key while others write it: its version never goes back.
func watchForward(ctx context.Context, store online.Store, table online.Table, key string) error {
	var last []byte
	for range 50 {
		values, err := store.Read(ctx, []online.Get{{Table: table, Key: []byte(key)}})
		if err != nil {
			return err
		}
		if last != nil && (values[0] == nil || !replaces(values[0], last)) {
			return fmt.Errorf("key %s went from %x back to %x", key, last, values[0])
		}
		last = values[0]
	}
	return nil
}
