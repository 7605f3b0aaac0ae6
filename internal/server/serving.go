package server

import (
	"context"
	"errors"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/push"
	"github.com/plumbstore/plumb/store/lookup"
)

// serving implements plumb.v1.ServingService.
type serving struct {
	plumbv1.UnimplementedServingServiceServer
	server *Server
}

// lookUp answers from the newest revision. A row that was written under a definition which is not in there yet makes it
// look for a newer one, once. The caller releases the reply.
//
// For example, this server is at revision 7. Another one applies revision 8, which adds a feature to a view, and a row
// is pushed there. The row's schema id is 8, and this server has no layout of that number. It reads the registry at
// once, instead of failing until the next round of its follower.
func (s *serving) lookUp(ctx context.Context, request *plumbv1.GetOnlineFeaturesRequest) (*lookup.Reply, error) {
	if err := s.server.limit.enter(); err != nil {
		return nil, err
	}
	defer s.server.limit.leave()
	if err := s.server.checkRequest(request); err != nil {
		return nil, err
	}
	current, err := s.server.following.served()
	if err != nil {
		return nil, err
	}
	reply, err := s.server.answer(ctx, current, request)
	if !errors.Is(err, lookup.ErrUnknownSchema) {
		return reply, err
	}
	if err := s.server.following.advance(ctx, current); err != nil {
		return nil, err
	}
	if current, err = s.server.following.served(); err != nil {
		return nil, err
	}
	return s.server.answer(ctx, current, request)
}

func (s *Server) answer(ctx context.Context, from *servedRevision, request *plumbv1.GetOnlineFeaturesRequest) (
	*lookup.Reply, error,
) {
	prepared, err := from.lookup(request)
	if err != nil {
		return nil, err
	}
	asked := lookup.Request{
		Keys:            request.GetKeys(),
		Inputs:          request.GetInputs(),
		EventTimestamps: request.GetEventTimestamps(),
		Revision:        from.snapshot.Revision,
		Provenance:      request.GetProvenance(),
	}
	if at := request.GetAt(); at != nil {
		asked.At = feature.InstantOf(at.AsTime())
	} else {
		asked.Now = s.config.Now
	}
	began := s.config.Now()
	reply, err := prepared.Reply(ctx, s.reading(), asked)
	if err != nil {
		s.countFailedRead(err)
		return nil, err
	}
	ended := s.config.Now()
	prepared.served.Count(ended.Sub(began), reply.Seen())
	if err := s.record(prepared, asked, feature.InstantOf(ended), reply); err != nil {
		reply.Release()
		return nil, err
	}
	return reply, nil
}

// checkRequest refuses what the message rules do not: an instant that is none, and more rows or longer keys than are
// allowed.
func (s *Server) checkRequest(request *plumbv1.GetOnlineFeaturesRequest) error {
	var mistakes []error
	if request.GetAt() != nil {
		_, err := instantOf("at", request.GetAt())
		mistakes = append(mistakes, err)
	}
	for _, key := range request.GetKeys() {
		_, rows := value.Kind(key.GetValues())
		if rows > s.config.MaxRows {
			mistakes = append(mistakes, fault.Inputf(key.GetName(), "has %d rows; ask for at most %d at once", rows,
				s.config.MaxRows))
		}
		if length := longestText(key.GetValues(), rows); length > push.MaxKeyText {
			mistakes = append(mistakes, fault.Inputf(key.GetName(), "has a text of %d bytes; the most is %d", length,
				push.MaxKeyText))
		}
	}
	for _, input := range request.GetInputs() {
		if _, rows := value.Kind(input.GetValues()); rows > s.config.MaxRows {
			mistakes = append(mistakes, fault.Inputf(input.GetName(), "has %d rows; ask for at most %d at once", rows,
				s.config.MaxRows))
		}
	}
	return errors.Join(mistakes...)
}

// longestText is the length in bytes of the longest value of a column that holds texts; 0 for any other.
func longestText(values *plumbv1.Values, rows int) int {
	longest, column := 0, value.ReadWire(values)
	for row := range rows {
		text, ok := column.Text(row)
		if !ok {
			return 0
		}
		longest = max(longest, len(text))
	}
	return longest
}
