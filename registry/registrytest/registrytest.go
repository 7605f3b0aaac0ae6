// Package registrytest is the suite that every engine of a registry passes.
package registrytest

import (
	"strings"
	"testing"
	"time"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/registry"
)

// Engine is what the suite tests.
type Engine interface {
	registry.Registry
	registry.Ledger
	registry.ShardLedger
}

// Database is one database. Every call opens another handle on it, as another process would; it is closed with the
// test.
type Database func(t *testing.T) Engine

// Run runs the suite. Each test works on a database of its own, which fresh makes, empty.
func Run(t *testing.T, fresh func(t *testing.T) Database) {
	tests := map[string]func(*testing.T, Database){
		"an empty project is revision 0":                        emptyProject,
		"what is applied is current":                            applied,
		"what is applied is kept apart from its maker":          keptApart,
		"history is newest first and says who, when, what":      history,
		"R16 projects are isolated, however alike their names":  isolatedProjects,
		"the revision is that of the current state":             revisionNumber,
		"any revision comes back by its number":                 revisionByNumber,
		"a base that is not current is a conflict":              conflict,
		"one of concurrent applies wins":                        concurrentApplies,
		"a large state comes back whole":                        largeState,
		"a state that does not resolve is refused":              unresolvable,
		"a cancelled call changes nothing":                      cancelled,
		"a view that was never materialized has no progress":    noProgress,
		"progress and run come back as they were finished":      finished,
		"R5 progress is united with what is recorded":           unitedProgress,
		"R5 progress is a set of instants":                      naiveProgress,
		"progress of another generation or rebuild is void":     voidProgress,
		"a run that failed leaves progress as it was":           failedRun,
		"a run that was killed stays running":                   killedRun,
		"the latest run of each view is its last":               latestRuns,
		"the runs of a view come back in order, with files":     allRuns,
		"a run that never began cannot finish":                  unknownRun,
		"a run records progress of its own view alone":          progressOfAnotherView,
		"forgotten progress begins anew, and nothing else does": forgottenProgress,
		"R16 ledgers are isolated, however alike their names":   isolatedLedgers,
		"what no database can hold is marked, not refused":      unholdableTexts,
		"R5 concurrent runs may finish in any order":            concurrentFinishes,
		"progress belongs to the table that it was written to":  bornProgress,
		"what is recorded is there whatever the revision says":  recordedProgress,
		"marks ascend, whatever is forgotten or recorded":       ascendingMarks,
		"concurrent marks differ":                               concurrentMarks,
		"shards are taken, kept, returned and done":             takenShards,
		"a shard whose lease has run out is another's":          expiredLeases,
		"a divided run ends once, when all shards are done":     closedShards,
		"a divided run can be closed before its end":            cancelledShards,
		"a view has one divided run, and projects are isolated": openShards,
		"concurrent workers take each shard once":               concurrentLeases,
		"of concurrent ends of a divided run one counts":        concurrentCloses,
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { test(t, fresh(t)) })
	}
}

// similar are names that a sloppy comparison takes for one another: by prefix, suffix, case, pattern or padding.
var similar = []string{"test", "mytest", "test_", "_test", "tes", "t_st", "t%st", "TEST", "Test", "test ", "te", "a_b",
	"axb", "a%", "", "tést", "te\u0301st", "test'--"}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)

// view is a view's layout in a state.
type view struct {
	name                string
	generation, rebuild int64
}

// stateOf has an entity, a source, and these views.
func stateOf(views ...view) *plumbv1.State {
	definitions := &plumbv1.Definitions{
		Entities: []*plumbv1.Entity{{
			Name:     "airport",
			JoinKeys: []*plumbv1.JoinKey{{Name: "airport", Type: plumbv1.Type_STRING}},
			Tags:     map[string]string{"owner": "ops", "b": "", "a": "ü \x00"},
		}},
		Sources: []*plumbv1.Source{{
			Name:           "hourly",
			Kind:           &plumbv1.Source_Parquet{Parquet: &plumbv1.ParquetSource{Path: "data/hourly.parquet"}},
			EventTimestamp: "at",
		}},
	}
	state := &plumbv1.State{Definitions: definitions}
	for _, v := range views {
		definitions.FeatureViews = append(definitions.FeatureViews, &plumbv1.FeatureView{
			Name:     v.name,
			Entities: []string{"airport"},
			Source:   "hourly",
			Features: []*plumbv1.Feature{{Name: "temp", Type: plumbv1.Type_FLOAT64}},
		})
		state.Views = append(state.Views, &plumbv1.RegisteredView{
			Name:       v.name,
			Generation: v.generation,
			Rebuild:    v.rebuild,
			Schemas: []*plumbv1.ViewSchema{{
				Id:     uint32(v.generation),
				Fields: []*plumbv1.SchemaField{{Name: "temp", Type: plumbv1.Type_FLOAT64}},
			}},
		})
	}
	return state
}

// described is a state that can be distinguished from others.
func described(text string) *plumbv1.State {
	return &plumbv1.State{Definitions: &plumbv1.Definitions{Entities: []*plumbv1.Entity{{Name: "e", Description: text}}}}
}

func description(snapshot *feature.Snapshot) string {
	return snapshot.State.GetDefinitions().GetEntities()[0].GetDescription()
}

func largeText() string { return strings.Repeat("0123456789abcdef", 200_000) }
