package plumb

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// Provenance describes the origin of the values of one use of a view. It is immutable.
type Provenance struct{ view *plumbv1.ViewProvenance }

// ProvenanceOf returns the provenance of the use of a view that has this alias, or this name if it has no alias. It
// fails if there is no such use, and if provenance was not asked for.
func ProvenanceOf(f *Features, alias string) (Provenance, error) {
	if len(f.provenance) == 0 {
		return Provenance{}, errors.New("there is no provenance; ask for it with OnlineRequest.Provenance")
	}
	var aliases []string
	for _, view := range f.provenance {
		if view.GetAlias() == alias {
			return Provenance{view}, nil
		}
		aliases = append(aliases, view.GetAlias())
	}
	return Provenance{}, fmt.Errorf("there is no use %q of a view; there are %s", alias, strings.Join(aliases, ", "))
}

// View is the name of the view.
func (p Provenance) View() string { return p.view.GetView() }

// DefinitionRevision returns the revision of the registry since which the definitions that decide the view's values
// have been the same. It is 0 if it is not known.
func (p Provenance) DefinitionRevision() int64 { return p.view.GetDefinitionRevision() }

// DefinitionHash stands for all in the definitions that decides the view's values: a SHA-256 in hexadecimal.
func (p Provenance) DefinitionHash() string { return hex.EncodeToString(p.view.GetDefinitionHash()) }

// RowProvenance says what wrote a row, and when. Both Run and Pushed are zero if the row was stored before Plumb
// recorded what wrote a row.
type RowProvenance struct {
	// Run is the id of the materialization run that wrote the row, or 0 if none did.
	Run int64
	// Pushed is when the push that brought the row was accepted, or zero if none did.
	Pushed time.Time
	// EventTime is when the row became true, and CreatedTime when it became known. CreatedTime is zero if it is null.
	EventTime, CreatedTime time.Time
	// Age is the time from the event time to the instant of the look-up, or the greatest duration if it is longer than
	// that.
	Age time.Duration
	// SchemaID is the revision that introduced the row's layout.
	SchemaID uint32
}

// BeforeFloor says that a view has windows, and that what is stored of the entity is complete only at later instants
// than the one that was asked for. All values are NotFound.
func (p Provenance) BeforeFloor(row int) bool {
	return p.origin(row) == plumbv1.ViewProvenance_BEFORE_FLOOR
}

func (p Provenance) origin(row int) plumbv1.ViewProvenance_Origin {
	return plumbv1.ViewProvenance_Origin(p.view.GetOrigins()[row])
}

// At returns the provenance of the row that was found for a row of keys. It is false if no row was found: all values
// are NotFound. An expired row counts as found.
func (p Provenance) At(row int) (RowProvenance, bool) {
	switch p.origin(row) {
	case plumbv1.ViewProvenance_NO_ROW, plumbv1.ViewProvenance_BEFORE_FLOOR:
		return RowProvenance{}, false
	}
	found := RowProvenance{
		Run:       p.view.GetRuns()[row],
		EventTime: instant(p.view.GetEventTimestamps()[row]),
		Age:       time.Duration(math.MaxInt64),
		SchemaID:  p.view.GetSchemaIds()[row],
	}
	if pushed := p.view.GetPushedTimestamps()[row]; pushed != 0 {
		found.Pushed = instant(pushed)
	}
	if nulls := p.view.GetCreatedNulls(); len(nulls) == 0 || nulls[row] == 0 {
		found.CreatedTime = instant(p.view.GetCreatedTimestamps()[row])
	}
	if age := p.view.GetAgeMicros()[row]; age <= math.MaxInt64/int64(time.Microsecond) {
		found.Age = time.Duration(age) * time.Microsecond
	}
	return found, true
}

// Counted says what the longest window of a view with aggregations counts, of several such the one with the least
// offset.
type Counted struct {
	// Events is the number of events, or -1 if what is stored does not tell it.
	Events int64
	// Earliest is the time of the first event; zero if there is none, or if what is stored does not tell it. Then the
	// first event is later than EarliestAfter, if that is not zero: the beginning of a tile, which is as long as the hop.
	Earliest, EarliestAfter time.Time
}

// Counted returns what a row of a view with aggregations counts. It is false for other views, and if no row was found.
func (p Provenance) Counted(row int) (Counted, bool) {
	if _, ok := p.At(row); !ok || len(p.view.GetEarliest()) == 0 {
		return Counted{}, false
	}
	counted := Counted{Events: p.view.GetEvents()[row]}
	switch plumbv1.ViewProvenance_Earliest(p.view.GetEarliest()[row]) {
	case plumbv1.ViewProvenance_EARLIEST_EVENT:
		counted.Earliest = instant(p.view.GetEarliestTimestamps()[row])
	case plumbv1.ViewProvenance_EARLIEST_TILE:
		counted.EarliestAfter = instant(p.view.GetEarliestTimestamps()[row])
	}
	return counted, true
}

// Computation says what the values of one use of an on-demand view are computed by and of.
type Computation struct {
	// View is the name of the on-demand view, and DefinitionHash a SHA-256 in hexadecimal of all in the definitions that
	// decides its values.
	View, DefinitionHash string
	// Inputs are the inputs and keys of the request that the selected features read, and Views the uses of feature views,
	// as ProvenanceOf has them.
	Inputs, Views []string
	// RequestTime says whether the selected features read the time of the request.
	RequestTime bool
}

// ComputationOf returns what computes the values of the use of an on-demand view that has this alias, or this name if
// it has no alias. It fails if there is no such use, and if provenance was not asked for.
func ComputationOf(f *Features, alias string) (Computation, error) {
	var aliases []string
	for _, use := range f.computed {
		if use.GetAlias() == alias {
			return Computation{View: use.GetView(), DefinitionHash: hex.EncodeToString(use.GetDefinitionHash()),
				Inputs: slices.Clone(use.GetInputs()), Views: slices.Clone(use.GetViews()),
				RequestTime: use.GetRequestTime()}, nil
		}
		aliases = append(aliases, use.GetAlias())
	}
	if aliases == nil {
		return Computation{}, errors.New("there is no provenance of on-demand views; ask for it with " +
			"OnlineRequest.Provenance")
	}
	return Computation{}, fmt.Errorf("there is no use %q of an on-demand view; there are %s", alias,
		strings.Join(aliases, ", "))
}

func instant(micros int64) time.Time { return time.UnixMicro(micros).UTC() }

// checkProvenance says whether all lists of each use are as long as there are rows.
func checkProvenance(uses []*plumbv1.ViewProvenance, rows int) error {
	for _, view := range uses {
		lengths := []int{
			len(view.GetOrigins()), len(view.GetRuns()), len(view.GetPushedTimestamps()), len(view.GetEventTimestamps()),
			len(view.GetCreatedTimestamps()), len(view.GetAgeMicros()), len(view.GetSchemaIds()),
		}
		if nulls := len(view.GetCreatedNulls()); nulls > 0 {
			lengths = append(lengths, nulls)
		}
		if earliest := len(view.GetEarliest()); earliest > 0 {
			lengths = append(lengths, earliest, len(view.GetEvents()), len(view.GetEarliestTimestamps()))
		}
		if slices.ContainsFunc(lengths, func(length int) bool { return length != rows }) {
			return fmt.Errorf("the provenance of %q is not as long as the columns", view.GetAlias())
		}
	}
	return nil
}
