package redis_test

import (
	"testing"
	"time"

	"github.com/plumbstore/plumb/internal/redistest"
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/redis"
)

func TestR13_ARowIsForgottenAfterItsRetentionAndNoSooner(t *testing.T) {
	server := redistest.Start(t)
	store := open(t, server.URL)
	keys := client(t, server)
	const never, hour, longest = -1, 3_600_000, (1<<63-1)/1_000_000 + 1
	for _, c := range []struct {
		name      string
		number    uint64
		retention time.Duration
		// want is in milliseconds.
		want int64
	}{
		{"without a retention", 1, 0, never},
		{"with one", 2, time.Hour, hour},
		{"after an older row was refused", 1, 2 * time.Hour, hour},
		{"after the same row was written again", 2, 3 * time.Hour, 3 * hour},
		{"without a retention again", 3, 0, never},
		{"with the longest", 4, 1<<63 - 1, longest},
		{"rounded up", 5, time.Hour + time.Nanosecond, hour + 1},
	} {
		kept := table
		kept.Retention = c.retention
		if _, err := store.Write(t.Context(), kept, []online.Row{versionedRow("key", c.number)}); err != nil {
			t.Fatal(err)
		}
		left, err := keys.Do(t.Context(), "PTTL", "{test:key}view@1").Int64()
		if err != nil {
			t.Fatal(err)
		}
		const minute = 60_000
		if left > c.want || left < c.want-minute || c.want != never && left == never {
			t.Errorf("%s the row goes in %d ms, want %d", c.name, left, c.want)
		}
	}
}

func TestR13_ARowAheadOfTheClockIsKeptFromItsEventTimeOn(t *testing.T) {
	server := redistest.Start(t)
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	store, err := redis.Open(t.Context(), server.URL, redis.WithClock(func() time.Time { return now }))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	kept := table
	kept.Retention = time.Hour
	const skew, earlier = 5 * time.Minute, -24 * time.Hour
	for key, ahead := range map[string]time.Duration{"ahead": skew, "behind": earlier} {
		version := uint64(now.Add(ahead).UnixMicro()) | 1<<63
		if _, err := store.Write(t.Context(), kept, []online.Row{versionedRow(key, version)}); err != nil {
			t.Fatal(err)
		}
		left, err := client(t, server).PTTL(t.Context(), "{test:"+key+"}view@1").Result()
		if err != nil {
			t.Fatal(err)
		}
		want := time.Hour + max(ahead, 0)
		if left > want || left < want-time.Minute {
			t.Errorf("%s the clock the row goes in %s, want %s", key, left, want)
		}
	}
}
