package materialize_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/plumbstore/plumb/compute/windows"
	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/materialize"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/lookup"
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/storetest"
)

// spending has a view of the kind feature.Windows over the prices: how many there were, and their sum.
func spending(lookback time.Duration, spans ...string) *plumbv1.Definitions {
	d := definitions()
	d.Sources = append(d.Sources, &plumbv1.Source{
		Name: "payments", EventTimestamp: "at", CreatedTimestamp: "known",
		Kind:    &plumbv1.Source_Parquet{Parquet: &plumbv1.ParquetSource{Path: "data/prices.parquet"}},
		Columns: []*plumbv1.SourceColumn{{Name: "euros", Type: plumbv1.Type_FLOAT64, Column: "euros"}},
	})
	view := &plumbv1.FeatureView{
		Name: "spend", Entities: []string{"shop"}, Source: "payments", Lookback: durationpb.New(lookback),
		Aggregations: []*plumbv1.Aggregation{{
			Of: "euros", Windows: spans,
			Functions: []*plumbv1.AggregateFunction{{Name: "rows"}, {Name: "sum"}},
		}},
	}
	for _, function := range []string{"rows", "sum_euros"} {
		for _, span := range spans {
			t := plumbv1.Type_FLOAT64
			if function == "rows" {
				t = plumbv1.Type_INT64
			}
			view.Features = append(view.Features, &plumbv1.Feature{Name: function + "_" + span, Type: t})
		}
	}
	d.FeatureViews = append(d.FeatureViews, view)
	return d
}

// spent is a project of payments that are materialized as windows.
type spent struct {
	*project
	spans []string
	rows  []price
	skew  time.Duration
	// shards, unless it is 0, is how many the builds are divided into.
	shards int
}

func newSpent(t *testing.T, lookback time.Duration, spans ...string) *spent {
	s := &spent{project: newProject(t), spans: spans, skew: 10 * time.Second}
	s.Apply(spending(lookback, spans...))
	return s
}

// pay adds a payment to the source.
func (s *spent) pay(shop string, at feature.Instant, euros float64) {
	s.rows = append(s.rows, price{shop, at, nil, euros})
}

// build materializes through an instant, at that instant.
func (s *spent) build(store online.Store, through feature.Instant, changes ...func(*materialize.Request),
) materialize.Report {
	s.T.Helper()
	s.Write(s.rows...)
	m := s.Materializer(store, func(c *materialize.Config) {
		c.Now, c.ClockSkew, c.BatchRows = through.Time, s.skew, 3
	})
	request := materialize.Request{To: through}
	for _, change := range changes {
		change(&request)
	}
	if s.shards > 0 {
		return s.inShards(m, "spend", request, s.shards)
	}
	return must(m.Run(s.T.Context(), s.View("spend"), request))(s.T)
}

// look answers for shops at an instant, with provenance.
func (s *spent) look(store online.Store, at feature.Instant, shops ...string) *plumbv1.GetOnlineFeaturesResponse {
	s.T.Helper()
	snapshot := must(s.Registry.Current(s.T.Context(), "shops"))(s.T)
	prepared := must(lookup.New(must(snapshot.SelectFeatures([]string{"spend:*"}, false))(s.T)))(s.T)
	keys := make([][]any, len(shops))
	for i, shop := range shops {
		keys[i] = []any{shop}
	}
	reply := must(prepared.Reply(s.T.Context(), store, lookup.Request{
		Keys: storetest.KeyColumns(s.T, prepared.Keys(), keys...), At: at, EventTimestamps: true, Provenance: true,
	}))(s.T)
	defer reply.Release()
	return must(reply.Message())(s.T)
}

// expect compares what a shop is answered with a loop over the payments.
func (s *spent) expect(store online.Store, at feature.Instant, shop string, payments []price) {
	s.T.Helper()
	answer := s.look(store, at, shop)
	var want, got []string
	found, latest := false, feature.Instant(0)
	sums := make([]string, len(s.spans))
	for i, text := range s.spans {
		rows, sum := 0, 0.0
		start, end := spanOf(text).Bounds(int64(at))
		for _, p := range payments {
			event := int64(p.At.(feature.Instant))
			if p.Shop == shop && event > start && event <= end {
				rows++
				sum += p.Euros.(float64)
				found, latest = true, max(latest, p.At.(feature.Instant))
			}
		}
		want = append(want, fmt.Sprint(rows))
		if sums[i] = fmt.Sprint(sum); rows == 0 {
			sums[i] = "NULL"
		}
	}
	want = append(append(want, sums...), latest.String())
	if !found {
		want = []string{"NOT_FOUND"}
	}
	for _, column := range answer.GetColumns() {
		cell := storetest.Cells(column)[0]
		switch cell.Status {
		case plumbv1.Status_PRESENT:
			got = append(got, fmt.Sprint(cell.Value))
		case plumbv1.Status_NOT_FOUND:
			got = []string{"NOT_FOUND"}
			continue
		default:
			got = append(got, cell.Status.String())
		}
	}
	if found {
		got = append(got, storetest.Cells(answer.GetColumns()[0])[0].Event.String())
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		s.T.Fatalf("%s at %s: online says %v, and a loop over the events %v", shop, at, got, want)
	}
}

func spanOf(text string) windows.Span {
	if text == feature.Lifetime {
		return windows.Span{}
	}
	length, _ := feature.ParseDuration(text)
	return windows.Span{Length: length.Microseconds(), Hop: feature.DefaultHop(length).Microseconds()}
}

func TestR27_RunsThatGoOnFromEachOtherShowWhatALoopOverTheEventsShows(t *testing.T) {
	onStores(t, func(t *testing.T, store online.Store) {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		random := rand.New(rand.NewPCG(seed, 0))
		for _, spans := range [][]string{{"1h", "1d"}, {"20m"}, {"2h", feature.Lifetime}} {
			lookback := []time.Duration{0, 90 * time.Minute}[random.IntN(2)]
			s := newSpent(t, lookback, spans...)
			through := at(-40)
			for range 6 {
				s.shards = random.IntN(4)
				before := through
				through += feature.Instant(random.Int64N(int64(at(9)-at(0)))) + 1
				for range random.IntN(12) {
					// It may be late, and lies at the border of a hop or beside it.
					event := before - feature.Instant(lookback.Microseconds()) + 1
					event += feature.Instant(random.Int64N(int64(through - event)))
					event += at(0)%300_000_000 - (event-at(0))%300_000_000 + feature.Instant(random.IntN(3)-1)
					if event > before-feature.Instant(lookback.Microseconds()) {
						s.pay(string(rune('a'+random.IntN(6))), event, float64(random.IntN(100)))
					}
				}
				s.build(store, through)
				for range 4 {
					at := through - 20_000_000 + feature.Instant(random.Int64N(int64(at(30)-at(0))))
					known := s.rows[:0:0]
					for _, p := range s.rows {
						if p.At.(feature.Instant) <= through {
							known = append(known, p)
						}
					}
					if at < through || random.IntN(2) == 0 {
						at = through
					}
					s.expect(store, at, string(rune('a'+random.IntN(7))), known)
				}
			}
			must(store.Read(t.Context(), nil))(t)
			if remover, ok := store.(online.Remover); ok {
				must(remover.Remove(t.Context(), "shops", "spend"))(t)
			}
		}
	})
}

func TestR27_ALookUpBeforeTheFloorIsNotFoundAndSaysWhy(t *testing.T) {
	onStores(t, func(t *testing.T, store online.Store) {
		s := newSpent(t, 0, "1h")
		s.pay("a", at(3.5), 7)
		s.build(store, at(4))
		floor := at(4) - 20_000_000
		s.expect(store, floor, "a", s.rows)
		answer := s.look(store, floor-1, "a", "b")
		statuses, origins := answer.GetColumns()[0].GetStatuses(), answer.GetProvenance()[0].GetOrigins()
		if statuses[0] != byte(plumbv1.Status_NOT_FOUND) || origins[0] != byte(plumbv1.ViewProvenance_BEFORE_FLOOR) ||
			origins[1] != byte(plumbv1.ViewProvenance_NO_ROW) {
			t.Errorf("before the floor statuses are %v and origins %v", statuses, origins)
		}
		traced := s.look(store, at(4), "a").GetProvenance()[0]
		if traced.GetOrigins()[0] != byte(plumbv1.ViewProvenance_RUN) || traced.GetEventTimestamps()[0] != int64(at(3.5)) ||
			traced.GetCreatedNulls()[0] != 1 {
			t.Errorf("the row comes from %v", traced)
		}
	})
}

func TestR24_APaymentThatArrivesWithinTheLookbackIsCounted(t *testing.T) {
	onStores(t, func(t *testing.T, store online.Store) {
		s := newSpent(t, 2*time.Hour, "1d", feature.Lifetime)
		s.pay("a", at(-30), 1)
		s.pay("a", at(3), 2)
		s.build(store, at(4))
		s.pay("a", at(2.5), 4)
		report := s.build(store, at(4))
		if report.Run.Start == nil || *report.Run.Start != int64(at(0)) {
			t.Errorf("the run begins at %v, want the border of the longest hop before the lookback", report.Run.Start)
		}
		s.expect(store, at(4), "a", s.rows)
		earlier := materialize.Request{To: at(3)}
		if report := must(s.Materializer(store).Run(t.Context(), s.View("spend"), earlier))(t); report.Done == nil {
			t.Errorf("a run that ends before what is done gives %+v", report.Run)
		}
	})
}

func TestAViewOfWindowsIsRefusedAStart(t *testing.T) {
	s := newSpent(t, 0, "1h")
	m := s.Materializer(openSQLite(t, filepath.Join(t.TempDir(), "online.db")))
	_, err := m.Run(t.Context(), s.View("spend"), materialize.Request{From: new(at(1)), To: at(4)})
	if err == nil || !strings.Contains(err.Error(), "leave --from out") {
		t.Errorf("a start gives %v", err)
	}
}

func TestStatesThatCannotBeContinuedAreMadeAnew(t *testing.T) {
	expectAnew := func(t *testing.T, report materialize.Report, note string) {
		t.Helper()
		if notes := strings.Join(report.Notes, "\n"); !strings.Contains(notes, note) {
			t.Errorf("the notes are %q, want %q", notes, note)
		}
	}
	onStores(t, func(t *testing.T, store online.Store) {
		s := newSpent(t, 0, "1d", feature.Lifetime)
		s.pay("a", at(-50), 1)
		s.pay("a", at(3), 2)
		s.build(store, at(4))
		s.pay("a", at(5), 4)
		// The lookback is raised, so that the border of the state is too late.
		s.Apply(spending(30*time.Hour, "1d", feature.Lifetime))
		s.pay("a", at(-20), 8)
		expectAnew(t, s.build(store, at(6)), "all events have to be read again")
		s.expect(store, at(6), "a", s.rows)
		// The source lacks an event that is in the state.
		s.rows = append(s.rows[:2:2], s.rows[3:]...)
		s.pay("a", at(4.5), 16)
		expectAnew(t, s.build(store, at(6)), "the source lacks an event")
		s.expect(store, at(6), "a", s.rows)
		longer := func(r *materialize.Request) { r.Lookback = new(50 * time.Hour) }
		expectAnew(t, s.build(store, at(7), longer), "the lookback is longer")
	})
}

func TestARunThatEndsLongBeforeNowReadsAllEvents(t *testing.T) {
	store := openSQLite(t, filepath.Join(t.TempDir(), "online.db"))
	s := newSpent(t, 0, "1h")
	s.pay("a", at(1), 1)
	s.build(store, at(2))
	s.pay("a", at(2.5), 2)
	s.Write(s.rows...)
	m := s.Materializer(store, func(c *materialize.Config) { c.Now = at(60).Time })
	report := must(m.Run(t.Context(), s.View("spend"), materialize.Request{To: at(3)}))(t)
	if !strings.Contains(strings.Join(report.Notes, "\n"), "may have forgotten states") {
		t.Errorf("the notes are %q", report.Notes)
	}
	s.expect(store, at(3), "a", s.rows)
}

func TestAStoreThatHasLostItsStatesGetsAllOfThemBack(t *testing.T) {
	s := newSpent(t, 0, "1h", "1d")
	s.pay("a", at(1), 1)
	s.pay("b", at(-20), 2)
	s.build(openSQLite(t, filepath.Join(t.TempDir(), "first.db")), at(2))
	s.pay("a", at(3), 4)
	other := openSQLite(t, filepath.Join(t.TempDir(), "second.db"))
	s.build(other, at(3.5))
	s.expect(other, at(3.5), "a", s.rows)
	s.expect(other, at(3.5), "b", s.rows)
}

func TestABuildThatIsKilledAtAnyPointLeavesWhatTheNextRunCompletes(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	s := newSpent(t, time.Hour, "1h", "1d", feature.Lifetime)
	store := openSQLite(t, filepath.Join(s.Folder, "online.db"))
	for i := range 200 {
		s.pay(fmt.Sprint("shop ", i), at(1+float64(i)/100), float64(i))
	}
	s.build(store, at(2))
	for i := range 200 {
		s.pay(fmt.Sprint("shop ", i), at(2.5), 1)
	}
	s.Write(s.rows...)
	for range 4 {
		s.runAndKill(random.IntN(8), childView+"=spend") // Of 10 batches.
	}
	s.build(store, at(4))
	for range 20 {
		s.expect(store, at(4), fmt.Sprint("shop ", random.IntN(200)), s.rows)
	}
}

// The table of a view with windows keeps its states for longer than their events count.
func TestR27_StatesAreKeptForLongerThanTheirEventsCount(t *testing.T) {
	s := newSpent(t, 3*time.Hour, "1d")
	want := 24*time.Hour + time.Hour + 3*time.Hour + online.StateGrace + 5*time.Hour
	if kept := online.NewTable(s.View("spend"), 5*time.Hour).Retention; kept != want {
		t.Errorf("states are kept for %s, want %s", kept, want)
	}
	s = newSpent(t, 0, "1d", feature.Lifetime)
	if kept := online.NewTable(s.View("spend"), 5*time.Hour).Retention; kept != 0 {
		t.Errorf("states of a window without a beginning are kept for %s, want for good", kept)
	}
}
