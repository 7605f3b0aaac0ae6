package cli

import (
	"cmp"
	"context"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/plumbstore/plumb/internal/document"
	"github.com/plumbstore/plumb/internal/server"
	"github.com/plumbstore/plumb/internal/server/flight"
	"github.com/plumbstore/plumb/internal/telemetry"
)

func (a *application) serveCommand() *cobra.Command {
	var insecure, readOnly bool
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Answer look-ups, registry calls and joins until a signal, then drain",
		Long: "Serve answers look-ups over gRPC, with the standard health and reflection services, and over HTTP, and\n" +
			"joins over Arrow Flight at the address of gRPC and that of serving.flight. It follows the registry's\n" +
			"revisions. Clients can read the registry and apply definitions through it. SIGINT or SIGTERM ends it:\n" +
			"calls in flight are answered first.\n\n" +
			"With serving.tokens or serving.oidc_issuer callers need a token; with serving.tls_cert all addresses speak TLS.",
		Args: arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.inProject(cmd.Context(), func(ctx context.Context, p *project) error {
				return a.serve(ctx, p, insecure, readOnly)
			})
		},
	}
	cmd.Flags().BoolVar(&insecure, "insecure", false,
		"allow an address that other machines reach without authentication or without TLS")
	cmd.Flags().BoolVar(&readOnly, "read-only", false, "refuse to apply definitions and to push rows for clients")
	return cmd
}

// noQueue says that no join waits; 0 would stand for the default.
const noQueue = -1

func (a *application) serve(ctx context.Context, p *project, insecure, readOnly bool) error {
	collectLess(p.config.Offline.MemoryBytes())
	logger := a.logger(p.config.Serving.LogFormat)
	presented, guard, err := a.security(p.config, logger)
	if err != nil {
		return err
	}
	config, err := p.served(ctx)
	if err != nil {
		return err
	}
	config.Certificates, config.Guard, config.Insecure, config.ReadOnly = presented, guard, insecure, readOnly
	config.Logger = logger
	if config.Audit, err = p.recorder(ctx, logger); err != nil {
		return err
	}
	if config.Metrics, err = p.metrics(ctx); err != nil {
		return err
	}
	config.Metrics.RegisterPushLogs(config.Pusher.Waiting)
	if config.Audit != nil {
		config.Metrics.RegisterAudit(config.Audit)
	}
	tracing, err := telemetry.StartTracing(ctx, a.version)
	if err != nil {
		return err
	}
	config.Tracing = tracing.Provider()
	listening, err := server.Listen(ctx, config)
	if err != nil {
		return err
	}
	if err := a.announce(listening, p.config.Serving.Flight != ""); err != nil {
		return err
	}
	served := p.recording(ctx, config, func(ctx context.Context) error {
		return p.keepingLogs(ctx, config, listening.Serve)
	})
	return stopTracing(ctx, logger, tracing, served)
}

// servingGC is how far the heap of a server grows before garbage is collected, in percent of what lives. What lives is
// little, some megabytes of plans, and each call leaves garbage, so that the usual 100 would collect all the time.
const servingGC = 800

// collectLess does so unless GOGC says what the user wants. The indexes of joins live in the heap too, so it collects
// as much as it takes where the heap comes near the memory that joins may take.
func collectLess(most int64) {
	if os.Getenv("GOGC") != "" {
		return
	}
	debug.SetGCPercent(servingGC)
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(most)
	}
}

// served opens the engines, and says with what and where to serve.
func (p *project) served(ctx context.Context) (server.Config, error) {
	engine, err := p.registry(ctx)
	if err != nil {
		return server.Config{}, err
	}
	online, err := p.online(ctx)
	if err != nil {
		return server.Config{}, err
	}
	offline, err := p.serving(ctx)
	if err != nil {
		return server.Config{}, err
	}
	pusher, err := p.pusher(ctx)
	if err != nil {
		return server.Config{}, err
	}
	manifests, err := p.manifests(ctx)
	if err != nil {
		return server.Config{}, err
	}
	serving := p.config.Serving
	return server.Config{
		Project:   p.config.Project,
		Registry:  engine,
		Ledger:    engine,
		Online:    online,
		Inspector: offline,
		Offline:   offline,
		Pusher:    pusher,

		Address:       serving.GRPC,
		FlightAddress: serving.Flight,
		HTTPAddress:   serving.HTTP,
		Hosts:         serving.Hosts,
		AdminAddress:  serving.Admin,

		Now:             p.app.now,
		RefreshInterval: serving.Refresh,
		MaxConcurrent:   serving.MaxConcurrent,
		Joins: flight.Limits{
			Jobs: serving.FlightJobs, Queue: cmp.Or(serving.FlightQueue, noQueue), SpoolBytes: serving.FlightSpool,
			Idle: serving.FlightIdle,
		},
		Manifests: manifests,
	}, nil
}

// manifests is what training sets that are joined over Flight are described with.
func (p *project) manifests(ctx context.Context) (*flight.Manifests, error) {
	engine, err := offlineVersion(ctx)
	digests := p.digests()
	return &flight.Manifests{
		Folder: p.config.ProjectDir, Digests: digests, Plumb: p.app.version, Engine: engine,
		Made: func() { p.app.keepDigests(digests) },
	}, err
}

// announce says where the server listens, with the actual ports.
func (a *application) announce(listening *server.Server, flightApart bool) error {
	a.note("listening on grpc %s", listening.Address())
	if flightApart {
		a.note("listening on flight %s", listening.FlightAddress())
	}
	if http := listening.HTTPAddress(); http != "" {
		a.note("listening on http %s", http)
	}
	if admin := listening.AdminAddress(); admin != "" {
		a.note("listening on admin %s", admin)
	}
	if a.output != jsonText {
		return nil
	}
	return document.Write(a.Out, map[string]string{
		"grpc": listening.Address(), "flight": listening.FlightAddress(), "http": listening.HTTPAddress(),
	})
}
