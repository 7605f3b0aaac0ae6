package audit_test

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/plumbstore/plumb/audit"
	"github.com/plumbstore/plumb/internal/redistest"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/redis"
)

// expect checks that an audit has that many mismatched values, all of one cause in one view, whose evidence has the
// words.
func expect(t *testing.T, report *audit.Report, view string, cause audit.Cause, values int64, words string) {
	t.Helper()
	if report.Mismatched != values || len(report.Causes) != 1 || report.Causes[0].Cause != cause ||
		report.Causes[0].Values != values {
		t.Errorf("%d values of %d mismatch, for %v; want %d for %s", report.Mismatched, report.Values, report.Causes, values,
			cause)
	}
	for _, example := range report.Examples {
		if example.View != view || example.Cause != cause || !strings.Contains(example.Evidence, words) {
			t.Errorf("an example is of view %s, %s: %s; want %s with %q", example.View, example.Cause, example.Evidence, view,
				words)
		}
	}
	if len(report.Examples) == 0 {
		t.Error("there is no example")
	}
}

func TestWhatWasServedFromACompleteStore_IsWhatTrainingSees(t *testing.T) {
	s := open(t)
	s.materialize(at(0))
	s.lookUp(nil, "a", "nobody")
	s.set(at(45)) // The price has expired, and its event time is still returned.
	s.lookUp(nil, "a")
	report := s.audit()
	if report.Rows != 3 || report.Values != 6 || report.Matched != 6 || report.Mismatched != 0 || report.NotCompared != 0 {
		t.Errorf("%+v", report)
	}
}

func TestARowThatWasCreatedAfterTheServing_IsLateData(t *testing.T) {
	s := open(t)
	s.materialize(at(0))
	s.lookUp(nil, "a")
	s.set(at(10))
	s.writePrices("second", price{shop: "a", at: at(-5), known: at(7), euros: 2.5})
	expect(t, s.audit(), "price", audit.CreatedAfter, 1, "created at 2026-03-01T12:07:00.000000Z")
}

func TestARowThatWasCreatedAfterTheRunOfItsWindow_IsLateData(t *testing.T) {
	s := open(t)
	s.materialize(at(0))
	s.set(at(5))
	s.writePrices("second", price{shop: "a", at: at(-5), known: at(4), euros: 2.5})
	s.set(at(6))
	s.materialize(at(6)) // Its window begins where the first one ended.
	s.lookUp(nil, "a")
	expect(t, s.audit(), "price", audit.ArrivedLate, 1, "after run 1 had begun")
}

func TestAFileThatCameAfterTheRunOfItsWindow_IsLateData(t *testing.T) {
	s := open(t)
	s.materialize(at(0))
	s.set(at(5))
	s.writeStocks("second", stock{shop: "a", at: at(-5), pieces: int64(8)})
	s.lookUp(nil, "a")
	expect(t, s.audit(), "stock", audit.ArrivedLate, 1, "data/stocks/second.parquet came after run 2")
}

func TestARowThatNoRunHasReached_IsNotMaterializedYet(t *testing.T) {
	s := open(t)
	s.writePrices("second", price{shop: "a", at: at(-5), known: at(-5), euros: 2.5})
	s.writeStocks("second", stock{shop: "a", at: at(-4), pieces: int64(8)})
	s.materialize(at(-5)) // A window holds its end (R5).
	s.lookUp(nil, "a")
	expect(t, s.audit(), "stock", audit.NotMaterialized, 1, "the furthest reached 2026-03-01T11:55:00.000000Z")
}

func TestARowOfARunThatHadNotEnded_IsNotMaterializedYet(t *testing.T) {
	s := open(t)
	s.lookUp(nil, "a")
	s.set(at(1))
	s.materialize(at(0))
	report := s.audit()
	if len(report.Causes) != 1 || report.Causes[0].Cause != audit.NotMaterialized || report.Causes[0].Values != 2 {
		t.Errorf("%+v", report.Causes)
	}
}

func TestRowsThatADefinitionSetAside_AreOfADefinitionThatChanged(t *testing.T) {
	s := open(t)
	s.materialize(at(0))
	s.set(at(1))
	s.change(func(d *plumbv1.Definitions) {
		d.FeatureViews[0].Features[0] = &plumbv1.Feature{Name: "euros", Type: plumbv1.Type_INT64, Column: "cents"}
	})
	s.tick()
	s.lookUp(nil, "a")
	expect(t, s.audit(), "price", audit.DefinitionChanged, 1, "revision 2 set its rows aside")
}

func TestARowThatLacksANewFeature_IsOfADefinitionThatChanged(t *testing.T) {
	s := open(t)
	s.materialize(at(0))
	s.set(at(1))
	s.change(func(d *plumbv1.Definitions) {
		d.FeatureViews[0].Features = append(d.FeatureViews[0].Features,
			&plumbv1.Feature{Name: "cents", Type: plumbv1.Type_INT64})
	})
	s.tick()
	s.lookUp(nil, "a")
	expect(t, s.audit(), "price", audit.DefinitionChanged, 1, "written under the layout of revision 1")
}

func TestAServerThatHasNotSeenARevision_ServesADefinitionThatChanged(t *testing.T) {
	s := open(t)
	s.materialize(at(0))
	s.set(at(1))
	s.change(func(d *plumbv1.Definitions) { d.FeatureViews[0].Features[0].Column = "cents"; toInteger(d) })
	s.writePrices("second", price{shop: "a", at: at(1), known: at(1), euros: 2.5})
	s.set(at(2))
	s.materialize(at(2))
	s.lookUp(nil, "a")
	expect(t, s.audit(), "price", audit.DefinitionChanged, 1,
		"revision 2, applied at 2026-03-01T12:01:00.000000Z, had ended")
}

func toInteger(d *plumbv1.Definitions) { d.FeatureViews[0].Features[0].Type = plumbv1.Type_INT64 }

func TestAFileThatIsAnotherThanARunRead_IsASourceThatWasRewritten(t *testing.T) {
	s := open(t)
	s.materialize(at(0))
	s.lookUp(nil, "a")
	s.set(at(5))
	s.writePrices("first", price{shop: "a", at: at(-30), known: at(-29), euros: 99.5})
	expect(t, s.audit(), "price", audit.SourceRewritten, 1, "data/prices/first.parquet was rewritten")
}

func TestAFileThatIsGone_IsASourceThatWasRewritten(t *testing.T) {
	s := open(t)
	s.writeStocks("second", stock{shop: "a", at: at(-5), pieces: int64(8)})
	s.materialize(at(0))
	s.lookUp(nil, "a")
	s.remove("stocks", "second")
	expect(t, s.audit(), "stock", audit.SourceRewritten, 1, "data/stocks/second.parquet has gone")
}

func TestAPushedRowOfAViewWithoutALog_IsInNoOfflineLog(t *testing.T) {
	s := open(t)
	s.materialize(at(0))
	s.push("a", at(-1), 9)
	s.lookUp(nil, "a")
	expect(t, s.audit(), "stock", audit.PushNotLogged, 1, "view stock has no push log")
}

func TestAPushedRow_IsExplainedUntilItsLogIsRolled(t *testing.T) {
	s := open(t)
	s.change(func(d *plumbv1.Definitions) { d.FeatureViews[1].PushLog = &plumbv1.PushLog{Path: "data/pushed"} })
	s.tick()
	s.materialize(at(0))
	s.push("a", at(-1), 9)
	s.lookUp(nil, "a")
	expect(t, s.audit(), "stock", audit.PushNotLogged, 1, "is still open in data/pushed")
	if err := s.pusher.Close(); err != nil {
		t.Fatal(err)
	}
	if report := s.audit(); report.Mismatched != 0 || report.Matched != 2 {
		t.Errorf("once the log is rolled: %+v", report.Causes)
	}
}

// pushedLater is a shop whose stock was pushed a minute after it was looked up, and rolled since.
func pushedLater(t *testing.T) *shop {
	s := open(t)
	s.change(func(d *plumbv1.Definitions) { d.FeatureViews[1].PushLog = &plumbv1.PushLog{Path: "data/pushed"} })
	s.tick()
	s.materialize(at(-20))
	s.lookUp(nil, "a")
	s.set(at(1))
	s.push("a", at(-1), 9)
	if err := s.pusher.Close(); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestARowThatWasPushedAfterTheServing_IsLateData(t *testing.T) {
	s := pushedLater(t)
	s.touchPushed(at(1))
	expect(t, s.audit(), "stock", audit.ArrivedLate, 1, "which was still written to after the serving")
}

func TestAPushedRowThatWasNotServed_IsUnexplained(t *testing.T) {
	s := pushedLater(t)
	s.touchPushed(at(-1)) // As if the push had been before the look-up.
	expect(t, s.audit(), "stock", audit.Unexplained, 1, "no run is known that could have stored the row")
}

func TestAFileThatCameLate_IsNoExcuseForARowOfAnother(t *testing.T) {
	s := open(t)
	s.writeStocks("second", stock{shop: "a", at: at(-5), pieces: int64(8)})
	s.materialize(at(0))
	s.forget("stock")
	s.set(at(5))
	s.writeStocks("third", stock{shop: "b", at: at(-5), pieces: int64(8)})
	s.lookUp(nil, "a")
	expect(t, s.audit(), "stock", audit.Unexplained, 1, "run 2 read the window from files that are unchanged")
}

// forgets is a shop over a Redis that forgets prices a second after they have expired. The shop c has nothing else,
// which would be kept together with its price.
func forgets(t *testing.T) *shop {
	online := must(redis.Open(t.Context(), redistest.Start(t).URL))(t)
	s := open(t, func(s *shop) { s.online, s.retention = online, 0 })
	s.change(func(d *plumbv1.Definitions) { d.FeatureViews[0].Ttl = durationpb.New(time.Second) })
	s.tick()
	s.writePrices("second", price{shop: "c", at: at(0), known: at(0), euros: 2.5})
	s.materialize(at(0))
	s.awaitForgotten("price", "c")
	return s
}

func TestR13_ARowThatTheStoreForgotAfterItsRetention_IsTheAllowedDifference(t *testing.T) {
	s := forgets(t)
	s.set(at(1))
	s.lookUp(nil, "c")
	expect(t, s.audit(), "price", audit.Forgotten, 1, "had to be kept until 2026-03-01T12:00:01.000000Z")
}

func TestARowThatExpiredByTheServersClockButNotAtTheInstantAskedFor_IsOfTheTTL(t *testing.T) {
	s := forgets(t)
	s.set(at(1))
	s.lookUp(new(at(0)), "c")
	expect(t, s.audit(), "price", audit.ExpiredSince, 1, "had to be kept until 2026-03-01T12:00:01.000000Z")
}

func TestALookUpOfThePast_FindsTheStoreAhead(t *testing.T) {
	s := open(t)
	s.writeStocks("second", stock{shop: "a", at: at(-5), pieces: int64(8)})
	s.materialize(at(0))
	s.lookUp(new(at(-10)), "a")
	expect(t, s.audit(), "stock", audit.StoreAhead, 1, "the store had the row of 2026-03-01T11:55:00.000000Z")
}

func TestALookUpOfThePast_IsUnexplainedWhereTheStoreHadNothingLater(t *testing.T) {
	s := open(t)
	s.writeStocks("second", stock{shop: "a", at: at(-5), pieces: int64(8)})
	s.materialize(at(-6))
	s.forget("stock")
	s.lookUp(new(at(-10)), "a")
	expect(t, s.audit(), "stock", audit.Unexplained, 1, "run 2 read the window from files that are unchanged")
}

func TestAForgedValue_IsUnexplained(t *testing.T) {
	s := open(t)
	s.materialize(at(0))
	s.forge("price", "a", 1.25)
	s.lookUp(nil, "a")
	report := s.audit()
	expect(t, report, "price", audit.Unexplained, 1, "run 1 read the window from files that are unchanged")
	if report.Unexplained != 1 || report.Matched != 1 {
		t.Errorf("%+v", report)
	}
}

func TestAForgedValueOfARowThatIsBehind_IsUnexplained(t *testing.T) {
	s := open(t)
	s.writeStocks("second", stock{shop: "a", at: at(10), pieces: int64(8)})
	s.materialize(at(0))
	s.set(at(20))
	s.forge("stock", "a", int64(12))
	s.lookUp(nil, "a")
	expect(t, s.audit(), "stock", audit.Unexplained, 1,
		"the row of 2026-03-01T11:30:00.000000Z that was served is not what the source has for it: run 2 read the window")
}

func TestARowThatTheStoreLost_IsUnexplained(t *testing.T) {
	s := open(t)
	s.materialize(at(0))
	s.forget("stock")
	s.lookUp(nil, "a")
	expect(t, s.audit(), "stock", audit.Unexplained, 1, "run 2 read the window from files that are unchanged")
}
