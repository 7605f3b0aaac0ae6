package server

import (
	"context"
	"sync"

	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// drain ends what answerCalls started.
//
// Health goes first, so that balancers send no more calls, and streams without an end of their own are ended. Then gRPC
// and HTTP drain side by side, each for DrainTimeout at most, while operations are cancelled and waited for.
func (s *Server) drain() {
	s.health.Shutdown()
	s.endStreams()
	patience, cancel := context.WithTimeout(context.Background(), s.config.DrainTimeout)
	defer cancel()
	var draining sync.WaitGroup
	draining.Go(s.operations.Close)
	draining.Go(func() { s.cutOff("gRPC", s.drainGRPC(patience)) })
	for _, web := range s.webs() {
		draining.Go(func() { s.cutOff(web.name, web.drain(patience)) })
	}
	draining.Wait()
}

func (s *Server) drainGRPC(patience context.Context) error {
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		for _, listener := range s.listeners {
			emptyBacklog(patience, listener)
		}
		s.grpc.GracefulStop()
	}()
	select {
	case <-drained:
		return nil
	case <-patience.Done():
		s.grpc.Stop()
		<-drained
		return patience.Err()
	}
}

// cutOff logs that a drain took too long.
func (s *Server) cutOff(protocol string, err error) {
	if err != nil {
		s.config.Logger.Warn("calls were still in flight at the end of the drain and were cut off", "protocol", protocol,
			"waited", s.config.DrainTimeout)
	}
}

func (s *Server) setReady(ready bool) {
	if ready {
		s.setHealth(healthpb.HealthCheckResponse_SERVING)
		return
	}
	s.setHealth(healthpb.HealthCheckResponse_NOT_SERVING)
}

func (s *Server) setHealth(status healthpb.HealthCheckResponse_ServingStatus) {
	s.health.SetServingStatus("", status)
	s.health.SetServingStatus(plumbv1.ServingService_ServiceDesc.ServiceName, status)
}
