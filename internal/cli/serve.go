package cli

import (
	"cmp"
	"context"

	"github.com/spf13/cobra"

	"github.com/plumbstore/plumb/internal/background"
	"github.com/plumbstore/plumb/internal/operations"
	"github.com/plumbstore/plumb/internal/project"
	"github.com/plumbstore/plumb/internal/server"
	"github.com/plumbstore/plumb/internal/server/flight"
)

func (a *application) serveCommand() *cobra.Command {
	var insecure, readOnly bool
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Answer look-ups, registry calls and joins until a signal, then drain",
		Long: "Serve answers look-ups over gRPC, with the standard health and reflection services, and over HTTP, and\n" +
			"joins over Arrow Flight at the address of gRPC and that of serving.flight. It follows the registry's\n" +
			"revisions. Clients can read the registry, apply definitions, verify, audit and materialize through it.\n" +
			"SIGINT or SIGTERM ends it: calls in flight are answered first, and operations are cancelled.\n\n" +
			"With serving.tokens or serving.oidc_issuer callers need a token; with serving.tls_cert all addresses speak TLS.",
		Args: arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.inProject(cmd.Context(), func(ctx context.Context, p *project.Project) error {
				return a.serve(ctx, p, insecure, readOnly)
			})
		},
	}
	cmd.Flags().BoolVar(&insecure, "insecure", false,
		"allow an address that other machines reach without authentication or without TLS")
	cmd.Flags().BoolVar(&readOnly, "read-only", false,
		"refuse to apply definitions, push rows and materialize for clients")
	return cmd
}

// noQueue says that no join or operation waits; 0 would stand for the default.
const noQueue = -1

// serve opens certificates and tokens before any engine, so that a mistake in them shows at once. What runs then, and
// in which order it stops, is in services.go.
func (a *application) serve(ctx context.Context, p *project.Project, insecure, readOnly bool) error {
	collectLess(servingGC)
	logger := a.logger(p.Config.Serving.LogFormat)
	presented, guard, err := a.security(p.Config, logger)
	if err != nil {
		return err
	}
	config, err := a.served(ctx, p)
	if err != nil {
		return err
	}
	config.Certificates, config.Guard, config.Insecure, config.ReadOnly = presented, guard, insecure, readOnly
	config.Logger = logger
	if config.Lineage, err = p.Lineage(); err != nil {
		return err
	}
	if config.Metrics, err = a.metrics(ctx, p); err != nil {
		return err
	}
	config.Metrics.RegisterPushLogs(config.Pusher.Waiting)
	s := &services{application: a, project: p, config: config}
	return background.Run(ctx, s.list()...)
}

// served opens the engines, and returns what to serve with and at which addresses.
//
// The offline engine is opened with a share of the memory limit (project.Serving), since joins, operations and a
// request that reads sources may run in it at a time.
func (a *application) served(ctx context.Context, p *project.Project) (server.Config, error) {
	engine, err := p.Registry(ctx)
	if err != nil {
		return server.Config{}, err
	}
	online, err := p.Online(ctx)
	if err != nil {
		return server.Config{}, err
	}
	offline, err := p.Serving(ctx)
	if err != nil {
		return server.Config{}, err
	}
	pusher, err := p.Pusher(ctx)
	if err != nil {
		return server.Config{}, err
	}
	serving := p.Config.Serving
	return server.Config{
		Project:   p.Config.Project,
		Registry:  engine,
		Ledger:    engine,
		Online:    online,
		Inspector: offline,
		Offline:   offline,
		Pusher:    pusher,

		UseCases:     p,
		LongUseCases: p,
		Operations: operations.Limits{
			Running: serving.Operations, Queue: cmp.Or(serving.OperationQueue, noQueue),
		},

		Address:       serving.GRPC,
		FlightAddress: serving.Flight,
		HTTPAddress:   serving.HTTP,
		FeastAddress:  serving.Feast,
		Version:       a.version,
		Hosts:         serving.Hosts,
		AdminAddress:  serving.Admin,

		Now:             a.now,
		RefreshInterval: serving.Refresh,
		MaxConcurrent:   serving.MaxConcurrent,
		Joins: flight.Limits{
			Jobs: serving.FlightJobs, Queue: cmp.Or(serving.FlightQueue, noQueue), SpoolBytes: serving.FlightSpool,
			Idle: serving.FlightIdle,
		},
		Manifests: a.manifests(p),
	}, nil
}

// manifests is what training sets that are joined over Flight are described with.
func (a *application) manifests(p *project.Project) *flight.Manifests {
	digests := p.Digests()
	return &flight.Manifests{
		Folder: p.Config.ProjectDir, Digests: digests, Plumb: a.version, Engine: project.OfflineVersion(),
		Made: func() { p.KeepDigests(digests) },
	}
}
