package connect

import (
	"context"
	"errors"
	"io"

	"github.com/google/uuid"
	"google.golang.org/grpc"
)

// Progress is how far a statement is, as far as Spark has planned it.
type Progress struct {
	// Stages, Tasks and their finished parts are of all stages that have begun; Running is how many tasks run now.
	Stages, StagesDone, Tasks, TasksDone, Running int64
	// Bytes is how much of the input was read.
	Bytes int64
}

func (p *executionProgress) sum() Progress {
	total := Progress{Stages: int64(len(p.Stages)), Running: p.NumInflightTasks}
	for _, stage := range p.Stages {
		if stage.Done {
			total.StagesDone++
		}
		total.Tasks += stage.NumTasks
		total.TasksDone += stage.NumCompletedTasks
		total.Bytes += stage.InputBytesRead
	}
	return total
}

// Run runs a statement and returns once the server has said that it is complete. What it returns is read and dropped.
func (s *Session) Run(ctx context.Context, sql string) error {
	e, err := s.execute(ctx, sql)
	if err != nil {
		return err
	}
	defer e.close()
	for {
		response, err := e.next()
		if err != nil {
			return err
		}
		if response.ResultComplete != nil {
			return nil
		}
	}
}

// execution is a statement at work.
type execution struct {
	*Session
	ctx       context.Context
	operation string
	stream    grpc.ClientStream
	cancel    context.CancelFunc
}

func (s *Session) execute(ctx context.Context, sql string) (*execution, error) {
	e := &execution{Session: s, operation: uuid.NewString()}
	e.ctx, e.cancel = context.WithCancel(ctx)
	request := &executePlanRequest{SessionID: s.id, UserContext: s.caller(), Plan: planOf(sql), ClientType: s.agent,
		RequestOptions: []requestOption{{ReattachOptions: &reattachOptions{Reattachable: true}}},
		OperationID:    e.operation, ClientObservedServerSideSessionID: s.observed}
	if err := e.open("ExecutePlan", request); err != nil {
		e.cancel()
		return nil, err
	}
	return e, nil
}

func (e *execution) open(method string, request any) error {
	stream, err := e.connection.NewStream(e.outgoing(e.ctx), &grpc.StreamDesc{ServerStreams: true}, service+method)
	if err == nil {
		err = stream.SendMsg(request)
	}
	if err == nil {
		err = stream.CloseSend()
	}
	e.stream = stream
	return e.explain(e.ctx, err)
}

// next returns the next response of the statement. The last one has ResultComplete.
func (e *execution) next() (*executePlanResponse, error) {
	response := &executePlanResponse{}
	if err := e.stream.RecvMsg(response); errors.Is(err, io.EOF) {
		return nil, e.damaged("it ended before the result was complete")
	} else if err != nil {
		return nil, e.explain(e.ctx, err)
	}
	if response.ExecutionProgress != nil && e.progress != nil {
		e.progress(response.ExecutionProgress.sum())
	}
	return response, nil
}

func (e *execution) close() { e.cancel() }
