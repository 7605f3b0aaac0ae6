package parity

import (
	"context"
	"encoding/binary"
	"math"
	"slices"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"pgregory.net/rapid"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/registry"
	"github.com/plumbstore/plumb/store/offline"
)

// plainRow is a row of a source of one INT64 key.
type plainRow struct {
	key            int64
	event, created feature.Instant
}

// rows are a source in memory.
type rows []plainRow

func (r rows) History(_ context.Context, _ *feature.View, yield func(arrow.RecordBatch) error) error {
	number := arrow.PrimitiveTypes.Int64
	builder := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{
		{Name: "k", Type: number}, {Name: "event_ts", Type: number}, {Name: "created_ts", Type: number, Nullable: true},
		{Name: "place", Type: number},
	}, nil))
	defer builder.Release()
	for i, row := range r {
		builder.Field(3).(*array.Int64Builder).Append(r.place(i))
		builder.Field(0).(*array.Int64Builder).Append(row.key)
		builder.Field(1).(*array.Int64Builder).Append(int64(row.event))
		if row.created == math.MinInt64 {
			builder.Field(2).AppendNull()
		} else {
			builder.Field(2).(*array.Int64Builder).Append(int64(row.created))
		}
	}
	return yield(builder.NewRecordBatch())
}

// place ascends in another order than that in which the rows pass by.
func (r rows) place(i int) int64 { return int64((i*7 + 3) % 64) }

func (rows) Values(context.Context, *feature.View, []int64, func(int64, []any) error) error {
	return nil
}

func (rows) Labels(context.Context, offline.JoinRequest, func(arrow.RecordBatch) error) error {
	return nil
}

var plainView = &feature.View{Name: "v", Keys: []feature.Field{{Name: "k", Type: plumbv1.Type_INT64}}}

func tupleOf(key int64) string {
	return string(appendPart(nil, binary.BigEndian.AppendUint64(nil, uint64(key))))
}

func drawRows(t *rapid.T) rows {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) plainRow {
		row := plainRow{int64(rapid.IntRange(0, 3).Draw(t, "key")), feature.Instant(rapid.IntRange(0, 20).Draw(t, "event")),
			math.MinInt64}
		if rapid.Bool().Draw(t, "has created") {
			row.created = feature.Instant(rapid.IntRange(0, 30).Draw(t, "created"))
		}
		return row
	}), 0, 40).Draw(t, "rows")
}

// see finds the states of a source in the slow way.
func (r rows) see(key int64, at feature.Instant) sourceState {
	seen := sourceState{event: math.MinInt64, known: math.MinInt64, next: math.MaxInt64, place: noPlace}
	for i, row := range r {
		switch {
		case row.key != key:
		case row.event > at:
			seen.next = min(seen.next, row.event)
		case row.event > seen.event:
			seen.rows, seen.event, seen.known, seen.place = 1, row.event, row.created, r.place(i)
		case row.event == seen.event:
			seen.rows++
			if row.created > seen.known || row.created == seen.known && r.place(i) > seen.place {
				seen.known, seen.place = row.created, r.place(i)
			}
		}
	}
	return seen
}

func TestAWatchSeesWhatIsBeforeAndAfterEachInstant(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		source := drawRows(t)
		type question struct {
			key int64
			at  feature.Instant
		}
		var questions []question
		w := newSourceStates()
		for range rapid.IntRange(0, 12).Draw(t, "questions") {
			asked := question{int64(rapid.IntRange(0, 4).Draw(t, "key")), feature.Instant(rapid.IntRange(-1, 21).Draw(t, "at"))}
			questions = append(questions, asked)
			w.add(tupleOf(asked.key), asked.at)
		}
		if err := w.read(context.Background(), source, plainView); err != nil {
			t.Fatal(err)
		}
		for _, asked := range questions {
			if got, want := w.at(tupleOf(asked.key), asked.at), source.see(asked.key, asked.at); got != want {
				t.Fatalf("key %d at %d: got %+v, want %+v", asked.key, asked.at, got, want)
			}
		}
	})
}

func TestWindowsAreCountedByTheSourceItself(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		source := drawRows(t)
		bounds := rapid.SliceOfNDistinct(rapid.Int64Range(-1, 22), 1, 6, rapid.ID).Draw(t, "bounds")
		slices.Sort(bounds)
		view := &sandboxView{View: plainView}
		for i, end := range bounds {
			run := registry.Run{End: end}
			if i > 0 {
				run.Start = new(bounds[i-1] - int64(rapid.IntRange(0, 3).Draw(t, "lookback")))
			}
			view.runs = append(view.runs, run)
		}
		counted, err := countBetween(context.Background(), source, view)
		if err != nil {
			t.Fatal(err)
		}
		for _, run := range view.runs {
			var want int64
			for _, row := range source {
				if int64(row.event) <= run.End && (run.Start == nil || int64(row.event) > *run.Start) {
					want++
				}
			}
			if got := counted.rows(run); got != want {
				t.Fatalf("%+v: %d rows, want %d", run, got, want)
			}
		}
	})
}

// What is sampled depends on the seed alone: threads hand rows out in any order.
func TestWhatIsFoundOfASourceDoesNotDependOnTheOrderOfItsRows(t *testing.T) {
	var source rows
	for i := range int64(3 * kept) {
		source = append(source, plainRow{i % 700, feature.Instant(i / 3), feature.Instant(i)})
	}
	backwards := slices.Clone(source)
	slices.Reverse(backwards)
	view := &sandboxView{View: plainView}
	one, err := find(t.Context(), source, view, 5)
	if err != nil {
		t.Fatal(err)
	}
	other, err := find(t.Context(), backwards, view, 5)
	if err != nil {
		t.Fatal(err)
	}
	events := func(s *bottomK) []feature.Instant {
		var all []feature.Instant
		for _, row := range s.all() {
			all = append(all, row.event)
		}
		return all
	}
	if !slices.Equal(events(one.seeds), events(other.seeds)) || len(one.seeds.all()) != kept {
		t.Error("the seeds differ")
	}
	if keys := one.keys.all(); len(keys) != 700 {
		t.Errorf("%d keys were kept of 700", len(keys))
	}
}

func TestRowsThatTieAreFoundAmongMany(t *testing.T) {
	var source rows
	for i := range int64(50_000) {
		source = append(source, plainRow{i % 900, feature.Instant(i), math.MinInt64})
	}
	source = append(source, source[77])
	view := &sandboxView{View: plainView}
	found, err := find(t.Context(), source, view, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := found.near.read(t.Context(), source, plainView); err != nil {
		t.Fatal(err)
	}
	ties := found.edges(view, edgeTie)
	if len(ties) != 1 || ties[0].event != 77 || ties[0].tuple != tupleOf(77) {
		t.Errorf("the ties are %+v", ties)
	}
}
