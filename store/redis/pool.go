package redis

import "github.com/plumbstore/plumb/store"

var _ store.Pooled = (*Store)(nil)

// Pool implements store.Pooled.
func (s *Store) Pool() store.PoolState {
	stats := s.client.PoolStats()
	return store.PoolState{
		Total: int(stats.TotalConns), Idle: int(stats.IdleConns),
		Hits: uint64(stats.Hits), Misses: uint64(stats.Misses), Timeouts: uint64(stats.Timeouts),
	}
}
