package cli

import (
	"context"
	"errors"
	"time"

	"github.com/plumbstore/plumb/internal/background"
	"github.com/plumbstore/plumb/internal/document"
	"github.com/plumbstore/plumb/internal/project"
	"github.com/plumbstore/plumb/internal/server"
	"github.com/plumbstore/plumb/internal/telemetry"
)

// services are what goes on while plumb serve runs. What the project has opened for them, the stores, the engine, the
// pusher and the queue of lineage events, the project closes after all of them have ended.
type services struct {
	*application
	project *project.Project
	// config is complete once the services before the server have started.
	config    server.Config
	tracing   *telemetry.Tracing
	listening *server.Server
}

// list has the services in the order in which they start. The server comes last, so that it drains first and what it
// uses lasts as long as its calls.
func (s *services) list() []background.Service {
	list := []background.Service{
		{Name: "the audit log", Start: s.openAudit, Run: s.writeAudit},
		{Name: "tracing", Start: s.startTracing, Run: s.sendTraces},
	}
	if !s.config.ReadOnly { // Else the server takes no rows.
		list = append(list, background.Service{Name: "the push logs", Run: s.keepLogs})
	}
	return append(list, background.Service{Name: "the server", Start: s.listen, Run: s.answer})
}

func (s *services) openAudit(ctx context.Context) error {
	recorder, err := s.project.Recorder(ctx, s.config.Logger)
	if err != nil || recorder == nil {
		return err
	}
	s.config.Audit = recorder
	s.config.Metrics.RegisterAudit(recorder)
	return nil
}

// drainInterval is how often what was answered goes from memory to the files of the audit log.
const drainInterval = 50 * time.Millisecond

// writeAudit writes the audit log until all that was answered is in it.
func (s *services) writeAudit(ctx context.Context) error {
	if s.config.Audit == nil {
		return nil
	}
	ticks, stopTicks := s.ticks(drainInterval)
	defer stopTicks()
	s.config.Audit.Run(ctx, ticks)
	return nil
}

func (s *services) startTracing(ctx context.Context) (err error) {
	if s.tracing, err = telemetry.StartTracing(ctx, s.version); err == nil {
		s.config.Tracing = s.tracing.Provider()
	}
	return err
}

// tracesTime bounds how long the last spans may take to send.
const tracesTime = 5 * time.Second

// sendTraces sends the last spans at the end. That they could not be sent is no failure of the server's.
func (s *services) sendTraces(ctx context.Context) error {
	<-ctx.Done()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tracesTime)
	defer cancel()
	if err := s.tracing.Stop(ctx); err != nil {
		s.config.Logger.Warn("the last traces could not be sent", "error", err)
	}
	return nil
}

func (s *services) keepLogs(ctx context.Context) error {
	ticks, stopTicks := s.ticks(time.Second)
	defer stopTicks()
	s.project.KeepLogs(ctx, s.config.Pusher, ticks, s.config.Logger)
	return nil
}

func (s *services) listen(ctx context.Context) (err error) {
	if s.listening, err = server.Listen(ctx, s.config); err != nil {
		return err
	}
	if err := s.announce(s.listening, s.project.Config.Serving.Flight != ""); err != nil {
		return errors.Join(err, s.listening.Close())
	}
	return nil
}

func (s *services) answer(ctx context.Context) error { return s.listening.Serve(ctx) }

// announce prints the addresses at which the server listens, with the actual ports.
func (a *application) announce(listening *server.Server, flightApart bool) error {
	a.note("listening on grpc %s", listening.Address())
	if flightApart {
		a.note("listening on flight %s", listening.FlightAddress())
	}
	if http := listening.HTTPAddress(); http != "" {
		a.note("listening on http %s", http)
	}
	if feast := listening.FeastAddress(); feast != "" {
		a.note("listening on feast %s", feast)
	}
	if admin := listening.AdminAddress(); admin != "" {
		a.note("listening on admin %s", admin)
	}
	if a.output != jsonText {
		return nil
	}
	return document.Write(a.Out, map[string]string{
		"grpc": listening.Address(), "flight": listening.FlightAddress(), "http": listening.HTTPAddress(),
		"feast": listening.FeastAddress(),
	})
}
