package flight

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/apache/arrow-go/v18/arrow/flight"
)

// IdleError says that a call was ended since its client neither sent nor took anything for too long.
type IdleError struct{ Message string }

func (e *IdleError) Error() string { return e.Message }

// attended is a call whose client may not idle: each message has to get through within a limit. If one does not, the
// context of the call ends, and with it its query. Time that the client waits for the server does not count.
type attended struct {
	ctx   context.Context
	end   context.CancelCauseFunc
	limit time.Duration
}

// attend serves a call. The *IdleError of one that was ended stands for whatever came of that.
func (s *Service) attend(ctx context.Context, serve func(*attended) error) error {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	err := serve(&attended{ctx: ctx, end: end, limit: s.config.Limits.Idle})
	if idle, ok := errors.AsType[*IdleError](context.Cause(ctx)); ok {
		return idle
	}
	return err
}

// within moves a message, which stalled describes if it takes too long. gRPC lets go of a message that is stuck only
// once the call has returned, so it is left behind until then.
func within[T any](a *attended, stalled string, move func() (T, error)) (T, error) {
	type outcome struct {
		message T
		err     error
	}
	var none T
	if err := context.Cause(a.ctx); err != nil {
		return none, err
	}
	moved := make(chan outcome, 1)
	go func() {
		message, err := move()
		moved <- outcome{message, err}
	}()
	timer := time.NewTimer(a.limit)
	defer timer.Stop()
	select {
	case done := <-moved:
		return done.message, done.err
	case <-timer.C:
		a.end(&IdleError{fmt.Sprintf("the client %s for %s, so the call was ended; go on sooner, or raise "+
			"serving.flight_idle on the server", stalled, a.limit)})
		return none, context.Cause(a.ctx)
	}
}

// attendedReader is what a client sends.
type attendedReader struct {
	flight.DataStreamReader
	call *attended
}

// Recv implements flight.DataStreamReader.
func (r attendedReader) Recv() (*flight.FlightData, error) {
	return within(r.call, "sent nothing", r.DataStreamReader.Recv)
}

// attendedWriter is what a client takes.
type attendedWriter struct {
	flight.DataStreamWriter
	call *attended
}

// Send implements flight.DataStreamWriter. Arrow uses its message again, so one that may be left behind is a copy.
func (w attendedWriter) Send(message *flight.FlightData) error {
	sent := &flight.FlightData{
		FlightDescriptor: message.GetFlightDescriptor(), DataHeader: message.GetDataHeader(),
		AppMetadata: message.GetAppMetadata(), DataBody: message.GetDataBody(),
	}
	_, err := within(w.call, "took nothing of the answer", func() (struct{}, error) {
		return struct{}{}, w.DataStreamWriter.Send(sent)
	})
	return err
}
