package cli

import (
	"context"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/plumbstore/plumb/internal/server"
)

func (a *application) serveCommand() *cobra.Command {
	var insecure, readOnly bool
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Answer look-ups and registry calls over gRPC until a signal, then drain",
		Long: "Serve answers look-ups over gRPC, with the standard health and reflection services, and follows the\n" +
			"registry's revisions. Clients can read the registry and apply definitions through it. SIGINT or SIGTERM\n" +
			"ends it: calls in flight are answered first.",
		Args: arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.inProject(cmd.Context(), func(ctx context.Context, p *project) error {
				return a.serve(ctx, p, insecure, readOnly)
			})
		},
	}
	cmd.Flags().BoolVar(&insecure, "insecure", false,
		"allow an address that other machines reach; nothing authenticates them")
	cmd.Flags().BoolVar(&readOnly, "read-only", false, "refuse to apply definitions for clients")
	return cmd
}

func (a *application) serve(ctx context.Context, p *project, insecure, readOnly bool) error {
	if p.config.Serving.HTTP != "" || p.config.Serving.Flight != "" {
		a.note("this version serves gRPC alone; serving.http and serving.flight are left alone")
	}
	engine, err := p.registry(ctx)
	if err != nil {
		return err
	}
	online, err := p.online(ctx)
	if err != nil {
		return err
	}
	offline, err := p.offline(ctx)
	if err != nil {
		return err
	}
	listening, err := server.Listen(ctx, server.Config{
		Project:   p.config.Project,
		Registry:  engine,
		Online:    online,
		Inspector: offline,
		ReadOnly:  readOnly,
		Address:   p.config.Serving.GRPC,
		Insecure:  insecure,
		Now:       a.now,
		Logger:    slog.New(slog.NewTextHandler(a.Err, nil)),
	})
	if err != nil {
		return err
	}
	a.note("listening on grpc %s", listening.Address())
	if a.output == jsonText {
		if err := writeJSON(a.Out, map[string]string{"grpc": listening.Address()}); err != nil {
			return err
		}
	}
	return listening.Serve(ctx)
}
