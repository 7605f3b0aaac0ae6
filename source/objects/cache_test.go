package objects_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/plumbstore/plumb/source/objects"
	"github.com/plumbstore/plumb/source/objects/objectstest"
)

func newCachedWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.cache = t.TempDir()
	return w
}

// closed closes a reading, as an operation does at its end.
func closed(t *testing.T, reading *objects.Reading) {
	t.Helper()
	if err := reading.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestWhatWasFetchedIsInTheCacheForTheNextOperation(t *testing.T) {
	w := newCachedWorld(t)
	made := content(1 << 20)
	w.server.Put(t, "a.bin", made)
	first := w.begin(t)
	if err := fetch(t.Context(), w.open(t, first, "a.bin"), objects.Range{Start: 0, End: 1000}); err != nil {
		t.Fatal(err)
	}
	closed(t, first)
	w.proxy.Reset()
	file := w.open(t, w.begin(t), "a.bin")
	if err := fetch(t.Context(), file, objects.Range{Start: 10, End: 1000}); err != nil {
		t.Fatal(err)
	}
	if _, ranges, _ := w.proxy.Counted(); ranges != 0 {
		t.Errorf("%d requests for what is in the cache", ranges)
	}
	if err := fetch(t.Context(), file, objects.Range{Start: 500, End: 2000}); err != nil {
		t.Fatal(err)
	}
	if _, _, fetched := w.proxy.Counted(); fetched != 1000 {
		t.Errorf("%d bytes were fetched where 1000 were missing", fetched)
	}
	checkHas(t, file, made, objects.Range{Start: 0, End: 2000})
	// Another version is another entry, whatever the cache has of the one before.
	other := content(1 << 20)
	copy(other, "other")
	w.server.Put(t, "a.bin", other)
	file = w.open(t, w.begin(t), "a.bin")
	if err := fetch(t.Context(), file, objects.Range{Start: 0, End: 10}); err != nil {
		t.Fatal(err)
	}
	checkHas(t, file, other, objects.Range{Start: 0, End: 10})
}

func TestACacheThatOthersMayWriteIsRefused(t *testing.T) {
	w := newCachedWorld(t)
	w.server.Put(t, "a.bin", content(10))
	folder := filepath.Join(w.cache, "objects-1")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(folder, 0o777); err != nil {
		t.Fatal(err)
	}
	_, err := w.begin(t).Open(objects.Object{Location: objects.Location{Bucket: "lake", Key: "a.bin"},
		Size: 10, ETag: "e"})
	checkMistake(t, err, "offline.cache_dir: "+folder+" is not a folder of this user that no other may write; name "+
		"another, or change its owner and mode")
}

// entries are the folders of the cache's entries.
func (w *world) entries(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(w.cache, "objects-1", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestADamagedEntryIsFetchedAgainAndNotBelieved(t *testing.T) {
	for name, damage := range map[string]func(t *testing.T, entry string){
		"a record that was cut": func(t *testing.T, entry string) {
			change(t, entry+"/extents", func(b []byte) []byte { return b[:30] })
		},
		"a record of other bytes": func(t *testing.T, entry string) {
			change(t, entry+"/extents", func(b []byte) []byte { b[8] ^= 0xff; return b })
		},
		"a length beyond the end": func(t *testing.T, entry string) {
			change(t, entry+"/extents", func(b []byte) []byte { b[14] = 0xff; return b })
		},
		"no data": func(t *testing.T, entry string) {
			if err := os.RemoveAll(entry + "/o"); err != nil {
				t.Fatal(err)
			}
		},
		"data that was cut": func(t *testing.T, entry string) {
			if err := os.Truncate(entry+"/o/lake/a.bin", 100); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newCachedWorld(t)
			made := content(100_000)
			w.server.Put(t, "a.bin", made)
			reading := w.begin(t)
			for _, start := range []int64{0, 50_000} {
				err := fetch(t.Context(), w.open(t, reading, "a.bin"), objects.Range{Start: start, End: start + 1000})
				if err != nil {
					t.Fatal(err)
				}
			}
			closed(t, reading)
			damage(t, w.entries(t)[0])
			file := w.open(t, w.begin(t), "a.bin")
			both := []objects.Range{{Start: 0, End: 1000}, {Start: 50_000, End: 51_000}}
			if err := fetch(t.Context(), file, both...); err != nil {
				t.Fatal(err)
			}
			checkHas(t, file, made, both...)
		})
	}
}

func change(t *testing.T, path string, how func([]byte) []byte) {
	t.Helper()
	was, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, how(was), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestTheLeastRecentlyUsedEntryGoesFirstAndNoneThatIsInUse(t *testing.T) {
	w := newCachedWorld(t)
	const size = 1 << 20
	w.limit = 2*size + size/2
	keys := []string{"a.bin", "b.bin", "c.bin"}
	for _, key := range keys {
		w.server.Put(t, key, content(size))
	}
	inUse := w.begin(t)
	held := w.open(t, inUse, "a.bin")
	whole := objects.Range{Start: 0, End: size}
	for _, key := range keys {
		reading := w.begin(t)
		if err := fetch(t.Context(), w.open(t, reading, key), whole); err != nil {
			t.Fatal(err)
		}
		closed(t, reading)
	}
	if has := w.has(t); !has["a.bin"] || has["b.bin"] || !has["c.bin"] {
		t.Errorf("%v are in the cache; a.bin is in use, and b.bin was used before c.bin", has)
	}
	if err := fetch(t.Context(), held, whole); err != nil {
		t.Fatal(err)
	}
	checkHas(t, held, content(size), whole)
	w.limit = 1
	closed(t, inUse)
	reading := w.begin(t)
	w.open(t, reading, "b.bin")
	closed(t, reading)
	// What was opened last has nothing in it, and takes no room.
	if has := w.has(t); len(has) != 1 || !has["b.bin"] {
		t.Errorf("%v are in a cache of one byte", has)
	}
}

// parquetLike is content that ends like a Parquet file with a footer of so many bytes.
func parquetLike(size, footer int) []byte {
	made := content(size)
	binary.LittleEndian.PutUint32(made[size-8:], uint32(footer))
	copy(made[size-4:], "PAR1")
	return made
}

func TestFootersStayInTheCacheLongerThanAllOtherBytes(t *testing.T) {
	w := newCachedWorld(t)
	const size, footer = 1 << 20, 100_000
	made := parquetLike(size, footer)
	for _, key := range []string{"a.parquet", "b.parquet"} {
		w.server.Put(t, key, made)
	}
	w.server.Put(t, "c.csv", content(size))
	fill := func(keys ...string) {
		t.Helper()
		for _, key := range keys {
			reading := w.begin(t)
			if err := w.open(t, reading, key).EnsureAll(t.Context()); err != nil {
				t.Fatal(err)
			}
			closed(t, reading)
		}
	}
	missing := func(key string) (footer, all int64) {
		t.Helper()
		reading := w.begin(t)
		defer closed(t, reading)
		file := w.open(t, reading, key)
		w.proxy.Reset()
		if err := file.EnsureFooter(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, _, footer = w.proxy.Counted()
		if err := file.EnsureAll(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, _, all = w.proxy.Counted()
		checkHas(t, file, w.server.Get(t, key), objects.Range{Start: 0, End: size})
		return footer, all
	}
	fill("a.parquet", "b.parquet", "c.csv")
	w.limit = size / 2
	closed(t, w.begin(t)) // Nothing was opened, and nothing is made room for.
	fill("a.parquet")
	if has := w.has(t); !has["a.parquet"] || !has["b.parquet"] || has["c.csv"] {
		t.Errorf("%v are in the cache, and should be what has a footer", has)
	}
	for _, key := range []string{"b.parquet", "a.parquet"} {
		if footers, all := missing(key); footers != 0 || all != size-footer-8 {
			t.Errorf("of %s %d bytes of the footer were fetched, and %d of all", key, footers, all)
		}
	}
	// If footers alone take more than the limit, they go too, those that were used longest ago first.
	w.limit = footer + footer/2
	fill("b.parquet", "a.parquet")
	if has := w.has(t); !has["a.parquet"] || has["b.parquet"] {
		t.Errorf("%v are in the cache", has)
	}
}

func TestAnEntryWhoseFooterIsNotThereIsRemovedAsAWhole(t *testing.T) {
	w := newCachedWorld(t)
	w.server.Put(t, "a.parquet", parquetLike(1<<20, 300_000))
	w.limit = 1 << 19
	reading := w.begin(t)
	// The end is there, and a part of the footer.
	if err := fetch(t.Context(), w.open(t, reading, "a.parquet"), objects.Range{Start: 0, End: 500_000},
		objects.Range{Start: 800_000, End: 1 << 20}); err != nil {
		t.Fatal(err)
	}
	closed(t, reading)
	if has := w.has(t); len(has) > 0 {
		t.Errorf("%v are in the cache", has)
	}
}

// has are the names of the objects in the cache.
func (w *world) has(t *testing.T) map[string]bool {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(w.cache, "objects-1", "*", "o", "lake", "*"))
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, path := range found {
		names[filepath.Base(path)] = true
	}
	return names
}

func TestOperationsShareAnEntryAtTheSameTime(t *testing.T) {
	w := newCachedWorld(t)
	made := content(1 << 20)
	w.server.Put(t, "a.bin", made)
	var group errgroup.Group
	const parts, length = 16, 1 << 16
	for part := range int64(parts) {
		file := w.open(t, w.begin(t), "a.bin")
		group.Go(func() error {
			return fetch(t.Context(), file, objects.Range{Start: part * length, End: (part + 1) * length})
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	w.proxy.Reset()
	file := w.open(t, w.begin(t), "a.bin")
	if err := file.EnsureAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, ranges, _ := w.proxy.Counted(); ranges != 0 {
		t.Errorf("%d requests for what others have fetched", ranges)
	}
	checkHas(t, file, made, objects.Range{Start: 0, End: int64(len(made))})
}

// killed says to this test's own binary that it is the process that is killed.
const killed = "PLUMB_TEST_KILLED"

func TestAProcessThatIsKilledLeavesNoHoleThatIsBelieved(t *testing.T) {
	if os.Getenv(killed) != "" {
		fetchUntilKilled(t)
	}
	w := newCachedWorld(t)
	made := content(4 << 20)
	w.server.Put(t, "a.bin", made)
	for _, after := range []int64{1, 2, 5, 9, 17} {
		var ranges atomic.Int64
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^"+t.Name()+"$")
		child.Env = append(os.Environ(), killed+"="+w.proxy.Endpoint, "PLUMB_TEST_CACHE="+w.cache)
		started := make(chan *os.Process, 1)
		w.proxy.Do(func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
			if r.Header.Get("Range") != "" && ranges.Add(1) == after {
				next.ServeHTTP(&dying{rw, started, 3}, r)
				return
			}
			next.ServeHTTP(rw, r)
		})
		var output bytes.Buffer
		child.Stdout, child.Stderr = &output, &output
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		started <- child.Process
		if err := child.Wait(); err == nil || child.ProcessState.ExitCode() != -1 {
			t.Fatalf("the process ended by itself: %v\n%s", err, &output)
		}
		w.proxy.Do(nil)
		file := w.open(t, w.begin(t), "a.bin")
		got, err := os.ReadFile(file.Path())
		if err != nil {
			t.Fatal(err)
		}
		w.proxy.Reset()
		if err := file.EnsureAll(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, _, fetched := w.proxy.Counted()
		t.Logf("killed in request %d: %d bytes were fetched again, %d were there", after, fetched,
			len(got)-bytes.Count(got, []byte{0}))
		checkHas(t, file, made, objects.Range{Start: 0, End: int64(len(made))})
		for _, entry := range w.entries(t) {
			if err := os.RemoveAll(entry); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// dying kills a process after some pieces of a body have passed.
type dying struct {
	http.ResponseWriter
	started chan *os.Process
	left    int
}

func (d *dying) Write(content []byte) (int, error) {
	if d.left--; d.left == 0 {
		_ = (<-d.started).Kill()
	}
	return d.ResponseWriter.Write(content)
}

// fetchUntilKilled fetches one part after the other.
func fetchUntilKilled(t *testing.T) {
	server := &objectstest.Server{Bucket: "lake"}
	config := server.Config(os.Getenv(killed))
	config.CacheDir, config.CacheLimit = os.Getenv("PLUMB_TEST_CACHE"), 1<<30
	store, err := objects.New(config)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{server: server}
	reading := store.Begin(nil)
	for file, start := w.open(t, reading, "a.bin"), int64(0); start < file.Size; start += 200_000 {
		if err := fetch(t.Context(), file, objects.Range{Start: start, End: start + 200_000}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(0)
}
