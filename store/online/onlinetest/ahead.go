package onlinetest

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/packed"
	"github.com/plumbstore/plumb/store/storetest"
)

// written is a row that was written, as the reference remembers it.
type written struct {
	event   feature.Instant
	created any
	// schema is 1 or 2: the second has a feature more.
	schema uint32
	number int32
}

// beats is R14 for rows of one key: the later event, then the later created time with null lowest, then the newer
// layout; of equal ones the one that was written last.
func (w written) beats(other written) bool {
	if w.event != other.event {
		return w.event > other.event
	}
	if w.created != other.created {
		return other.created == nil || w.created != nil && w.created.(int) > other.created.(int)
	}
	return w.schema >= other.schema
}

// seenAt is R2 over all that was written: the winner of those whose time has come.
func seenAt(all []written, at feature.Instant) *written {
	var winner *written
	for i := range all {
		if all[i].event <= at && (winner == nil || all[i].beats(*winner)) {
			winner = &all[i]
		}
	}
	return winner
}

// twoLayouts is a view whose rows may have one feature or two.
func twoLayouts() *feature.View {
	view := newOnlineView([]feature.Field{{Name: "key", Type: plumbv1.Type_STRING}},
		feature.Field{Name: "number", Type: plumbv1.Type_INT32}, feature.Field{Name: "more", Type: plumbv1.Type_INT32})
	fields := view.Schemas[0].Fields
	view.Schemas = []feature.Schema{{ID: 1, Fields: fields[:1]}, {ID: 2, Fields: fields}}
	return view
}

func (w written) packed(t rapid.TB, view *feature.View) online.Row {
	row := storetest.SourceRow{Keys: []any{"a"}, Event: &w.event, Features: []any{w.number, w.number}[:w.schema]}
	if w.created != nil {
		row.Created = new(feature.Instant(w.created.(int)))
	}
	return storetest.Pack(t, view.Keys, view.Schemas[w.schema-1], row)[0]
}

// expectSeen looks the key up, and compares with the reference.
func expectSeen(t rapid.TB, store online.Store, view *feature.View, all []written, at feature.Instant) {
	t.Helper()
	number, more := notFoundCell, notFoundCell
	if w := seenAt(all, at); w != nil {
		number = storetest.Cell{Value: w.number, Status: plumbv1.Status_PRESENT, Event: w.event}
		if w.schema == 2 {
			more = number
		}
	}
	got := lookUpOnline(t, store, view, at, []any{"a"})
	if !got[0][0].Same(number) || got[1][0].Status != more.Status {
		t.Fatalf("at %s of %d rows that were written:\ngot  %v\nwant %v and %v", at, len(all), got, number, more)
	}
}

const anHour = feature.Instant(time.Hour / time.Microsecond)

// onlineR15Ahead writes rows that lie ahead of the clock and others, in any order. From now on each instant sees what
// R2 says of all that was written: a row whose time has not come takes nothing away.
func onlineR15Ahead(t *testing.T, open Open) {
	store := open(t)
	rapid.Check(t, func(t *rapid.T) {
		view, now := twoLayouts(), feature.InstantOf(time.Now()) //nolint:forbidigo // Engines read the same clock.
		var all []written
		for call := range rapid.IntRange(1, 6).Draw(t, "calls") {
			var rows []online.Row
			for range rapid.IntRange(1, 3).Draw(t, "rows") {
				w := written{
					event:   now + anHour*rapid.SampledFrom([]feature.Instant{-3, -2, -1, 1, 2, 3}).Draw(t, "event"),
					created: rapid.SampledFrom([]any{nil, 1, 2}).Draw(t, "created"),
					schema:  rapid.SampledFrom([]uint32{1, 2}).Draw(t, "schema"),
					number:  int32(10*call + len(rows)),
				}
				all, rows = append(all, w), append(rows, w.packed(t, view))
			}
			writeOnline(t, store, online.NewTable(view, 0), rows...)
			for _, hours := range []feature.Instant{0, 1, 2, 3, 4} {
				expectSeen(t, store, view, all, now+hours*anHour)
			}
		}
	})
}

// onlineR15Many writes more rows ahead of the clock than a store keeps: what is visible stays, and so do the soonest
// ones and the latest.
func onlineR15Many(t *testing.T, open Open) {
	store, view, now := open(t), twoLayouts(), feature.InstantOf(time.Now()) //nolint:forbidigo // As above.
	all := []written{{event: now - anHour, schema: 2}}
	for i := range feature.Instant(100) {
		all = append(all, written{event: now + (1+i)*anHour, schema: 2, number: int32(1 + i)})
	}
	for _, w := range all {
		writeOnline(t, store, online.NewTable(view, 0), w.packed(t, view))
	}
	for _, at := range []feature.Instant{0, 1, 2, 10, 100, 101} {
		expectSeen(t, store, view, all, now+at*anHour)
	}
	late := written{event: now, schema: 2, number: 1000}
	writeOnline(t, store, online.NewTable(view, 0), late.packed(t, view))
	expectSeen(t, store, view, append(all, late), now)
}

// onlineR14Schemas writes a row again under older and newer layouts.
func onlineR14Schemas(t *testing.T, open Open) {
	store, table := open(t), newOnlineTable()
	row := func(schema uint32, event feature.Instant, payload string) online.Row {
		header := packed.NewHeader(event, new(feature.Instant(7)), schema, 0)
		return online.Row{Key: []byte("a"), Value: append(header.Append(nil), payload...)}
	}
	for i, step := range []struct {
		schema  uint32
		event   feature.Instant
		written bool
	}{
		{0x100, 1, true}, {0xff, 1, false}, {0x100, 1, true}, {0x80000000, 1, true}, {0x7fffffff, 1, false}, {1, 2, true},
		{0xffffffff, 1, false}, {2, 2, true},
	} {
		report := writeOnline(t, store, table, row(step.schema, step.event, fmt.Sprint(i)))
		if got := report.Written == 1; got != step.written {
			t.Errorf("step %d: written is %t, want %t", i, got, step.written)
		}
	}
	samePayloads(t, readOnline(t, store, table, "a"), "7")
}
