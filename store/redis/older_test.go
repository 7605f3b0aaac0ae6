package redis_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/redistest"
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/online/onlinetest"
	"github.com/plumbstore/plumb/store/packed"
	"github.com/plumbstore/plumb/store/redis"
)

// oldValue is a row of format 2 without features, as versions of layout 1 stored it, of schema 1 and run 7.
func oldValue(event int64, payload string) []byte {
	value := binary.BigEndian.AppendUint64(nil, uint64(event)^1<<63)
	value = append(value, make([]byte, 8)...)
	value = append(value, 2, 0, 0, 0, 1)
	return append(binary.BigEndian.AppendUint64(value, 7), payload...)
}

// writeOld writes a row as versions of layout 1 did.
func writeOld(t *testing.T, keys goredis.Cmdable, table online.Table, entity string, value []byte, life time.Duration) {
	t.Helper()
	if err := keys.Set(t.Context(), redis.OlderKey(table, entity), value, life).Err(); err != nil {
		t.Fatal(err)
	}
}

// eventsSeen are the event times that look-ups at some instants see.
func eventsSeen(t *testing.T, store online.Store, table online.Table, entity string, instants ...int64) []int64 {
	t.Helper()
	values, err := store.Read(t.Context(), []online.Get{{Table: table, Key: []byte(entity)}})
	if err != nil {
		t.Fatal(err)
	}
	seen := make([]int64, len(instants))
	for i, at := range instants {
		if values[0] == nil {
			seen[i] = -1
			continue
		}
		row, err := packed.RowAt(values[0], feature.Instant(at))
		if err != nil {
			t.Fatal(err)
		}
		seen[i] = int64(packed.EventOf(row))
	}
	return seen
}

// While an older version writes beside this one, the newest row of both counts, at each instant.
func TestR14_RowsOfBothLayoutsCompareByTheirTimes(t *testing.T) {
	server := redistest.Start(t)
	store, keys := open(t, server.URL), client(t, server)
	for i, c := range []struct{ older, newer, want int64 }{
		{older: 10, want: 10}, {newer: 10, want: 10}, {older: 10, newer: 20, want: 20}, {older: 20, newer: 10, want: 20},
	} {
		entity := fmt.Sprint("key", i)
		if c.newer > 0 {
			if _, err := store.Write(t.Context(), table, []online.Row{versionedRow(entity, uint64(c.newer))}); err != nil {
				t.Fatal(err)
			}
		}
		if c.older > 0 {
			writeOld(t, keys, table, entity, oldValue(c.older, ""), 0)
		}
		if got := eventsSeen(t, store, table, entity, 100); got[0] != c.want {
			t.Errorf("with %d in layout 1 and %d in layout 2, %d is seen, want %d", c.older, c.newer, got[0], c.want)
		}
	}
	// One of them is ahead of the clock of the look-up.
	if got := eventsSeen(t, store, table, "key2", 15, 25); !slices.Equal(got, []int64{10, 20}) {
		t.Errorf("at 15 and 25, %v are seen", got)
	}
}

// Marks of both layouts are marks of one table: the greater one counts.
func TestR14_TheGreaterMarkOfBothLayoutsCounts(t *testing.T) {
	server := redistest.Start(t)
	store, keys := open(t, server.URL), client(t, server)
	old := onlinetest.Samples(t, "mark-v1.txt")["mark-v1.txt"]["mark 1122 of run 11"]
	writeOld(t, keys, table, "\x00\x01", old, 0)
	for number, want := range map[int64]int64{0x1121: 0x1122, 0x1123: 0x1123} {
		if err := online.WriteBirth(t.Context(), store, table, number, 1); err != nil {
			t.Fatal(err)
		}
		marks, err := online.ReadMarks(t.Context(), open(t, server.URL), table)
		if err != nil || marks[0].Birth < want {
			t.Errorf("with %d the marks are %+v, %v, want %d", number, marks, err, want)
		}
	}
}

func TestADamagedRowOfLayout1IsAnErrorOfItsLookUpAlone(t *testing.T) {
	server := redistest.Start(t)
	store, keys := open(t, server.URL), client(t, server)
	writeOld(t, keys, table, "damaged", []byte("no row"), 0)
	writeOld(t, keys, table, "good", oldValue(1, ""), 0)
	if _, err := read(t.Context(), store, "damaged"); !errors.Is(err, packed.ErrCorrupt) {
		t.Errorf("a damaged row gives %v", err)
	}
	if value, err := read(t.Context(), store, "good"); err != nil || value == nil {
		t.Errorf("the row beside it is %x, %v", value, err)
	}
}

// upgrading has rows of two views in layout 1, one of them set aside, and marks.
func upgrading(t *testing.T, keys goredis.Cmdable) (aside online.Table, want map[string][]byte) {
	t.Helper()
	samples := onlinetest.Samples(t, "*-v*.txt")
	values := map[string][]byte{"v1": samples["row-v1.txt"]["every type"], "v2": samples["row-v2.txt"]["every type"],
		"damaged": []byte("no row"), "\x00\x01": samples["mark-v1.txt"]["mark 1122 of run 11"]}
	for i := range 3000 {
		values[fmt.Sprint("key", i)] = oldValue(int64(i), fmt.Sprint("payload ", i))
	}
	want = map[string][]byte{}
	for entity, value := range values {
		life := time.Duration(0)
		if strings.HasPrefix(entity, "key1") {
			life = time.Hour
		}
		writeOld(t, keys, table, entity, value, life)
		upgraded, err := packed.Upgrade(value)
		if err != nil {
			upgraded = packed.Damaged(value)
		}
		want[entity] = upgraded
	}
	aside = online.Table{Project: table.Project, View: table.View, Generation: 0}
	writeOld(t, keys, aside, "key1", oldValue(1, ""), 0)
	return aside, want
}

func upgrade(t *testing.T, store *redis.Store, tables ...online.Table) online.UpgradeReport {
	t.Helper()
	report, err := store.Upgrade(t.Context(), table.Project, tables, func(int64) {})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func expectStored(t *testing.T, store online.Store, want map[string][]byte) {
	t.Helper()
	for entity, value := range want {
		if got, err := read(t.Context(), store, entity); err != nil || !bytes.Equal(got, value) {
			t.Errorf("%q is %x, %v, want %x", entity, got, err, value)
		}
	}
}

func TestAnUpgradeMovesTheRowsOfLayout1(t *testing.T) {
	single, cluster := redistest.Start(t), redistest.StartCluster(t, 0)
	for name, c := range map[string]struct {
		url  string
		keys goredis.UniversalClient
	}{
		"a single server": {single.URL, client(t, single)},
		"a cluster": {cluster.URL, goredis.NewClusterClient(&goredis.ClusterOptions{
			Addrs: []string{cluster.Masters[0].Address}})},
	} {
		t.Run(name, func(t *testing.T) { expectUpgrade(t, c.url, c.keys) })
	}
}

func expectUpgrade(t *testing.T, url string, keys goredis.UniversalClient) {
	store := open(t, url)
	aside, want := upgrading(t, keys)
	if has, err := store.HasOlder(t.Context(), table.Project); err != nil || !has {
		t.Errorf("that there are older rows is %t, %v", has, err)
	}
	if report := upgrade(t, store, table); report != (online.UpgradeReport{Moved: 3003, Others: 1}) {
		t.Errorf("the report is %+v", report)
	}
	expectStored(t, open(t, url), want)
	for entity, life := range map[string]int64{"key1": hour, "key2": never} {
		expectLife(t, keys, entity, lives{life, life, -2})
	}
	for entity := range want {
		if kind, err := keys.Type(t.Context(), redis.OlderKey(table, entity)).Result(); err != nil || kind == "string" {
			t.Errorf("%q still is a %s in layout 1, %v", entity, kind, err)
		}
	}
	if report := upgrade(t, store, table); report != (online.UpgradeReport{Others: 1}) {
		t.Errorf("a second upgrade reports %+v", report)
	}
	if has, err := store.HasOlder(t.Context(), table.Project); err != nil || !has {
		t.Errorf("that there are older rows is %t, %v: one is set aside", has, err)
	}
	if removed, err := store.Remove(t.Context(), aside.Project, "none"); err != nil || removed != 0 {
		t.Errorf("%d rows of no view are removed, %v", removed, err)
	}
	if removed, err := store.Remove(t.Context(), aside.Project, aside.View); err != nil || removed != 3004 {
		t.Errorf("%d rows of both layouts are removed, %v, want 3004", removed, err)
	}
	if has, err := store.HasOlder(t.Context(), table.Project); err != nil || has {
		t.Errorf("that there are older rows is %t, %v", has, err)
	}
}

// A row that is moved between two commands of one read is seen: the read asks for layout 1 first.
func TestARowThatIsMovedDuringAReadIsSeen(t *testing.T) {
	server := redistest.Start(t)
	store, other, keys := open(t, server.URL), open(t, server.URL), client(t, server)
	writeOld(t, keys, table, "key", oldValue(1, ""), 0)
	redis.AddHook(store, &betweenCommands{do: func() { upgrade(t, other, table) }})
	if got := eventsSeen(t, store, table, "key", 100); got[0] != 1 {
		t.Errorf("the row of %d is seen, want 1", got[0])
	}
}

// Look-ups see each row while it is moved, and an upgrade that was interrupted goes on.
func TestRowsAreSeenWhileTheyAreMoved(t *testing.T) {
	server := redistest.Start(t)
	store, keys := open(t, server.URL), client(t, server)
	_, want := upgrading(t, keys)
	delete(want, "damaged")
	entities := slices.Collect(maps.Keys(want))
	stop, failed := make(chan struct{}), make(chan error, 1)
	go func() {
		defer close(failed)
		other, err := redis.Open(t.Context(), server.URL)
		if err != nil {
			failed <- err
			return
		}
		defer other.Close()
		for i := 0; ; i++ {
			entity := entities[i%len(entities)]
			got, err := read(t.Context(), other, entity)
			if err == nil && !bytes.Equal(got, want[entity]) {
				err = fmt.Errorf("%q is %x, want %x", entity, got, want[entity])
			}
			if err != nil {
				failed <- err
				return
			}
			select {
			case <-stop:
				return
			default:
			}
		}
	}()
	for range 3 {
		ctx, cancel := context.WithCancel(t.Context())
		_, err := store.Upgrade(ctx, table.Project, []online.Table{table}, func(int64) { cancel() })
		if !errors.Is(err, context.Canceled) {
			t.Errorf("an interrupted upgrade ends with %v", err)
		}
	}
	upgrade(t, store, table)
	close(stop)
	if err := <-failed; err != nil {
		t.Error(err)
	}
	expectStored(t, store, want)
}

// An older version that goes on after an upgrade is refused: it finds hashes where it has marks.
func TestAnOlderVersionIsRefusedOnceATableIsUpgraded(t *testing.T) {
	server := redistest.Start(t)
	store, keys := open(t, server.URL), client(t, server)
	upgrading(t, keys)
	upgrade(t, store, table)
	mark := redis.OlderKey(table, "\x00\x01")
	if err := keys.GetRange(t.Context(), mark, 0, 0).Err(); !goredis.HasErrorPrefix(err, "WRONGTYPE") {
		t.Errorf("an older version finds %v under the key of its mark", err)
	}
	if marks, err := online.ReadMarks(t.Context(), store, table); err != nil || marks[0].Birth != 0x1122 {
		t.Errorf("the marks are %+v, %v", marks, err)
	}
	// The way back: once the view is torn down, an older version begins anew.
	if _, err := store.Remove(t.Context(), table.Project, table.View); err != nil {
		t.Fatal(err)
	}
	if err := keys.GetRange(t.Context(), mark, 0, 0).Err(); err != nil {
		t.Errorf("after a teardown an older version finds %v", err)
	}
}

// An older version that writes to a table of today is found out by the next mark.
func TestMarksOfAnOlderVersionBesideThoseOfTodayAreRefused(t *testing.T) {
	server := redistest.Start(t)
	store, keys := open(t, server.URL), client(t, server)
	if has, err := store.HasOlder(t.Context(), table.Project); err != nil || has {
		t.Fatalf("an empty server has older rows: %t, %v", has, err)
	}
	writeOld(t, keys, table, "\x00\x02", oldValue(1, ""), 0)
	err := online.WriteProgress(t.Context(), store, table, 2, 1)
	var refused *fault.RefusedError
	if !errors.As(err, &refused) || !strings.Contains(refused.Advice, "an older version of plumb has written") {
		t.Errorf("error is %v", err)
	}
	// The advice helps, also for what the older version has written besides.
	writeOld(t, keys, table, "key", oldValue(1, ""), 0)
	if report := upgrade(t, store, table); report.Moved != 1 {
		t.Errorf("the upgrade reports %+v", report)
	}
	if err := online.WriteProgress(t.Context(), store, table, 3, 1); err != nil {
		t.Errorf("after the upgrade: %v", err)
	}
	if got := eventsSeen(t, store, table, "key", 100); got[0] != 1 {
		t.Errorf("after the upgrade the row of %d is seen, want 1", got[0])
	}
}

// A row that an older version changes while it is moved stays, and the table counts as not upgraded.
func TestARowThatChangesWhileItIsMovedStays(t *testing.T) {
	server := redistest.Start(t)
	store, keys := open(t, server.URL), client(t, server)
	writeOld(t, keys, table, "key", oldValue(1, ""), 0)
	redis.AddHook(store, &beforeRemoval{do: func() { writeOld(t, keys, table, "key", oldValue(2, ""), 0) }})
	report, err := store.Upgrade(t.Context(), table.Project, []online.Table{table}, func(int64) {})
	if err != nil || report != (online.UpgradeReport{Unmoved: 1}) {
		t.Errorf("the report is %+v, %v", report, err)
	}
	if got := eventsSeen(t, store, table, "key", 100); got[0] != 2 {
		t.Errorf("the row of %d is seen, want the one that was changed", got[0])
	}
	if report := upgrade(t, store, table); report.Moved != 1 {
		t.Errorf("a second upgrade reports %+v", report)
	}
}

// hooks are those that a test does not use.
type hooks struct{}

func (hooks) DialHook(next goredis.DialHook) goredis.DialHook { return next }

func (hooks) ProcessHook(next goredis.ProcessHook) goredis.ProcessHook { return next }

// beforeRemoval does something once before the first pipeline of scripts, which is the removal of what was moved.
type beforeRemoval struct {
	hooks

	do func()
}

func (b *beforeRemoval) ProcessPipelineHook(next goredis.ProcessPipelineHook) goredis.ProcessPipelineHook {
	return func(ctx context.Context, commands []goredis.Cmder) error {
		if commands[0].Name() == "eval" && b.do != nil {
			b.do()
			b.do = nil
		}
		return next(ctx, commands)
	}
}

// betweenCommands does something after the first command of the first read.
type betweenCommands struct {
	hooks

	do func()
}

func (b *betweenCommands) ProcessPipelineHook(next goredis.ProcessPipelineHook) goredis.ProcessPipelineHook {
	return func(ctx context.Context, commands []goredis.Cmder) error {
		if name := commands[0].Name(); b.do == nil || name != "mget" && name != "hget" {
			return next(ctx, commands)
		}
		do := b.do
		b.do = nil
		err := next(ctx, commands[:1])
		do()
		return errors.Join(err, next(ctx, commands[1:]))
	}
}
