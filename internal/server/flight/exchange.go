package flight

import (
	"context"
	"errors"

	"github.com/apache/arrow-go/v18/arrow/flight"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/lineage"
	"github.com/plumbstore/plumb/store/offline"
)

// DoExchange implements flight.FlightServer: it takes the label rows to their end, and then streams the joined rows.
func (s *Service) DoExchange(stream flight.FlightService_DoExchangeServer) error {
	return s.attend(stream.Context(), func(call *attended) error {
		return s.exchange(call, attendedReader{stream, call}, attendedWriter{stream, call})
	})
}

func (s *Service) exchange(call *attended, from flight.DataStreamReader, to flight.DataStreamWriter) (err error) {
	leave, err := s.queue.enter() // Before anything is read, so that no more messages are in memory than have a place.
	if err != nil {
		return err
	}
	defer leave()
	first, err := from.Recv()
	if err != nil {
		return err
	}
	request, err := s.command(first.GetFlightDescriptor())
	if err != nil {
		return err
	}
	if request.GetLabelsFile() != "" {
		return fault.Inputf("labels_file", "belongs to DoGet; in DoExchange the label rows follow the command")
	}
	planned, err := s.plan(request)
	if err != nil {
		return err
	}
	folder, remove, err := s.config.Engine.Scratch()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	planned.LabelsName, planned.sent = labelsName, true
	if planned.Labels, err = s.spool(&incoming{stream: from, first: first}, folder); err != nil {
		return err
	}
	return s.join(call.ctx, planned, s.answer(to, request))
}

// DoGet implements flight.FlightServer: it streams the joined rows of a label file on the server.
func (s *Service) DoGet(ticket *flight.Ticket, stream flight.FlightService_DoGetServer) error {
	request, err := s.request("the ticket", ticket.GetTicket())
	if err != nil {
		return err
	}
	planned, err := s.planFile(request)
	if err != nil {
		return err
	}
	leave, err := s.queue.enter()
	if err != nil {
		return err
	}
	defer leave()
	return s.attend(stream.Context(), func(call *attended) error {
		return s.join(call.ctx, planned, s.answer(attendedWriter{stream, call}, request))
	})
}

// join waits for a slot, joins, and streams the answer.
func (s *Service) join(ctx context.Context, request job, to *answer) error {
	defer to.tell()()
	end, err := s.queue.start(ctx, func() { to.reached(offline.Progress{Step: "waiting for another join"}) })
	if err != nil {
		return err
	}
	defer end()
	to.reached(offline.Progress{Step: "planning"})
	request.Progress = to.reached
	run := s.config.Lineage.StartJoin(lineage.JoinRequest{
		JoinRequest: request.JoinRequest, Service: request.service, Sent: request.sent,
	})
	report, err := s.stream(ctx, request, to)
	run.End(ctx, report, request.manifest.digest(), err)
	return err
}

// stream joins in the slot that the call has.
func (s *Service) stream(ctx context.Context, request job, to *answer) (report offline.JoinReport, err error) {
	started := s.config.Now()
	planned, err := s.config.Engine.PlanJoin(ctx, request.JoinRequest)
	if err != nil {
		return report, err
	}
	defer request.manifest.begin(ctx, planned.Inputs())()
	report, err = planned.Stream(ctx, request.manifest.describing(to.rows))
	if err := errors.Join(err, planned.Close()); err != nil {
		return report, err
	}
	manifest, err := request.manifest.end(report)
	if err != nil {
		return report, err
	}
	return report, to.report(report, s.config.Now().Sub(started), manifest)
}
