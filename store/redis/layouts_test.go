package redis_test

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/plumbstore/plumb/internal/redistest"
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/online/onlinetest"
	"github.com/plumbstore/plumb/store/redis"
)

func TestAClusterIsAnOnlineStore(t *testing.T) {
	cluster := redistest.StartCluster(t, 0)
	onlinetest.Run(t, func(t *testing.T) online.Store { return open(t, cluster.URL) })
	for _, master := range cluster.Masters {
		if keys, err := master.Client(t).DBSize(t.Context()).Result(); err != nil || keys == 0 {
			t.Errorf("the master at %s has %d keys, %v, want its share", master.Address, keys, err)
		}
	}
}

func TestWhatSentinelNamesIsAnOnlineStore(t *testing.T) {
	sentinels := redistest.StartSentinels(t)
	onlinetest.Run(t, func(t *testing.T) online.Store { return open(t, sentinels.URL) })
}

func TestAPrimaryThatIsGoneIsReplacedBySentinel(t *testing.T) {
	sentinels := redistest.StartSentinels(t)
	store := open(t, sentinels.URL)
	rows := []online.Row{versionedRow("key", 1)}
	if _, err := store.Write(t.Context(), table, rows); err != nil {
		t.Fatal(err)
	}
	primary := sentinels.Primary.Client(t)
	if n, err := primary.Wait(t.Context(), 1, 10*time.Second).Result(); err != nil || n != 1 {
		t.Fatalf("%d replicas have the row, %v", n, err)
	}
	sentinels.Primary.Kill()
	awaitRow(t, store, "key", rows[0].Value)
	redistest.Await(t, "a write to the new primary", func(ctx context.Context) (bool, any) {
		report, err := store.Write(ctx, table, []online.Row{versionedRow("key", 2)})
		return err == nil && report.Written == 1, err
	})
	awaitRow(t, store, "key", versionedRow("key", 2).Value)
}

// awaitRow waits until a row can be read. No other value and no absence may be read meanwhile.
func awaitRow(t *testing.T, store online.Store, key string, want []byte) {
	t.Helper()
	redistest.Await(t, "a read of "+key, func(ctx context.Context) (bool, any) {
		got, err := read(ctx, store, key)
		if err == nil && !bytes.Equal(got, want) {
			t.Fatalf("the row of %s is %x, want %x", key, got, want)
		}
		return err == nil, err
	})
}

// Replicas can be stale; here they have all that was written.
func TestReplicasAnswerReadsWhereThatIsAskedFor(t *testing.T) {
	cluster := redistest.StartCluster(t, 3)
	sentinels := redistest.StartSentinels(t)
	for name, c := range map[string]struct {
		url, option string
		primary     []*redistest.Server
		replicas    []*redistest.Server
	}{
		"cluster": {cluster.URL, "?read_replicas=true", cluster.Masters, cluster.Replicas},
		"sentinel": {sentinels.URL, "&read_replicas=true", []*redistest.Server{sentinels.Primary},
			[]*redistest.Server{sentinels.Replica}},
	} {
		t.Run(name, func(t *testing.T) {
			store := open(t, c.url)
			var rows []online.Row
			var gets []online.Get
			for i := range 50 {
				rows = append(rows, versionedRow(fmt.Sprint("key", i), 1))
				gets = append(gets, online.Get{Table: table, Key: rows[i].Key})
			}
			if _, err := store.Write(t.Context(), table, rows); err != nil {
				t.Fatal(err)
			}
			for i, primary := range c.primary {
				awaitReplicated(t, primary, c.replicas[i])
				awaitListed(t, primary, len(c.replicas))
			}
			store = open(t, c.url+c.option)
			redistest.Await(t, "a read from a replica", func(ctx context.Context) (bool, any) {
				values, err := store.Read(ctx, gets)
				if err != nil {
					t.Fatal(err)
				}
				for i, value := range values {
					if !bytes.Equal(value, rows[i].Value) {
						t.Fatalf("row %d is %x", i, value)
					}
				}
				stats, err := c.replicas[0].Client(t).Info(ctx, "commandstats").Result()
				return strings.Contains(stats, "cmdstat_hget"), err
			})
			expectPrimaryRead(t, store, c.replicas, append(gets, online.Get{Table: table, Key: []byte("none")}), rows)
		})
	}
}

// askedFor matches the statistics of a server that was asked for a value.
var askedFor = regexp.MustCompile("cmdstat_(get|mget|hget|hmget|eval)")

// expectPrimaryRead reads what was written, and one row that was not, and wants that no replica was asked.
func expectPrimaryRead(t *testing.T, store *redis.Store, replicas []*redistest.Server, gets []online.Get,
	rows []online.Row,
) {
	t.Helper()
	for _, replica := range replicas {
		if err := replica.Client(t).ConfigResetStat(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
	}
	values, err := store.ReadPrimary(t.Context(), gets)
	if err != nil || values[len(rows)] != nil {
		t.Fatalf("got %x for a row that is not there, %v", values, err)
	}
	for i, row := range rows {
		if !bytes.Equal(values[i], row.Value) {
			t.Fatalf("row %d of the primary is %x", i, values[i])
		}
	}
	for _, replica := range replicas {
		stats, err := replica.Client(t).Info(t.Context(), "commandstats").Result()
		if err != nil || askedFor.MatchString(stats) {
			t.Errorf("the replica at %s was asked: %s, %v", replica.Address, stats, err)
		}
	}
}

// awaitReplicated waits until a replica has as many keys as its primary.
func awaitReplicated(t *testing.T, primary, replica *redistest.Server) {
	t.Helper()
	from, to := primary.Client(t), replica.Client(t)
	redistest.Await(t, "replication", func(ctx context.Context) (bool, any) {
		want, err := from.DBSize(ctx).Result()
		got, also := to.DBSize(ctx).Result()
		return err == nil && also == nil && got == want, fmt.Sprint(got, " of ", want)
	})
}

// awaitListed waits until a node of a cluster names all replicas to clients, which it does once they have some data.
func awaitListed(t *testing.T, node *redistest.Server, replicas int) {
	t.Helper()
	if replicas == 1 {
		return // Sentinel names it already.
	}
	redistest.Await(t, "the replicas of the cluster", func(ctx context.Context) (bool, any) {
		slots, err := node.Client(t).Do(ctx, "CLUSTER", "SLOTS").Slice()
		listed := 0
		for _, slot := range slots {
			listed += len(slot.([]any)) - 3 // its bounds and its master
		}
		return listed == replicas, err
	})
}

// acl is the least that a user of the store has to be allowed.
const acl = "user plumb on >s3cr3t ~{* +ping +hello +hmget +hget +hgetall +hkeys +hset +hsetnx +hdel +pttl +pexpire " +
	"+persist +eval +evalsha +scan +unlink +memory|usage +object|encoding +mget +get +type"

func TestTLSAndAUserOfItsOwn(t *testing.T) {
	certificates := redistest.NewCertificates(t)
	args := append([]string{"--user"}, strings.Fields(acl)[1:]...)
	server := redistest.StartWith(t, redistest.Config{TLS: certificates, Args: append(args, "--user", "default", "off")})
	options := "?tls_ca=" + certificates.CA + "&tls_cert=" + certificates.Cert + "&tls_key=" + certificates.Key
	onlinetest.Run(t, func(t *testing.T) online.Store {
		return open(t, "rediss://plumb:s3cr3t@"+server.Address+options)
	})
	for name, url := range map[string]string{
		"without the authority": "rediss://plumb:s3cr3t@" + server.Address,
		"without a certificate": "rediss://plumb:s3cr3t@" + server.Address + "?tls_ca=" + certificates.CA,
		"for another host": "rediss://plumb:s3cr3t@" + server.Address + options +
			"&tls_server_name=elsewhere.example",
		"without TLS": "redis://plumb:s3cr3t@" + server.Address,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := redis.Open(t.Context(), url)
			wantUnavailable(t, err, server.Address)
			if strings.Contains(fmt.Sprint(err), "s3cr3t") {
				t.Errorf("error %v tells the password", err)
			}
		})
	}
	_, err := redis.Open(t.Context(), "rediss://default:s3cr3t@"+server.Address+options)
	if err == nil || !strings.Contains(err.Error(), "it does not take this user and password") {
		t.Errorf("as another user: error is %v", err)
	}
}

func TestSlotsAreThoseOfRedis(t *testing.T) {
	node := redistest.StartWith(t, redistest.Config{Cluster: true}).Client(t)
	for b := range 256 {
		key := fmt.Sprintf("{test:\x01\x07%c%c}weather@1", b, 255-b)
		want, err := node.ClusterKeySlot(t.Context(), key).Result()
		if err != nil {
			t.Fatal(err)
		}
		if got := redis.SlotOf(key); int64(got) != want {
			t.Errorf("%q lies in slot %d, want %d", key, got, want)
		}
	}
}
