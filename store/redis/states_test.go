package redis_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/redistest"
	"github.com/plumbstore/plumb/store/online"
)

// refusedWith checks that a server's refusal reaches the caller with its advice.
func refusedWith(t *testing.T, err error, advice string, unavailable bool) {
	t.Helper()
	var refused *fault.RefusedError
	if !errors.As(err, &refused) || !strings.Contains(refused.Advice, advice) {
		t.Errorf("error is %v, want a refusal with the advice %q", err, advice)
	}
	if errors.Is(err, fault.ErrUnavailable) != unavailable {
		t.Errorf("error %v: unavailable is %t", err, !unavailable)
	}
}

func TestAServerThatCannotSaveTakesNoRowsAndSaysWhy(t *testing.T) {
	server := redistest.StartWith(t, redistest.Config{Args: []string{"--save", "3600 1"}})
	store, raw := open(t, server.URL), client(t, server)
	if _, err := store.Write(t.Context(), table, []online.Row{versionedRow("key", 1)}); err != nil {
		t.Fatal(err)
	}
	folder, err := raw.ConfigGet(t.Context(), "dir").Result()
	if err != nil {
		t.Fatal(err)
	}
	// A folder is in the place of the file.
	if err := os.Mkdir(filepath.Join(folder["dir"], "dump.rdb"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := raw.BgSave(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	redistest.Await(t, "the server has failed to save", func(ctx context.Context) (bool, any) {
		info, err := raw.Info(ctx, "persistence").Result()
		return err == nil && strings.Contains(info, "rdb_last_bgsave_status:err"), info
	})
	_, err = store.Write(t.Context(), table, []online.Row{versionedRow("key", 2)})
	refusedWith(t, err, "it cannot save to disk", false)
	if value, err := read(t.Context(), store, "key"); err != nil || value == nil {
		t.Errorf("a look-up gives %x and %v", value, err)
	}
}

func TestAServerThatLoadsIsUnavailableUntilItHasLoaded(t *testing.T) {
	server := redistest.StartWith(t, redistest.Config{Args: []string{"--enable-debug-command", "yes",
		"--loading-process-events-interval-bytes", "1024"}})
	store, raw := open(t, server.URL), client(t, server)
	var rows []online.Row
	for i := range 500 {
		row := versionedRow("key", 1)
		row.Key = append(row.Key, byte(i), byte(i>>8))
		rows = append(rows, row)
	}
	if _, err := store.Write(t.Context(), table, rows); err != nil {
		t.Fatal(err)
	}
	if err := raw.ConfigSet(t.Context(), "key-load-delay", "4000").Err(); err != nil {
		t.Fatal(err)
	}
	loaded := make(chan error, 1)
	go func() { loaded <- raw.Do(context.WithoutCancel(t.Context()), "DEBUG", "RELOAD").Err() }()
	redistest.Await(t, "the server loads", func(ctx context.Context) (bool, any) {
		_, err := read(ctx, store, "key")
		if err != nil {
			refusedWith(t, err, "it is still loading its data", true)
		}
		return err != nil, err
	})
	if err := raw.ConfigSet(t.Context(), "key-load-delay", "0").Err(); err != nil {
		t.Fatal(err)
	}
	if err := <-loaded; err != nil {
		t.Fatal(err)
	}
	stored, err := store.Read(t.Context(), []online.Get{{Table: table, Key: rows[7].Key}})
	if err != nil || stored[0] == nil {
		t.Errorf("a look-up afterwards gives %x and %v", stored, err)
	}
}

func TestAServerThatAScriptKeepsBusyIsUnavailable(t *testing.T) {
	server := redistest.StartWith(t, redistest.Config{Args: []string{"--busy-reply-threshold", "10"}})
	online, raw := open(t, server.URL), client(t, server)
	go raw.Eval(context.WithoutCancel(t.Context()), "while true do end", nil)
	defer raw.ScriptKill(context.WithoutCancel(t.Context()))
	redistest.Await(t, "the server is busy", func(ctx context.Context) (bool, any) {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		_, err := read(ctx, online, "key")
		if err != nil {
			refusedWith(t, err, "a script keeps it busy", true)
		}
		return err != nil, err
	})
}
