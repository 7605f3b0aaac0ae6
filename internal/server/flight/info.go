package flight

import (
	"context"
	"encoding/json"

	"github.com/apache/arrow-go/v18/arrow/flight"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// unknown is the number of rows and bytes of a join that has not run.
const unknown = -1

// GetFlightInfo implements flight.FlightServer: it checks a request that names its label file, and returns it as the
// ticket of one endpoint on this server. The schema is left out, since it takes reading the labels. The ticket is the
// request itself, so nothing is kept between the two calls.
func (s *Service) GetFlightInfo(_ context.Context, descriptor *flight.FlightDescriptor) (*flight.FlightInfo, error) {
	request, err := s.command(descriptor)
	if err != nil {
		return nil, err
	}
	if _, err := s.planFile(request); err != nil {
		return nil, err
	}
	return &flight.FlightInfo{
		FlightDescriptor: descriptor,
		Endpoint:         []*flight.FlightEndpoint{{Ticket: &flight.Ticket{Ticket: descriptor.GetCmd()}}},
		TotalRecords:     unknown,
		TotalBytes:       unknown,
		Ordered:          true,
	}, nil
}

// ListFlights implements flight.FlightServer: for each feature service the command that DoExchange takes. There are no
// endpoints, since the label rows come with the call.
func (s *Service) ListFlights(_ *flight.Criteria, stream flight.FlightService_ListFlightsServer) error {
	snapshot, err := s.config.Snapshot()
	if err != nil {
		return err
	}
	for _, service := range snapshot.State.GetDefinitions().GetFeatureServices() {
		command, err := json.Marshal(map[string]string{"featureService": service.GetName()})
		if err != nil {
			return err
		}
		info := &flight.FlightInfo{
			FlightDescriptor: &flight.FlightDescriptor{Type: flight.DescriptorCMD, Cmd: command},
			TotalRecords:     unknown,
			TotalBytes:       unknown,
		}
		if err := stream.Send(info); err != nil {
			return err
		}
	}
	return nil
}

// GetSchema implements flight.FlightServer: it says why there is none.
func (s *Service) GetSchema(context.Context, *flight.FlightDescriptor) (*flight.SchemaResult, error) {
	return nil, status.Error(codes.Unimplemented, "the schema of a join follows from its labels; it comes first in what "+
		"DoGet and DoExchange stream")
}

// DoPut implements flight.FlightServer: it says what to use.
func (s *Service) DoPut(flight.FlightService_DoPutServer) error {
	return status.Error(codes.Unimplemented, "nothing is uploaded over Flight; send label rows with DoExchange, and rows "+
		"for the online store with Push")
}
