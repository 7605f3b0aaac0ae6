package redis_test

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/redistest"
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/redis"
)

const directory = "{test:\x00\x03}"

// The bytes are durable: what some version has written under a field stays under it.
func TestTheFieldsOfTablesArePinned(t *testing.T) {
	for _, c := range []struct {
		table online.Table
		field string
	}{
		{online.Table{View: "view", Generation: 1}, "5f8338bf"},
		{online.Table{View: "a view@}", Generation: -12}, "82b03bca"},
	} {
		if got := fmt.Sprintf("%x", redis.FieldOf(c.table)); got != c.field {
			t.Errorf("%+v has the field %s, want %s", c.table, got, c.field)
		}
	}
}

// colliding are two tables with the same field.
func colliding(t *testing.T) (a, b online.Table) {
	t.Helper()
	seen := map[string]online.Table{}
	for i := range 1 << 20 {
		table := online.Table{Project: "test", View: fmt.Sprint("view", i), Generation: 1}
		field := redis.FieldOf(table)
		if before, ok := seen[field]; ok {
			return before, table
		}
		seen[field] = table
	}
	t.Fatal("no two of a million tables have the same field")
	return a, b
}

func TestR16_ATableWithTheFieldOfAnotherIsRefused(t *testing.T) {
	server := redistest.Start(t)
	a, b := colliding(t)
	store := open(t, server.URL)
	if _, err := store.Write(t.Context(), a, []online.Row{versionedRow("key", 1)}); err != nil {
		t.Fatal(err)
	}
	for _, each := range []*redis.Store{store, open(t, server.URL)} {
		_, readErr := each.Read(t.Context(), []online.Get{{Table: b, Key: []byte("key")}})
		_, writeErr := each.Write(t.Context(), b, []online.Row{versionedRow("key", 2)})
		for did, err := range map[string]error{"read": readErr, "write": writeErr} {
			var refused *fault.RefusedError
			if !errors.As(err, &refused) || !strings.Contains(refused.Advice, a.View) ||
				!strings.Contains(refused.Advice, "rename one of them") {
				t.Errorf("a %s gives %v", did, err)
			}
		}
	}
	if _, err := store.Remove(t.Context(), "test", a.View); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, server.URL).Write(t.Context(), b, []online.Row{versionedRow("key", 1)}); err != nil {
		t.Errorf("once the other is removed: %v", err)
	}
}

// A server that evicts keys may evict the directory. Rows are read all the same, and the next write brings it back.
func TestADirectoryThatIsLostIsWrittenAgain(t *testing.T) {
	server := redistest.Start(t)
	keys := client(t, server)
	row := versionedRow("key", 1)
	if _, err := open(t, server.URL).Write(t.Context(), table, []online.Row{row}); err != nil {
		t.Fatal(err)
	}
	if err := keys.Del(t.Context(), directory).Err(); err != nil {
		t.Fatal(err)
	}
	store := open(t, server.URL)
	expectRows(t, store, []online.Get{{Table: table, Key: row.Key}}, []online.Row{row})
	held, err := store.Survey(t.Context(), table.Project)
	if err != nil || len(held) != 1 || held[0].Rows != 1 || held[0].View != "" {
		t.Errorf("without a directory the server holds %+v, %v", held, err)
	}
	if _, err := store.Write(t.Context(), table, []online.Row{row}); err != nil {
		t.Fatal(err)
	}
	held, err = store.Survey(t.Context(), table.Project)
	if err != nil || len(held) != 1 || held[0].Rows != 1 || held[0].View != table.View {
		t.Errorf("with it again the server holds %+v, %v", held, err)
	}
}

func TestADirectoryOfALaterVersionIsRefused(t *testing.T) {
	server := redistest.Start(t)
	field := redis.FieldOf(table)
	if err := client(t, server).HSet(t.Context(), directory, field, "3view@1").Err(); err != nil {
		t.Fatal(err)
	}
	_, err := read(t.Context(), open(t, server.URL), "key")
	if !errors.Is(err, fault.ErrNewer) {
		t.Errorf("error is %v, want ErrNewer", err)
	}
}

// A server whose memory is full evicts rows, with whatever else it likes. What is left is read as it was written.
func TestRowsThatAreEvictedAreNotThereAndOthersAreWhole(t *testing.T) {
	server := redistest.StartWith(t, redistest.Config{Args: []string{"--maxmemory-policy", "allkeys-random"}})
	store, keys := open(t, server.URL), client(t, server)
	rows, gets := numbered(5000, 1)
	if _, err := store.Write(t.Context(), table, rows); err != nil {
		t.Fatal(err)
	}
	info, err := keys.InfoMap(t.Context(), "memory").Result()
	if err != nil {
		t.Fatal(err)
	}
	used, err := strconv.ParseInt(info["Memory"]["used_memory"], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	// A third of what the rows take has to go.
	const third = 5000 * 50
	if err := keys.ConfigSet(t.Context(), "maxmemory", fmt.Sprint(used-third)).Err(); err != nil {
		t.Fatal(err)
	}
	more, _ := numbered(2000, 2)
	if _, err := store.Write(t.Context(), table, more); err != nil {
		t.Fatal(err)
	}
	values, err := open(t, server.URL).Read(t.Context(), gets)
	if err != nil {
		t.Fatal(err)
	}
	there := 0
	for i, value := range values {
		known := value == nil || slices.Equal(value, rows[i].Value) || i < len(more) && slices.Equal(value, more[i].Value)
		if !known {
			t.Errorf("row %d is %x", i, value)
		}
		if value != nil {
			there++
		}
	}
	if there == 0 || there == len(rows) {
		t.Errorf("%d of %d rows are left", there, len(rows))
	}
}

// A field that holds no row is an error of its own look-up, and the next row replaces it.
func TestAFieldThatIsNoRowIsReplaced(t *testing.T) {
	server := redistest.Start(t)
	store, keys := open(t, server.URL), client(t, server)
	for _, garbage := range []string{"", "x", strings.Repeat("\xff", 30),
		"\x80\x00\x00\x00\x00\x00\x00\x00\x00\x01\x20\xff"} {
		if err := keys.HSet(t.Context(), "{test:key}", redis.FieldOf(table), garbage).Err(); err != nil {
			t.Fatal(err)
		}
		if value, err := read(t.Context(), store, "key"); err != nil || string(value) != garbage {
			t.Errorf("%x is read as %x, %v", garbage, value, err)
		}
		// Of a time after any that the bytes may stand for.
		row := versionedRow("key", 1<<62)
		if report, err := store.Write(t.Context(), table, []online.Row{row}); err != nil {
			t.Errorf("over %x a write gives %+v, %v", garbage, report, err)
		}
	}
}
