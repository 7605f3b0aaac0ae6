package feature_test

import (
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

func TestASourceIsPulledByItsCreatedTime_OrItsEventTime(t *testing.T) {
	postgres := &plumbv1.PostgresSource{Connection: "warehouse", Query: "SELECT 1", Path: "data/hourly"}
	source := &plumbv1.Source{Kind: &plumbv1.Source_Postgres{Postgres: postgres}}
	pull := func() feature.Pull {
		files := feature.KindOf(source).(feature.Files)
		if files.Format != feature.Parquet || files.Path != "data/hourly" {
			t.Errorf("got %+v", files)
		}
		return *files.Pull
	}
	want := feature.Pull{Connection: "warehouse", Query: "SELECT 1", Overlap: time.Hour}
	if got := pull(); got != want {
		t.Errorf("got %+v", got)
	}
	source.EventTimestamp, want.By = "at", "at"
	if got := pull(); got != want {
		t.Errorf("got %+v", got)
	}
	source.CreatedTimestamp, want.By = "booked_at", "booked_at"
	postgres.Overlap, want.Overlap = durationpb.New(time.Minute), time.Minute
	if got := pull(); got != want {
		t.Errorf("got %+v", got)
	}
}

// What was pulled under a name is found by it later.
func TestTheFoldersOfQueriesArePinned(t *testing.T) {
	for want, pull := range map[string]feature.Pull{
		"238a49bd7738bfef": {Connection: "warehouse", By: "booked_at",
			Query: "SELECT card, eur, ref, paid_at, booked_at FROM payments", Overlap: time.Hour},
		"dfe167d5d282d1be": {},
	} {
		if got := pull.Folder(); got != want {
			t.Errorf("%+v has the folder %s, not %s", pull, got, want)
		}
	}
}
