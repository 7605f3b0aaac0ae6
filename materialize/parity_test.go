package materialize_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/redistest"
	"github.com/plumbstore/plumb/materialize"
	"github.com/plumbstore/plumb/registry"
	"github.com/plumbstore/plumb/registry/sqldb"
	"github.com/plumbstore/plumb/store/duckdb"
	"github.com/plumbstore/plumb/store/offline"
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/storetest"
)

// What is looked up online at an instant, once materialized through it, is what offline says of a label then.
func TestR17_OnlineEqualsOfflineInRandomWorlds(t *testing.T) { newParity(t).RandomWorlds(t) }

func TestR17_OnlineEqualsOfflineInEveryCase(t *testing.T) { newParity(t).Cases(t) }

func TestR17_OnlineEqualsOfflineInRandomWindows(t *testing.T) {
	newParity(t).RandomWindowedWorlds(t)
}

func TestR17_OnlineEqualsOfflineInEveryCaseOfWindows(t *testing.T) { newParity(t).AggregatedCases(t) }

// recorded is a ledger whose progress is what was recorded, whatever is applied: nothing is, of these worlds.
type recorded struct{ registry.Ledger }

func (r recorded) Progress(ctx context.Context, project string) (map[string]registry.Progress, error) {
	return r.Recorded(ctx, project)
}

// newParity materializes by real runs. Windows are named by both ends: no world is applied to the registry, which then
// has no recorded end to go on from.
func newParity(t *testing.T) storetest.Parity {
	ledger := must(sqldb.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "registry.db")))(t)
	t.Cleanup(func() { ledger.Close() })
	online := both{openSQLite(t, filepath.Join(t.TempDir(), "online.db")), openRedis(t, redistest.Start(t).URL)}
	return storetest.Parity{
		Offline: storetest.Offline{Open: func(t testing.TB, folder string, threads int) offline.Engine {
			config := duckdb.Config{ProjectDir: folder, Roots: []string{"data"}, Threads: threads}
			return must(duckdb.Open(config))(t)
		}},
		Online: online,
		Materialize: func(ctx context.Context, engine offline.Store, view *feature.View, window offline.Window) error {
			config := materialize.Config{
				Offline: engine, Online: online, Ledger: ledger, Retention: 24 * time.Hour, Now: window.End.Time,
			}
			request := materialize.Request{From: window.Start, To: window.End}
			if view.Kind == feature.Windows {
				// Runs over windows go on from each other.
				config.Ledger, request.From = recorded{ledger}, nil
				config.ClockSkew = 10 * time.Second
			}
			_, err := materialize.New(config).Run(ctx, view, request)
			return err
		},
	}
}

// both are two online stores that have to agree about everything.
type both struct{ one, other online.Store }

func (b both) Write(ctx context.Context, table online.Table, rows []online.Row) (online.WriteReport, error) {
	report, err := b.one.Write(ctx, table, rows)
	if err != nil {
		return report, err
	}
	second, err := b.other.Write(ctx, table, rows)
	if err == nil && second != report {
		err = fmt.Errorf("one store took %+v, the other %+v", report, second)
	}
	return report, err
}

func (b both) Read(ctx context.Context, gets []online.Get) ([][]byte, error) {
	values, err := b.one.Read(ctx, gets)
	if err != nil {
		return nil, err
	}
	second, err := b.other.Read(ctx, gets)
	if err == nil && !sameBytes(values, second) {
		err = fmt.Errorf("one store holds %x, the other %x", values, second)
	}
	return values, err
}

// Close does nothing: whoever opened the stores closes them.
func (b both) Close() error { return nil }
