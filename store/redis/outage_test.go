package redis_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/redistest"
	"github.com/plumbstore/plumb/store/online"
)

// numbered are rows under keys of their own, of the version, and the gets for them.
func numbered(count int, version uint64) (rows []online.Row, gets []online.Get) {
	for i := range count {
		rows = append(rows, versionedRow(fmt.Sprint("key", i), version))
		gets = append(gets, online.Get{Table: table, Key: rows[i].Key})
	}
	return rows, gets
}

// expectRows reads all rows, each of which has to be one of the given values.
func expectRows(t *testing.T, store online.Store, gets []online.Get, versions ...[]online.Row) {
	t.Helper()
	values, err := store.Read(t.Context(), gets)
	if err != nil {
		t.Fatal(err)
	}
	for i, value := range values {
		known := false
		for _, rows := range versions {
			known = known || bytes.Equal(value, rows[i].Value)
		}
		if !known {
			t.Fatalf("row %d is %x", i, value)
		}
	}
}

func TestAServerWithoutMemoryTakesNoRowsAndGoesOnServingThoseItHas(t *testing.T) {
	server := redistest.Start(t)
	online, keys := open(t, server.URL), client(t, server)
	first, gets := numbered(200, 1)
	if _, err := online.Write(t.Context(), table, first); err != nil {
		t.Fatal(err)
	}
	if err := keys.ConfigSet(t.Context(), "maxmemory", "1mb").Err(); err != nil {
		t.Fatal(err)
	}
	second, _ := numbered(200, 2)
	_, err := online.Write(t.Context(), table, second)
	if err == nil || !strings.Contains(err.Error(), "it is out of memory") || errors.Is(err, fault.ErrUnavailable) {
		t.Errorf("a write gives %v, want that it is out of memory", err)
	}
	expectRows(t, online, gets, first, second)
	if err := keys.ConfigSet(t.Context(), "maxmemory", "0").Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := online.Write(t.Context(), table, second); err != nil {
		t.Fatal(err)
	}
	expectRows(t, online, gets, second)
}

func TestAPrimaryThatBecameAReplicaTakesNoRowsUntilItIsOneAgain(t *testing.T) {
	primary, server := redistest.Start(t), redistest.Start(t)
	store, keys := open(t, server.URL), client(t, server)
	first, gets := numbered(50, 1)
	for _, each := range []online.Store{store, open(t, primary.URL)} { // So that they have the same, once in step.
		if _, err := each.Write(t.Context(), table, first); err != nil {
			t.Fatal(err)
		}
	}
	host, port, _ := strings.Cut(primary.Address, ":")
	if err := keys.Do(t.Context(), "REPLICAOF", host, port).Err(); err != nil {
		t.Fatal(err)
	}
	second, _ := numbered(50, 2)
	_, err := store.Write(t.Context(), table, second)
	if err == nil || !strings.Contains(err.Error(), "read-only replica") {
		t.Errorf("a write gives %v, want that it is a read-only replica", err)
	}
	redistest.Await(t, "the replica to be in step", func(ctx context.Context) (bool, any) {
		info, err := keys.Info(ctx, "replication").Result()
		return err == nil && strings.Contains(info, "master_link_status:up"), info
	})
	expectRows(t, store, gets, first)
	if err := keys.Do(t.Context(), "REPLICAOF", "NO", "ONE").Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Write(t.Context(), table, second); err != nil {
		t.Fatal(err)
	}
	expectRows(t, store, gets, second)
}

func TestAFailoverThatIsAskedForLosesNothingThatWasTaken(t *testing.T) {
	cluster := redistest.StartCluster(t, 1)
	online := open(t, cluster.URL)
	rows, gets := numbered(200, 1)
	if _, err := online.Write(t.Context(), table, rows); err != nil {
		t.Fatal(err)
	}
	awaitReplicated(t, cluster.Masters[0], cluster.Replicas[0])
	if err := client(t, cluster.Replicas[0]).ClusterFailover(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	for version := uint64(2); ; version++ {
		next, _ := numbered(200, version)
		if _, err := online.Write(t.Context(), table, next); err != nil {
			// The slots are between two masters for a moment; any subset of these rows may have been stored.
			if !errors.Is(err, fault.ErrUnavailable) {
				t.Fatalf("a write during the failover gives %v", err)
			}
			continue
		}
		expectRows(t, online, gets, next)
		role, err := client(t, cluster.Replicas[0]).Do(t.Context(), "ROLE").Slice()
		if err != nil {
			t.Fatal(err)
		}
		if role[0] == "master" {
			return
		}
	}
}
