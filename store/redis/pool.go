package redis

import "github.com/plumbstore/plumb/store/online"

var _ online.Pooled = (*Store)(nil)

// Pool implements online.Pooled.
func (s *Store) Pool() online.PoolState {
	stats := s.client.PoolStats()
	return online.PoolState{
		Total: int(stats.TotalConns), Idle: int(stats.IdleConns),
		Hits: uint64(stats.Hits), Misses: uint64(stats.Misses), Timeouts: uint64(stats.Timeouts),
	}
}
