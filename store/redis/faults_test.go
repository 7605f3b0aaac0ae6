package redis_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/plumbstore/plumb/internal/redistest"
	"github.com/plumbstore/plumb/store"
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
	if _, err := whole.Write(t.Context(), table, []store.Row{row}); err != nil {
		t.Fatal(err)
	}
	for _, after := range []int64{1, 300, 700, 1200, 1900} {
		address := cutting(t, server.Address, after)
		online, err := redis.Open(t.Context(), "redis://"+address)
		if err == nil {
			_, err = read(t.Context(), online, "key")
			_ = online.Close()
		}
		wantUnavailable(t, err, address)
	}
	if got, err := read(t.Context(), whole, "key"); err != nil || !bytes.Equal(got, row.Value) {
		t.Errorf("the row is %d bytes afterwards, %v", len(got), err)
	}
}

func TestAClusterGoesOnWithTheReplicaOfAMasterThatIsGone(t *testing.T) {
	cluster := redistest.StartCluster(t, 1)
	online := open(t, cluster.URL)
	var rows []store.Row
	var gets []store.Get
	for i := range 200 {
		rows = append(rows, versionedRow(fmt.Sprint("key", i), 1))
		gets = append(gets, store.Get{Table: table, Key: rows[i].Key})
	}
	if _, err := online.Write(t.Context(), table, rows); err != nil {
		t.Fatal(err)
	}
	awaitReplicated(t, cluster.Masters[0], cluster.Replicas[0])
	cluster.Masters[0].Kill()
	redistest.Await(t, "all rows", func(ctx context.Context) (bool, any) {
		values, err := online.Read(ctx, gets)
		for i, value := range values {
			if !bytes.Equal(value, rows[i].Value) {
				t.Fatalf("row %d is %x", i, value)
			}
		}
		return err == nil, err
	})
	cluster.AwaitMaster(cluster.Replicas[0])
	if report, err := online.Write(t.Context(), table, rows); err != nil || report.Written != int64(len(rows)) {
		t.Errorf("a write to the new master gives %+v, %v", report, err)
	}
}
