package server_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/redistest"
	"github.com/plumbstore/plumb/internal/server"
	"github.com/plumbstore/plumb/materialize"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/duckdb"
	"github.com/plumbstore/plumb/store/offline"
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/redis"
	"github.com/plumbstore/plumb/store/storetest"
)

// What a server answers at an instant, once views are materialized through it, is what offline says of a label then.
func TestR17_GRPCEqualsOfflineInRandomWorlds(t *testing.T) {
	newParity(t, openSQLite(t)).RandomWorlds(t)
}

func TestR17_GRPCEqualsOfflineInEveryCase(t *testing.T) {
	online := must(redis.Open(t.Context(), redistest.Start(t).URL))(t)
	t.Cleanup(func() { online.Close() })
	newParity(t, online).Cases(t)
}

// served is one server that many worlds are asked of. Each has a generation of its own, so that none sees another's
// rows.
type served struct {
	*running
	generations map[string]int64
	clock       atomic.Int64
}

func newParity(t *testing.T, store online.Store) storetest.Parity {
	s := &served{generations: map[string]int64{}}
	s.running = start(t, func(c *server.Config) { c.Online, c.Now = store, s.now })
	return storetest.Parity{
		Offline: storetest.Offline{Open: func(t testing.TB, folder string, threads int) offline.Engine {
			config := duckdb.Config{ProjectDir: folder, Roots: []string{"data"}, Threads: threads}
			return must(duckdb.Open(config))(t)
		}},
		Online:      store,
		Materialize: s.materialize,
		LookUp:      s.lookUp,
	}
}

func (s *served) now() time.Time { return feature.Instant(s.clock.Load()).Time() }

func (s *served) generation(world string) int64 {
	if _, ok := s.generations[world]; !ok {
		s.generations[world] = int64(len(s.generations) + 1)
	}
	return s.generations[world]
}

func (s *served) materialize(ctx context.Context, engine offline.Store, view *feature.View,
	window offline.Window,
) error {
	mine := *view
	mine.Project, mine.Generation = "shops", s.generation(view.Project)
	s.clock.Store(int64(window.End))
	m := materialize.New(materialize.Config{
		Offline: engine, Online: s.online, Ledger: s.registry, Now: s.now, Retention: 24 * time.Hour,
	})
	_, err := m.Run(ctx, &mine, materialize.Request{From: window.Start, To: window.End})
	return err
}

// lookUp applies the world, with the question as a feature service, and asks for that at the server's clock.
func (s *served) lookUp(world *storetest.World, question storetest.Question, keys []*plumbv1.KeyColumn,
	inputs []*plumbv1.InputColumn, at feature.Instant,
) (*plumbv1.GetOnlineFeaturesResponse, error) {
	state := storetest.StateOf(&plumbv1.Definitions{
		Entities:     world.Definitions.GetEntities(),
		Sources:      world.Definitions.GetSources(),
		FeatureViews: world.Definitions.GetFeatureViews(),
		FeatureServices: []*plumbv1.FeatureService{
			{Name: "question", FullNames: question.FullNames, Features: question.References},
		},
		OnDemandViews: world.Definitions.GetOnDemandViews(),
	})
	for _, view := range state.Views {
		view.Generation = s.generation(world.Project)
	}
	s.apply(state)
	s.clock.Store(int64(at))
	request := serviceRequest("question", keys...)
	request.Inputs, request.EventTimestamps, request.Provenance = inputs, true, true
	return s.client.GetOnlineFeatures(s.t.Context(), request)
}
