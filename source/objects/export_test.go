package objects

import "time"

// WaitFor makes the store wait no longer than this for a server that sends nothing.
func (s *Store) WaitFor(patience time.Duration) { s.patience = patience }

// PartsOf makes uploads have parts of so many bytes.
func (s *Store) PartsOf(size int64) { s.part = size }

// EndpointOf is the server that is asked for a location.
func (s *Store) EndpointOf(at Location) string { return s.server(at).endpoint }
