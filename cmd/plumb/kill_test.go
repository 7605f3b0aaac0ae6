package main_test

import (
	"context"
	"maps"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/plumbstore/plumb/internal/redistest"
	"github.com/plumbstore/plumb/store/packed"
	"github.com/plumbstore/plumb/store/storetest"
)

// kills is how often the test below kills a materialization.
const kills = 200

// victim is a project whose materializations are killed.
type victim struct {
	t      *testing.T
	folder string
	store  string
}

func (v victim) plumb(ctx context.Context, args ...string) *exec.Cmd {
	args = append(args, "--project-dir", v.folder, "--online-store", v.store)
	return exec.CommandContext(ctx, filepath.Join(binaries, "plumb"), args...)
}

func (v victim) run(args ...string) string {
	v.t.Helper()
	output, err := v.plumb(v.t.Context(), args...).CombinedOutput()
	if err != nil {
		v.t.Fatalf("plumb %v: %v\n%s", args, err, output)
	}
	return string(output)
}

// materialize is the run that is killed: of views of each kind, from the beginning.
var materialize = []string{"materialize", "--to", "2013-07-04T00:00:00Z", "--full", "--view", "airport_traffic",
	"--view", "plane", "--view", "plane_record", "--view", "weather"}

// killed begins a run and kills it after the delay, unless it ended before.
func (v victim) killed(delay time.Duration) {
	v.t.Helper()
	command := v.plumb(v.t.Context(), materialize...)
	if err := command.Start(); err != nil {
		v.t.Fatal(err)
	}
	timer := time.AfterFunc(delay, func() { _ = command.Process.Kill() })
	defer timer.Stop()
	_ = command.Wait() // It says that the run was killed, or nothing.
}

// bookkeeping matches the Redis keys of a table's marks, whose numbers differ from run to run, and of the directory.
var bookkeeping = regexp.MustCompile(`:\x00[\x01\x02\x03]\}`)

// withoutRun is a stored row without the id of the run that wrote it. The row of a state, which no other row is taken
// for here, also goes without the number of the build, which lies in its created time.
func withoutRun(t *testing.T, value []byte) string {
	t.Helper()
	row, err := packed.Parse(value)
	if err != nil {
		t.Fatal(err)
	}
	layout := packed.NewLayout(packed.StateSchema(row.SchemaID))
	if layout.Check(&row) != nil {
		return string(storetest.WithoutOrigin(value))
	}
	state, ok, err := layout.Field(&row, 0)
	if err != nil || !ok {
		t.Fatalf("%x does not hold a state: %v", value, err)
	}
	same, err := packed.StateRow(row.Event, 0, row.SchemaID, 0).AppendState(nil, state)
	if err != nil {
		t.Fatal(err)
	}
	return string(same)
}

// stored returns the rows of a database by key and field, without what tells the runs apart that wrote them.
func stored(t *testing.T, database *goredis.Client) map[string]string {
	t.Helper()
	rows := map[string]string{}
	keys := database.Scan(t.Context(), 0, "*", 1000).Iterator()
	for keys.Next(t.Context()) {
		if bookkeeping.MatchString(keys.Val()) {
			continue
		}
		fields, err := database.HGetAll(t.Context(), keys.Val()).Result()
		if err != nil {
			t.Fatal(err)
		}
		for field, value := range fields {
			rows[keys.Val()+field] = withoutRun(t, []byte(value))
		}
	}
	if err := keys.Err(); err != nil {
		t.Fatal(err)
	}
	return rows
}

// The run is killed at random instants, from before it reads the project to after it has recorded what it did. What is
// stored is at any time a part of what an undisturbed run stores, bit for bit but for the run's id, and after the next
// run it is all of it.
func TestAMaterializationKilledHundredsOfTimesLeavesWhatTheNextOneCompletes(t *testing.T) {
	server := redistest.Start(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	database := func(number int) *goredis.Client {
		client := goredis.NewClient(&goredis.Options{Addr: server.Address, DB: number})
		t.Cleanup(func() { _ = client.Close() })
		return client
	}
	v := victim{t, filepath.Join(t.TempDir(), "project"), server.URL + "/1"}
	if output, err := exec.Command(filepath.Join(binaries, "plumb"), "init", v.folder).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	v.run("apply", "--yes")
	began := time.Now() //nolint:forbidigo // It measures how long there is to kill a run.
	v.run(materialize...)
	undisturbed := time.Since(began)
	whole := stored(t, database(1))
	v.store = server.URL + "/2"
	wounded := database(2)
	cut := 0
	for i := range kills {
		if i%20 == 0 {
			if err := wounded.FlushDB(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
		}
		v.killed(time.Duration(random.Int64N(int64(undisturbed) * 5 / 4)))
		rows := stored(t, wounded)
		for key, value := range rows {
			if whole[key] != value {
				t.Fatalf("after kill %d there is %x under %q, want %x", i, value, key, whole[key])
			}
		}
		if len(rows) > 0 && len(rows) < len(whole) {
			cut++
		}
		if i%20 == 19 {
			v.run(materialize...)
			if !maps.Equal(whole, stored(t, wounded)) {
				t.Fatalf("after kill %d and a whole run the store differs from that of an undisturbed one", i)
			}
		}
	}
	t.Logf("%d of %d runs left a part of the rows", cut, kills)
	if cut == 0 {
		t.Error("no run was killed while it wrote")
	}
}
