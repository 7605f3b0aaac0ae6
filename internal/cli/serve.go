package cli

import (
	"cmp"
	"context"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/plumbstore/plumb/internal/document"
	"github.com/plumbstore/plumb/internal/server"
	"github.com/plumbstore/plumb/internal/server/flight"
)

func (a *application) serveCommand() *cobra.Command {
	var insecure, readOnly bool
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Answer look-ups, registry calls and joins until a signal, then drain",
		Long: "Serve answers look-ups over gRPC, with the standard health and reflection services, and joins over Arrow\n" +
			"Flight at the same address and that of serving.flight. It follows the registry's revisions. Clients can\n" +
			"read the registry and apply definitions through it. SIGINT or SIGTERM ends it: calls in flight are\n" +
			"answered first.\n\n" +
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
	serving := p.config.Serving
	if serving.HTTP != "" {
		a.note("this version serves gRPC and Arrow Flight; serving.http is left alone")
	}
	logger := slog.New(slog.NewTextHandler(a.Err, nil))
	presented, guard, err := a.security(p.config, logger)
	if err != nil {
		return err
	}
	engine, err := p.registry(ctx)
	if err != nil {
		return err
	}
	online, err := p.online(ctx)
	if err != nil {
		return err
	}
	offline, err := p.serving(ctx)
	if err != nil {
		return err
	}
	pusher, err := p.pusher(ctx)
	if err != nil {
		return err
	}
	listening, err := server.Listen(ctx, server.Config{
		Project:       p.config.Project,
		Registry:      engine,
		Online:        online,
		Inspector:     offline,
		Offline:       offline,
		Pusher:        pusher,
		ReadOnly:      readOnly,
		Address:       serving.GRPC,
		FlightAddress: serving.Flight,
		Certificates:  presented,
		Guard:         guard,
		Insecure:      insecure,
		Now:           a.now,

		RefreshInterval: serving.Refresh,
		MaxConcurrent:   serving.MaxConcurrent,

		Logger: logger,
		Joins: flight.Limits{
			Jobs: serving.FlightJobs, Queue: cmp.Or(serving.FlightQueue, noQueue), SpoolBytes: serving.FlightSpool,
			Idle: serving.FlightIdle,
		},
	})
	if err != nil {
		return err
	}
	if err := a.announce(listening, serving.Flight != ""); err != nil {
		return err
	}
	return listening.Serve(ctx)
}

// announce says where the server listens, with the actual ports.
func (a *application) announce(listening *server.Server, flightApart bool) error {
	a.note("listening on grpc %s", listening.Address())
	if flightApart {
		a.note("listening on flight %s", listening.FlightAddress())
	}
	if a.output != jsonText {
		return nil
	}
	return document.Write(a.Out, map[string]string{"grpc": listening.Address(), "flight": listening.FlightAddress()})
}
