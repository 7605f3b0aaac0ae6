package redis_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/redistest"
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/online/onlinetest"
	"github.com/plumbstore/plumb/store/redis"
)

var table = online.Table{Project: "test", View: "view", Generation: 1}

func versionedRow(key string, number uint64) online.Row {
	return online.Row{Key: []byte(key), Value: onlinetest.Value(int64(number), 0, "")}
}

func open(t *testing.T, url string) *redis.Store {
	t.Helper()
	online, err := redis.Open(t.Context(), url)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() {
		if err := online.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return online
}

// client talks to the server behind the store's back.
func client(t *testing.T, server *redistest.Server) *goredis.Client {
	t.Helper()
	client := goredis.NewClient(&goredis.Options{Addr: server.Address})
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	})
	return client
}

func TestRedisIsAnOnlineStore(t *testing.T) {
	server := redistest.StartWith(t, redistest.Config{Env: []string{"LC_ALL=C"}})
	onlinetest.Run(t, func(t *testing.T) online.Store { return open(t, server.URL) })
}

// Redis compares strings in scripts by the collation of its locale, and this one orders "B" after "a".
func TestR14_TheLocaleOfTheServerMakesNoDifference(t *testing.T) {
	server := redistest.StartWith(t, redistest.Config{Env: otherLocale(t)})
	collates, err := client(t, server).Eval(t.Context(), "if 'a' < 'B' then return 'a < B' end return 'B < a'", nil).Text()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("the server has %s", collates)
	onlinetest.Run(t, func(t *testing.T) online.Store { return open(t, server.URL) })
}

// otherLocale compiles a locale, which need not be installed then. Where the sources of locales are not there either
// (they are in Debian's package locales) the machine's own locale has to do.
func otherLocale(t *testing.T) []string {
	t.Helper()
	folder := t.TempDir()
	path := filepath.Join(folder, "en_US.UTF-8")
	command := exec.Command("localedef", "--no-archive", "-i", "en_US", "-f", "UTF-8", path)
	if output, err := command.CombinedOutput(); err != nil {
		t.Logf("no other locale than the machine's: %v\n%s", err, output)
		return nil
	}
	return []string{"LOCPATH=" + folder, "LC_ALL=en_US.UTF-8"}
}

func read(ctx context.Context, store online.Store, key string) ([]byte, error) {
	values, err := store.Read(ctx, []online.Get{{Table: table, Key: []byte(key)}})
	if err != nil {
		return nil, err
	}
	return values[0], nil
}

func wantUnavailable(t *testing.T, err error, address string) {
	t.Helper()
	if !errors.Is(err, fault.ErrUnavailable) || !strings.Contains(err.Error(), address) {
		t.Errorf("error is %v, want ErrUnavailable with the address %s", err, address)
	}
}

func TestAKilledServerIsUnavailableUntilItIsBack(t *testing.T) {
	server := redistest.Start(t)
	store := open(t, server.URL)
	row := versionedRow("key", 1)
	if _, err := store.Write(t.Context(), table, []online.Row{row}); err != nil {
		t.Fatal(err)
	}
	server.Kill()
	_, err := store.Write(t.Context(), table, []online.Row{row})
	wantUnavailable(t, err, server.Address)
	_, err = read(t.Context(), store, "key")
	wantUnavailable(t, err, server.Address)
	_, err = redis.Open(t.Context(), server.URL)
	wantUnavailable(t, err, server.Address)
	server.Restart()
	if got, err := read(t.Context(), store, "key"); err != nil || !bytes.Equal(got, row.Value) {
		t.Errorf("after the restart the row is %x, %v", got, err)
	}
	// The restarted server does not know the script any more.
	report, err := store.Write(t.Context(), table, []online.Row{versionedRow("key", 2), versionedRow("key", 1)})
	if err != nil || report != (online.WriteReport{Written: 1, Older: 1}) {
		t.Errorf("after the restart a write gives %+v, %v", report, err)
	}
}

func TestAServerKilledInTheMiddleLosesNothingThatItTook(t *testing.T) {
	server := redistest.Start(t)
	store := open(t, server.URL)
	var written uint64
	failed := make(chan error)
	first := make(chan struct{})
	go func() {
		for number := uint64(1); ; number++ {
			if _, err := store.Write(context.Background(), table, []online.Row{versionedRow("key", number)}); err != nil {
				failed <- err
				return
			}
			if written = number; number == 1 {
				close(first)
			}
		}
	}()
	<-first
	server.Kill()
	wantUnavailable(t, <-failed, server.Address)
	server.Restart()
	got, err := read(t.Context(), store, "key")
	if err != nil || bytes.Compare(got, versionedRow("key", written).Value) < 0 {
		t.Errorf("the row is %x, %v, though number %d was taken", got, err, written)
	}
}

// silent accepts connections and never answers.
func silent(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener.Addr().String()
}

func TestADeadlineEndsTheWaitForAServer(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := redis.Open(ctx, "redis://"+silent(t)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error is %v, want DeadlineExceeded", err)
	}
}

func TestATimeoutEndsTheWaitForAServer(t *testing.T) {
	address := silent(t)
	_, err := redis.Open(t.Context(), "redis://"+address+"?read_timeout=50ms")
	wantUnavailable(t, err, address)
}

func TestADeadlineEndsTheWaitForAPausedServer(t *testing.T) {
	server := redistest.Start(t)
	online := open(t, server.URL)
	if err := client(t, server).Do(t.Context(), "CLIENT", "PAUSE", 600_000).Err(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := read(ctx, online, "key"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error is %v, want DeadlineExceeded", err)
	}
}

func TestRepliesAboutTheServerSayWhatToDo(t *testing.T) {
	full := redistest.StartWith(t, redistest.Config{Args: []string{"--maxmemory", "1kb"}})
	replica := redistest.StartWith(t, redistest.Config{Args: []string{"--replicaof", "127.0.0.1 1"}})
	node := redistest.StartWith(t, redistest.Config{Args: []string{"--cluster-enabled", "yes"}})
	for _, c := range []struct {
		name        string
		server      *redistest.Server
		want        string
		unavailable bool
	}{
		{"out of memory", full, "it is out of memory; raise its maxmemory", false},
		{"read-only replica", replica, "it is a read-only replica; connect to its primary", false},
		{"cluster without slots", node, "its cluster is down", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			store := open(t, c.server.URL)
			_, err := store.Write(t.Context(), table, []online.Row{versionedRow("key", 1)})
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.server.Address) {
				t.Errorf("error is %v, want one with %q and the address", err, c.want)
			}
			if errors.Is(err, fault.ErrUnavailable) != c.unavailable {
				t.Errorf("error %v: unavailable is %t", err, !c.unavailable)
			}
		})
	}
}

// A string under the key of an entity is not a row that is not there: a look-up says so, and so does a write.
func TestWhatIsNoRowUnderTheKeyOfOneIsAnErrorAndNotAbsent(t *testing.T) {
	server := redistest.Start(t)
	store := open(t, server.URL)
	if value, err := read(t.Context(), store, "key"); err != nil || value != nil {
		t.Fatalf("before, %x and %v are read", value, err)
	}
	if err := client(t, server).Set(t.Context(), "{test:key}", "value", 0).Err(); err != nil {
		t.Fatal(err)
	}
	_, failed := read(t.Context(), store, "key")
	_, failedToo := store.Write(t.Context(), table, []online.Row{versionedRow("key", 1)})
	for did, err := range map[string]error{"read": failed, "write": failedToo} {
		var refused *fault.RefusedError
		if !errors.As(err, &refused) || !strings.Contains(refused.Advice, "under the key of a row") {
			t.Errorf("a %s gives %v", did, err)
		}
	}
}

func TestAUserWithoutRightsIsToldWhichToGive(t *testing.T) {
	server := redistest.Start(t)
	raw := client(t, server)
	for _, c := range []struct {
		name, rules string
		reads       bool
	}{
		{"reader", "+ping +hello +hmget +hget +mget", true},
		{"earlier", "+ping +hello +hmget +mget", true}, {"nobody", "+ping +hello", false},
		{"script", "+ping +hello +hmget +mget +eval +evalsha", true},
	} {
		args := []any{"ACL", "SETUSER", c.name, "on", ">secret", "~{*"}
		for rule := range strings.FieldsSeq(c.rules) {
			args = append(args, rule)
		}
		if err := raw.Do(t.Context(), args...).Err(); err != nil {
			t.Fatal(err)
		}
		store := open(t, "redis://"+c.name+":secret@"+server.Address)
		_, readErr := read(t.Context(), store, "key")
		_, writeErr := store.Write(t.Context(), table, []online.Row{versionedRow("key", 1)})
		if c.reads && readErr != nil {
			t.Errorf("%s cannot read: %v", c.name, readErr)
		}
		for did, err := range map[string]error{"read": readErr, "write": writeErr} {
			var refused *fault.RefusedError
			if did == "read" && c.reads {
				continue
			}
			if !errors.As(err, &refused) || !strings.Contains(refused.Advice, "grant it") ||
				errors.Is(err, fault.ErrUnavailable) {
				t.Errorf("%s: a %s gives %v", c.name, did, err)
			}
		}
	}
}

func TestAServerWithTooManyClientsIsUnavailable(t *testing.T) {
	server := redistest.StartWith(t, redistest.Config{Args: []string{"--maxclients", "1"}})
	if err := client(t, server).Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	_, err := redis.Open(t.Context(), server.URL)
	wantUnavailable(t, err, server.Address)
}

func TestAPasswordIsUsedAndNeverShown(t *testing.T) {
	const password = "s3cr3t"
	server := redistest.StartWith(t, redistest.Config{Args: []string{"--requirepass", password}})
	with := func(userinfo string) string { return "redis://" + userinfo + "@" + server.Address }
	if _, err := open(t, with(":"+password)).Write(t.Context(), table, []online.Row{versionedRow("key", 1)}); err != nil {
		t.Error(err)
	}
	for _, c := range []struct{ url, want string }{
		{server.URL, "it wants a password; give one in the URL"},
		{with(":wrong" + password), "it does not take this user and password"},
		{with("nobody:" + password), "it does not take this user and password"},
	} {
		_, err := redis.Open(t.Context(), c.url)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), password) {
			t.Errorf("error is %v, want one with %q", err, c.want)
		}
	}
	server.Kill()
	_, err := redis.Open(t.Context(), with(":"+password))
	wantUnavailable(t, err, server.Address)
	if strings.Contains(err.Error(), password) {
		t.Errorf("error %v tells the password", err)
	}
}

func TestWhatIsNoRedisURLIsAnInputErrorWithoutItsText(t *testing.T) {
	for _, url := range []string{
		"", "s3cr3t", "http://:s3cr3t@host", "redis://:s3cr3t/x@host:6379", "redis://user:1/s3cr3t@host",
		"redis://:1?s3cr3t@host",
		"redis://:s3cr3t%zz@host:6379", "redis://host:6379/s3cr3t", "redis://host:6379?s3cr3t=1", "redis://host:s3cr3t",
		"redis://host:6379?read_timeout=s3cr3t", "unix:///s3cr3t.sock", "redis://:s3\ncr3t@host",
	} {
		_, err := redis.Open(t.Context(), url)
		var input *fault.InputError
		if !errors.As(err, &input) || strings.Contains(err.Error(), "cr3t") {
			t.Errorf("%q: error is %v, want an InputError that does not quote it", url, err)
		}
	}
}

func TestAllViewsOfAnEntityShareASlotWhateverItsKey(t *testing.T) {
	node := redistest.StartWith(t, redistest.Config{Args: []string{"--cluster-enabled", "yes"}})
	keys := client(t, node)
	for b := range 256 {
		slots := map[int64]bool{}
		for _, suffix := range []string{"weather@1", "weather@22", "plane@1"} {
			key := fmt.Sprintf("{test:\x01\x07\x02%c}%s", b, suffix)
			slot, err := keys.ClusterKeySlot(t.Context(), key).Result()
			if err != nil {
				t.Fatal(err)
			}
			slots[slot] = true
		}
		if len(slots) != 1 {
			t.Errorf("an entity key with byte %#x lies in slots %v", b, slots)
		}
	}
}
