package redistest

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// patience bounds how long servers may take to agree with each other.
const patience = 30 * time.Second

// Await calls ask until it returns true, and fails the test if that takes too long. The failure includes the last state
// that ask returned.
func Await(t testing.TB, what string, ask func(ctx context.Context) (so bool, state any)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		so, state := ask(ctx)
		if so {
			return
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			t.Fatalf("%s: it did not come to be; the last state was %v", what, state)
		}
	}
}

// Client talks to one server behind the product's back.
func (s *Server) Client(t testing.TB) *goredis.Client {
	t.Helper()
	client := goredis.NewClient(&goredis.Options{Addr: s.Address, MaxRetries: 3})
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// Cluster is a Redis cluster of local processes: three masters, each with a third of the slots, and replicas.
type Cluster struct {
	// URL is redis+cluster:// with all masters.
	URL     string
	Masters []*Server
	// Replicas has the replica of the master at the same position; it is as long as was asked for.
	Replicas []*Server
	t        testing.TB
}

const masters = 3

// StartCluster starts a cluster in which the first masters have a replica each.
func StartCluster(t testing.TB, replicas int) *Cluster {
	t.Helper()
	c := &Cluster{t: t}
	for range masters {
		c.Masters = append(c.Masters, StartWith(t, Config{Cluster: true}))
	}
	for range replicas {
		c.Replicas = append(c.Replicas, StartWith(t, Config{Cluster: true}))
	}
	var addresses []string
	first := c.Masters[0]
	for i, master := range c.Masters {
		addresses = append(addresses, master.Address)
		start, end := i*16384/masters, (i+1)*16384/masters-1
		c.do(master, "CLUSTER", "ADDSLOTSRANGE", start, end)
		c.do(master, "CLUSTER", "SET-CONFIG-EPOCH", i+1)
	}
	for _, node := range c.nodes()[1:] {
		c.do(node, "CLUSTER", "MEET", "127.0.0.1", first.port, first.busPort)
	}
	c.URL = "redis+cluster://" + strings.Join(addresses, ",")
	c.awaitAgreement()
	for i, replica := range c.Replicas {
		c.do(replica, "CLUSTER", "REPLICATE", c.ID(c.Masters[i]))
	}
	for _, replica := range c.Replicas {
		c.AwaitReplica(replica)
	}
	c.awaitRoles()
	return c
}

func (c *Cluster) nodes() []*Server { return append(append([]*Server{}, c.Masters...), c.Replicas...) }

func (c *Cluster) do(node *Server, args ...any) {
	c.t.Helper()
	if err := node.Client(c.t).Do(context.Background(), args...).Err(); err != nil {
		c.t.Fatalf("%v at %s: %v", args, node.Address, err)
	}
}

// ID is the name of a node in the cluster.
func (c *Cluster) ID(node *Server) string {
	c.t.Helper()
	id, err := node.Client(c.t).Do(context.Background(), "CLUSTER", "MYID").Text()
	if err != nil {
		c.t.Fatal(err)
	}
	return id
}

// awaitAgreement waits until every node knows all others and finds the cluster whole.
func (c *Cluster) awaitAgreement() {
	c.t.Helper()
	known := fmt.Sprint("cluster_known_nodes:", len(c.nodes()))
	for _, node := range c.nodes() {
		client := node.Client(c.t)
		Await(c.t, "the cluster at "+node.Address, func(ctx context.Context) (bool, any) {
			info, err := client.ClusterInfo(ctx).Result()
			return err == nil && strings.Contains(info, "cluster_state:ok") && strings.Contains(info, known), info
		})
	}
}

// awaitRoles waits until every node knows all replicas for what they are.
func (c *Cluster) awaitRoles() {
	c.t.Helper()
	for _, node := range c.nodes() {
		client := node.Client(c.t)
		Await(c.t, "the replicas that "+node.Address+" knows", func(ctx context.Context) (bool, any) {
			nodes, err := client.ClusterNodes(ctx).Result()
			return err == nil && strings.Count(nodes, "slave ") == len(c.Replicas), nodes
		})
	}
}

// AwaitReplica waits until a replica has what its master has.
func (c *Cluster) AwaitReplica(replica *Server) {
	c.t.Helper()
	client := replica.Client(c.t)
	Await(c.t, "the replica at "+replica.Address, func(ctx context.Context) (bool, any) {
		info, err := client.Info(ctx, "replication").Result()
		return err == nil && strings.Contains(info, "master_link_status:up"), info
	})
}

// AwaitMaster waits until a node is a master of a cluster that is whole.
func (c *Cluster) AwaitMaster(node *Server) {
	c.t.Helper()
	client := node.Client(c.t)
	Await(c.t, "the master at "+node.Address, func(ctx context.Context) (bool, any) {
		role, err := client.Info(ctx, "replication").Result()
		info, _ := client.ClusterInfo(ctx).Result()
		return err == nil && strings.Contains(role, "role:master") && strings.Contains(info, "cluster_state:ok"), role + info
	})
}

// Sentinels are three sentinels that watch a primary and its replica, and agree on which is which.
type Sentinels struct {
	// URL is redis+sentinel:// with all sentinels.
	URL              string
	Addresses        []string
	Primary, Replica *Server
}

// StartSentinels starts a primary, its replica, and sentinels that call it "primary".
func StartSentinels(t testing.TB) *Sentinels {
	t.Helper()
	const count, quorum = 3, "2"
	s := &Sentinels{Primary: Start(t)}
	port := strconv.Itoa(s.Primary.port)
	s.Replica = StartWith(t, Config{Args: []string{"--replicaof", "127.0.0.1 " + port}})
	var addresses []string
	for range count {
		sentinel := StartWith(t, Config{Sentinel: true})
		client := sentinel.Client(t)
		for _, args := range [][]any{
			{"SENTINEL", "MONITOR", "primary", "127.0.0.1", port, quorum},
			{"SENTINEL", "SET", "primary", "down-after-milliseconds", "500", "failover-timeout", "5000"},
		} {
			if err := client.Do(context.Background(), args...).Err(); err != nil {
				t.Fatalf("%v: %v", args, err)
			}
		}
		addresses = append(addresses, sentinel.Address)
		Await(t, "the sentinel at "+sentinel.Address, func(ctx context.Context) (bool, any) {
			info, err := client.Info(ctx, "sentinel").Result()
			return err == nil && strings.Contains(info, "slaves=1"), info
		})
	}
	awaitQuorum(t, addresses, count)
	s.Addresses = addresses
	s.URL = "redis+sentinel://" + strings.Join(addresses, ",") + "/?master=primary"
	return s
}

func awaitQuorum(t testing.TB, addresses []string, count int) {
	for _, address := range addresses {
		client := goredis.NewClient(&goredis.Options{Addr: address})
		t.Cleanup(func() { _ = client.Close() })
		Await(t, "the sentinels that "+address+" knows", func(ctx context.Context) (bool, any) {
			info, err := client.Info(ctx, "sentinel").Result()
			return err == nil && strings.Contains(info, fmt.Sprint("sentinels=", count)), info
		})
	}
}
