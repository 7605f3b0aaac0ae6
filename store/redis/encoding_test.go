package redis_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/plumbstore/plumb/internal/redistest"
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/online/onlinetest"
)

// writeEntities writes a row of 92 bytes for each of 500 entities in each of 5 views.
func writeEntities(t *testing.T, store online.Store) {
	t.Helper()
	for _, view := range []string{"a", "b", "c", "d", "e"} {
		rows, _ := numbered(500, 1)
		for i := range rows {
			rows[i].Value = onlinetest.Value(1, 1, strings.Repeat("x", 81))
		}
		if _, err := store.Write(t.Context(), online.Table{Project: "test", View: view, Generation: 1}, rows); err != nil {
			t.Fatal(err)
		}
	}
}

// What is said of the settings holds: with them every hash is a listpack, and takes about what was foretold.
func TestTheAdviceAboutStorageHolds(t *testing.T) {
	server := redistest.Start(t)
	store, keys := open(t, server.URL), client(t, server)
	if before, err := store.Storage(t.Context(), "test"); err != nil || before.Entities != 0 {
		t.Errorf("an empty server is described as %+v, %v", before, err)
	}
	writeEntities(t, store)
	advised, err := store.Storage(t.Context(), "test")
	if err != nil || advised.Entities != 500 || advised.Compact != 0 ||
		!slices.Equal(advised.Settings, []string{"hash-max-listpack-value 128"}) {
		t.Fatalf("the advice is %+v, %v", advised, err)
	}
	name, value, _ := strings.Cut(advised.Settings[0], " ")
	if err := keys.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	if err := keys.ConfigSet(t.Context(), name, value).Err(); err != nil {
		t.Fatal(err)
	}
	writeEntities(t, open(t, server.URL))
	var bytes int64
	scan := keys.Scan(t.Context(), 0, "{test:key*", 1000).Iterator()
	for scan.Next(t.Context()) {
		used, err := keys.MemoryUsage(t.Context(), scan.Val()).Result()
		if err != nil {
			t.Fatal(err)
		}
		bytes += used
	}
	if err := scan.Err(); err != nil || bytes < advised.CompactBytes*9/10 || bytes > advised.CompactBytes*11/10 {
		t.Errorf("the rows take %d bytes, %v, and %d were foretold", bytes, err, advised.CompactBytes)
	}
	after, err := store.Storage(t.Context(), "test")
	if err != nil || after.Entities != 500 || after.Compact != 500 || after.Settings != nil {
		t.Errorf("with the setting the advice is %+v, %v", after, err)
	}
}

// A listpack is searched from its beginning, which costs more with many fields than the memory is worth.
func TestTheAdviceAboutManyRowsHolds(t *testing.T) {
	server := redistest.Start(t)
	store, keys := open(t, server.URL), client(t, server)
	rows, _ := numbered(1, 1)
	write := func() online.Storage {
		t.Helper()
		for view := range 70 {
			table := online.Table{Project: "test", View: fmt.Sprint("view", view), Generation: 1}
			if _, err := store.Write(t.Context(), table, rows); err != nil {
				t.Fatal(err)
			}
		}
		found, err := store.Storage(t.Context(), "test")
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	advised := write()
	if advised.Searched != 1 || !slices.Equal(advised.Settings, []string{"hash-max-listpack-entries 64"}) {
		t.Fatalf("the advice is %+v", advised)
	}
	name, value, _ := strings.Cut(advised.Settings[0], " ")
	if err := errors.Join(keys.FlushAll(t.Context()).Err(), keys.ConfigSet(t.Context(), name, value).Err()); err != nil {
		t.Fatal(err)
	}
	store = open(t, server.URL)
	if after := write(); after.Entities != 1 || after.Searched != 0 || after.Settings != nil {
		t.Errorf("with the setting the advice is %+v", after)
	}
}
