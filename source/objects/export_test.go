package objects

import "time"

// WaitFor makes the store wait no longer than this for a server that sends nothing.
func (s *Store) WaitFor(patience time.Duration) { s.patience = patience }
