package reread_test

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/plumbstore/plumb/internal/reread"
)

// world is a file, a clock, and what is logged.
type world struct {
	t    *testing.T
	path string
	time time.Time
	log  bytes.Buffer
}

func newWorld(t *testing.T, text string) *world {
	w := &world{t: t, path: filepath.Join(t.TempDir(), "file"), time: time.Unix(1_700_000_000, 0)}
	w.write(text)
	return w
}

func (w *world) write(text string) {
	w.t.Helper()
	if err := os.WriteFile(w.path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) open() (*reread.Files[string], error) {
	build := func(contents [][]byte) (string, error) {
		if strings.HasPrefix(string(contents[0]), "bad") {
			return "", errors.New(string(contents[0]))
		}
		return string(contents[0]), nil
	}
	return reread.Open([]string{w.path}, build, func() time.Time { return w.time },
		slog.New(slog.NewTextHandler(&w.log, nil)))
}

func TestAChangeIsSeenWithinTheInterval(t *testing.T) {
	w := newWorld(t, "one")
	files, err := w.open()
	if err != nil || files.Current() != "one" {
		t.Fatalf("want one, got %v, %v", files, err)
	}
	w.write("two")
	if got := files.Current(); got != "one" {
		t.Errorf("the files were looked at again within the interval: %s", got)
	}
	w.time = w.time.Add(reread.Interval)
	if got := files.Current(); got != "two" {
		t.Errorf("after the interval it is still %s", got)
	}
}

func TestAnUnusableChangeLeavesTheLastValueAndIsLoggedOnce(t *testing.T) {
	for name, spoil := range map[string]func(*world){
		"no value": func(w *world) { w.write("bad text") },
		"no file": func(w *world) {
			if err := os.Remove(w.path); err != nil {
				w.t.Fatal(err)
			}
		},
	} {
		w := newWorld(t, "one")
		files, err := w.open()
		if err != nil {
			t.Fatal(err)
		}
		spoil(w)
		for range 3 {
			w.time = w.time.Add(reread.Interval)
			if got := files.Current(); got != "one" {
				t.Errorf("%s: want the last value, got %s", name, got)
			}
		}
		if got := strings.Count(w.log.String(), "cannot be used"); got != 1 {
			t.Errorf("%s: logged %d times:\n%s", name, got, &w.log)
		}
		w.write("three")
		w.time = w.time.Add(reread.Interval)
		if got := files.Current(); got != "three" {
			t.Errorf("%s: mended, it is still %s", name, got)
		}
	}
}

func TestTheFirstReadingHasToSucceed(t *testing.T) {
	w := newWorld(t, "bad from the start")
	if _, err := w.open(); err == nil || err.Error() != "bad from the start" {
		t.Errorf("want the error of build, got %v", err)
	}
	w.path += ".none"
	if _, err := w.open(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("want that there is no file, got %v", err)
	}
}
