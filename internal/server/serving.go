package server

import (
	"context"
	"errors"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/push"
	"github.com/plumbstore/plumb/store/lookup"
)

// serving implements plumb.v1.ServingService.
type serving struct {
	plumbv1.UnimplementedServingServiceServer
	server *Server
}

// GetOnlineFeatures is lookUp for callers that want the reply as a message.
func (s *serving) GetOnlineFeatures(ctx context.Context, request *plumbv1.GetOnlineFeaturesRequest) (
	*plumbv1.GetOnlineFeaturesResponse, error,
) {
	reply, err := s.lookUp(ctx, request)
	if err != nil {
		return nil, err
	}
	defer reply.Release()
	return reply.Message()
}

// lookUp answers from the newest revision. A row that was written under a definition which is not in there yet makes it
// look for a newer one, once. The caller releases the reply.
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
		EventTimestamps: request.GetEventTimestamps(),
		Revision:        from.snapshot.Revision,
	}
	if at := request.GetAt(); at != nil {
		asked.At = feature.InstantOf(at.AsTime())
	} else {
		asked.Now = s.config.Now
	}
	if request.GetProvenance() {
		asked.Provenance = new(lookup.Provenance)
	}
	began := s.config.Now()
	reply, err := prepared.Reply(ctx, s.reading(), asked)
	if err != nil {
		s.countFailedRead(err)
		return nil, err
	}
	ended := s.config.Now()
	prepared.served.Count(ended.Sub(began), reply.Seen())
	s.record(prepared, asked, feature.InstantOf(ended), reply)
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
		if rows := rowsOf(key.GetValues()); rows > s.config.MaxRows {
			mistakes = append(mistakes, fault.Inputf(key.GetName(), "has %d rows; ask for at most %d at once", rows,
				s.config.MaxRows))
		}
		if length := longestText(key.GetValues()); length > push.MaxKeyText {
			mistakes = append(mistakes, fault.Inputf(key.GetName(), "has a text of %d bytes; the most is %d", length,
				push.MaxKeyText))
		}
	}
	return errors.Join(mistakes...)
}

// rowsOf is the number of values of a column that may hold keys.
func rowsOf(values *plumbv1.Values) int {
	switch kind := values.GetKind().(type) {
	case *plumbv1.Values_Bools:
		return len(kind.Bools.GetValues())
	case *plumbv1.Values_Int32S:
		return len(kind.Int32S.GetValues())
	case *plumbv1.Values_Int64S:
		return len(kind.Int64S.GetValues())
	case *plumbv1.Values_Strings:
		return len(kind.Strings.GetValues())
	case *plumbv1.Values_Bytes:
		return len(kind.Bytes.GetValues())
	}
	return 0
}

// longestText is the length in bytes of the longest value of a column that holds texts; 0 for any other.
func longestText(values *plumbv1.Values) int {
	longest := 0
	switch kind := values.GetKind().(type) {
	case *plumbv1.Values_Strings:
		for _, text := range kind.Strings.GetValues() {
			longest = max(longest, len(text))
		}
	case *plumbv1.Values_Bytes:
		for _, text := range kind.Bytes.GetValues() {
			longest = max(longest, len(text))
		}
	}
	return longest
}
