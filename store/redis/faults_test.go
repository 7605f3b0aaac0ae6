package redis_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/plumbstore/plumb/internal/redistest"
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/redis"
)

// cutting forwards connections to a server, and cuts each after a number of bytes of its replies.
func cutting(t *testing.T, server string, after int64) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go forward(client, server, after)
		}
	}()
	return listener.Addr().String()
}

func forward(client net.Conn, server string, after int64) {
	defer client.Close()
	upstream, err := net.Dial("tcp", server)
	if err != nil {
		return
	}
	defer upstream.Close()
	go func() { _, _ = io.Copy(upstream, client) }()
	_, _ = io.CopyN(client, upstream, after)
}

// A reply that ends early is an error, whatever it ends in; never a row that is shorter or not there.
func TestAConnectionCutInMidReplyIsUnavailableAndNothingIsWrong(t *testing.T) {
	server := redistest.Start(t)
	whole := open(t, server.URL)
	row := versionedRow("key", 1)
	row.Value = append(row.Value, bytes.Repeat([]byte{'x'}, 2000)...)
	if _, err := whole.Write(t.Context(), table, []online.Row{row}); err != nil {
		t.Fatal(err)
	}
	for _, after := range []int64{1, 300, 700, 1200, 1900} {
		address := cutting(t, server.Address, after)
		store, err := redis.Open(t.Context(), "redis://"+address)
		if err == nil {
			_, err = read(t.Context(), store, "key")
			_ = store.Close()
		}
		wantUnavailable(t, err, address)
	}
	if got, err := read(t.Context(), whole, "key"); err != nil || !bytes.Equal(got, row.Value) {
		t.Errorf("the row is %d bytes afterwards, %v", len(got), err)
	}
}

func TestAClusterGoesOnWithTheReplicaOfAMasterThatIsGone(t *testing.T) {
	cluster := redistest.StartCluster(t, 1)
	store := open(t, cluster.URL)
	var rows []online.Row
	var gets []online.Get
	for i := range 200 {
		rows = append(rows, versionedRow(fmt.Sprint("key", i), 1))
		gets = append(gets, online.Get{Table: table, Key: rows[i].Key})
	}
	if _, err := store.Write(t.Context(), table, rows); err != nil {
		t.Fatal(err)
	}
	awaitReplicated(t, cluster.Masters[0], cluster.Replicas[0])
	cluster.Masters[0].Kill()
	redistest.Await(t, "all rows", func(ctx context.Context) (bool, any) {
		values, err := store.Read(ctx, gets)
		for i, value := range values {
			if !bytes.Equal(value, rows[i].Value) {
				t.Fatalf("row %d is %x", i, value)
			}
		}
		return err == nil, err
	})
	cluster.AwaitMaster(cluster.Replicas[0])
	if report, err := store.Write(t.Context(), table, rows); err != nil || report.Written != int64(len(rows)) {
		t.Errorf("a write to the new master gives %+v, %v", report, err)
	}
}

// While a slot moves, some of its keys are with one node and some with the other, and commands of several are refused.
func TestASlotThatMovesIsReadAndWrittenAllTheWhile(t *testing.T) {
	cluster := redistest.StartCluster(t, 0)
	store := open(t, cluster.URL)
	// An entity key with a brace ends the tag there, so all of these share a slot.
	slot := redis.SlotOf("{test:a}1}")
	from, to := cluster.Masters[slot*3/16384], cluster.Masters[(slot*3/16384+1)%3]
	source, target := from.Client(t), to.Client(t)
	var rows []online.Row
	var gets []online.Get
	for i := range 20 {
		rows = append(rows, versionedRow(fmt.Sprint("a}", i), 2))
		gets = append(gets, online.Get{Table: table, Key: rows[i].Key})
	}
	check := func(when string) {
		t.Helper()
		older := versionedRow("a}0", 1)
		report, err := store.Write(t.Context(), table, append([]online.Row{older}, rows...))
		if err != nil || report.Written+report.Older != 21 || report.Written < 20 {
			t.Fatalf("%s a write gives %+v, %v", when, report, err)
		}
		values, err := store.Read(t.Context(), gets)
		if err != nil {
			t.Fatalf("%s: %v", when, err)
		}
		for i, value := range values {
			if !bytes.Equal(value, rows[i].Value) {
				t.Errorf("%s row %d is %x", when, i, value)
			}
		}
	}
	check("before")
	host, port, err := net.SplitHostPort(to.Address)
	if err != nil {
		t.Fatal(err)
	}
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	do(target.Do(t.Context(), "CLUSTER", "SETSLOT", slot, "IMPORTING", cluster.ID(from)).Err())
	do(source.Do(t.Context(), "CLUSTER", "SETSLOT", slot, "MIGRATING", cluster.ID(to)).Err())
	check("when nothing has moved yet")
	for i := range rows {
		do(source.Do(t.Context(), "MIGRATE", host, port, fmt.Sprintf("{test:a}%d}", i), 0, 5000).Err())
		if i%7 == 3 {
			check(fmt.Sprintf("after %d of 20 keys have moved", i+1))
		}
	}
	for _, master := range cluster.Masters {
		do(master.Client(t).Do(t.Context(), "CLUSTER", "SETSLOT", slot, "NODE", cluster.ID(to)).Err())
	}
	check("after the slot has moved")
}
