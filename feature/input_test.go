package feature_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
)

// Registries have inputs in this form.
func TestTheFormOfRecordedInputsIsPinned(t *testing.T) {
	inputs := []feature.Input{
		{Source: "hourly", Name: "data/1.parquet", Version: feature.FileVersion{Size: 5, Footer: "00ff",
			Modified: time.Date(2026, 3, 1, 12, 0, 0, 1, time.UTC)}},
		{Source: "hourly", Name: "/elsewhere/2.csv", Version: feature.FileVersion{}},
	}
	const want = `[{"source":"hourly","path":"data/1.parquet","size":5,"modified":"2026-03-01T12:00:00.000000001Z",` +
		`"footer":"00ff"},{"source":"hourly","path":"/elsewhere/2.csv","size":0,"modified":"0001-01-01T00:00:00Z"}]`
	text, err := json.Marshal(inputs)
	if err != nil || string(text) != want {
		t.Errorf("inputs are recorded as %s, %v, want %s", text, err, want)
	}
	var read []feature.Input
	if err := json.Unmarshal([]byte(want), &read); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(inputs, read); diff != "" {
		t.Errorf("what is recorded is read as (-want +got):\n%s", diff)
	}
}

// otherVersion is of a kind that this version cannot record.
type otherVersion struct{ feature.FileVersion }

func TestInputsOfOtherKindsAreNeitherRecordedNorRead(t *testing.T) {
	if text, err := json.Marshal(feature.Input{Name: "x", Version: otherVersion{}}); err == nil {
		t.Errorf("it is recorded as %s", text)
	}
	var read feature.Input
	err := json.Unmarshal([]byte(`{"source": "hourly", "topic": "hourly", "offset": 7}`), &read)
	if !errors.Is(err, fault.ErrNewer) {
		t.Errorf("an input of another kind is read as %+v, %v", read, err)
	}
}

func TestATableIsRecordedByItsSnapshot(t *testing.T) {
	input := feature.Input{Source: "s", Name: "data/t/metadata/v1.metadata.json",
		Version: feature.TableVersion{Table: "u", Snapshot: 9007199254740993, Schema: 2, Kept: []int64{1}}}
	text, err := json.Marshal(input)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"source":"s","table":"data/t/metadata/v1.metadata.json","uuid":"u","snapshot":"9007199254740993",` +
		`"schema":2}`
	if string(text) != want {
		t.Errorf("got %s", text)
	}
	var again feature.Input
	if err := json.Unmarshal(text, &again); err != nil {
		t.Fatal(err)
	}
	if again.Version.ID() != input.Version.ID() || again.Name != input.Name || again.Source != input.Source {
		t.Errorf("got %+v", again)
	}
}
