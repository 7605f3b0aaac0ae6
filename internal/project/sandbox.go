package project

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/config"
	"github.com/plumbstore/plumb/parity"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/registry"
	"github.com/plumbstore/plumb/store/online"
)

const (
	// sandboxRetention is how long a sandbox's store keeps expired rows. A Redis whose rows could not be removed, since
	// the process was killed, forgets those of views with a ttl after it.
	sandboxRetention = 24 * time.Hour
	// cleanupTime bounds the removal of what a sandbox has written.
	cleanupTime = time.Minute
	// sandboxCall bounds a look-up in a sandbox.
	sandboxCall = time.Minute
)

// Served is what a server answers look-ups from.
type Served struct {
	Project  string
	Registry registry.Registry
	Online   online.Store
	Now      func() time.Time
	// Timeout bounds a look-up.
	Timeout time.Duration
}

// Listen binds a free port of this machine for a server. It answers once Serve is called, until ctx is done. It is a
// function that is handed in, since the package of the server imports this one.
type Listen func(ctx context.Context, served Served) (Server, error)

// Server is a server that listens.
type Server interface {
	Address() string
	Serve(ctx context.Context) error
}

// sandbox is a whole serving path, from registry to gRPC, that exists for one verification. Everything of it is in a
// temporary folder, or, in a Redis, under the name of a project that is made up.
//
// Nothing in it stands in for the real thing but the clock, which is set to the instant of the label row that is looked
// up (R17). A fault anywhere between the registry and the bytes on the wire thus shows as a difference.
//
// The order of closers is the reverse of their dependencies: the connection ends, the server drains, what was written
// to a Redis is removed, the stores close, and the folder goes.
type sandbox struct {
	folder   string
	snapshot *feature.Snapshot
	online   online.Store
	ledger   registry.Ledger
	clock    *parity.Clock
	client   plumbv1.ServingServiceClient
	// closers are closed in reverse.
	closers []func() error
}

// newSandbox serves definitions that are complete, as of a state of the registry. If the connection string is empty,
// the online store is the embedded one. The caller closes the sandbox, also if there is an error.
func (p *Project) newSandbox(ctx context.Context, state *plumbv1.State, online config.ConnectionString) (
	*sandbox, error,
) {
	s := &sandbox{clock: &parity.Clock{}}
	folder, err := os.MkdirTemp("", "plumb-verify-")
	if err != nil {
		return s, fmt.Errorf("make a temporary folder: %w", err)
	}
	s.folder = folder
	s.closers = append(s.closers, func() error { return os.RemoveAll(folder) })
	configured := *p.Config
	configured.Project = madeUpProject()
	configured.Registry = config.NewConnectionString("sqlite:" + filepath.Join(folder, "registry.db"))
	configured.OnlineStore = online
	if online.Reveal() == "" {
		configured.OnlineStore = config.NewConnectionString("sqlite:" + filepath.Join(folder, "online.db"))
	}
	engine, err := s.open(ctx, &configured, state, p.options.Now)
	if err != nil {
		return s, err
	}
	return s, s.serve(ctx, p.options.Listen, configured.Project, engine)
}

// madeUpProject is a name that no other project has. So nothing that a verification writes to a shared Redis can meet
// the rows of a project (R16).
func madeUpProject() string {
	name := make([]byte, 8)
	_, _ = rand.Read(name) // It never fails.
	return "verify_" + hex.EncodeToString(name)
}

// open opens the engines and applies the definitions.
func (s *sandbox) open(ctx context.Context, configured *config.Config, state *plumbv1.State, now func() time.Time,
) (registry.Registry, error) {
	engine, err := openRegistry(ctx, configured)
	if err != nil {
		return nil, err
	}
	s.ledger, s.closers = engine, append(s.closers, engine.Close)
	commit := registry.Commit{Project: configured.Project, State: state, By: "plumb verify", At: now()}
	if _, err := engine.Apply(ctx, commit); err != nil {
		return nil, err
	}
	if s.snapshot, err = engine.Current(ctx, configured.Project); err != nil {
		return nil, err
	}
	if s.online, err = openOnline(ctx, configured, now); err != nil {
		return nil, err
	}
	s.closers = append(s.closers, s.online.Close)
	if configured.OnlineStore.Scheme() != "sqlite" {
		s.closers = append(s.closers, func() error { return s.remove(ctx) })
	}
	return engine, nil
}

// serve starts the server, whose clock is the sandbox's, and returns once it answers.
func (s *sandbox) serve(ctx context.Context, listen Listen, project string, engine registry.Registry) error {
	listening, err := listen(ctx, Served{Project: project, Registry: engine, Online: s.online, Now: s.clock.Now,
		Timeout: sandboxCall})
	if err != nil {
		return err
	}
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- listening.Serve(serving) }()
	s.closers = append(s.closers, func() error { stop(); return <-ended })
	connection, err := grpc.NewClient(listening.Address(), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(64<<20)))
	if err != nil {
		return err
	}
	s.closers = append(s.closers, connection.Close)
	s.client = plumbv1.NewServingServiceClient(connection)
	return awaitServing(ctx, connection)
}

// awaitServing returns once the server has read the registry.
func awaitServing(ctx context.Context, connection *grpc.ClientConn) error {
	ctx, cancel := context.WithTimeout(ctx, sandboxCall)
	defer cancel()
	watch, err := healthpb.NewHealthClient(connection).Watch(ctx, &healthpb.HealthCheckRequest{})
	for err == nil {
		var health *healthpb.HealthCheckResponse
		if health, err = watch.Recv(); health.GetStatus() == healthpb.HealthCheckResponse_SERVING {
			return nil
		}
	}
	return fmt.Errorf("wait for the server: %w", err)
}

// remove removes what was written to a store that others use, also after an interruption.
func (s *sandbox) remove(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
	defer cancel()
	able, ok := s.online.(online.Remover)
	if !ok {
		return errors.New("this online store cannot remove rows")
	}
	var failures []error
	for _, view := range s.snapshot.Views() {
		if _, err := able.Remove(ctx, view.Project, view.Name); err != nil {
			failures = append(failures, fmt.Errorf("remove what was written under the project name %s: %w", view.Project, err))
		}
	}
	return errors.Join(failures...)
}

// close removes everything that the sandbox has made.
func (s *sandbox) close() error {
	var failures []error
	for _, closer := range slices.Backward(s.closers) {
		failures = append(failures, closer())
	}
	s.closers = nil
	return errors.Join(failures...)
}
