package objects_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/plumbstore/plumb/source/objects"
)

func TestBucketsOfGoogleAreAtGoogleUnlessAnotherServerIsNamed(t *testing.T) {
	for path, want := range map[string][2]string{
		"gs://lake/a": {"https://storage.googleapis.com", "https://own.example.com"},
		"s3://lake/a": {"https://s3.amazonaws.com", "https://own.example.com"},
	} {
		at, err := objects.Parse(path)
		if err != nil || at.String() != path {
			t.Fatalf("%s is %s, %v", path, at, err)
		}
		for i, endpoint := range []string{"", "https://own.example.com"} {
			store, err := objects.New(objects.Config{Endpoint: endpoint})
			if err != nil || store.EndpointOf(at) != want[i] {
				t.Errorf("%s is at %s, %v", path, store.EndpointOf(at), err)
			}
		}
	}
}

func TestObjectsOfGoogleKeepTheirNames(t *testing.T) {
	w := newWorld(t)
	w.cache = t.TempDir()
	made := content(1000)
	path := filepath.Join(t.TempDir(), "a.bin")
	if err := os.WriteFile(path, made, 0o600); err != nil {
		t.Fatal(err)
	}
	at := objects.Location{Bucket: "lake", Key: "sets/a.bin", Google: true}
	if err := w.store(t).Upload(t.Context(), path, at); err != nil {
		t.Fatal(err)
	}
	reading := w.begin(t)
	found, err := reading.List(t.Context(), objects.Location{Bucket: "lake", Key: "sets/", Google: true})
	if err != nil || len(found) != 1 || found[0].Location != at {
		t.Fatalf("there is %v, %v", found, err)
	}
	file, err := reading.Open(found[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := file.EnsureAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(file.Path()); err != nil || !bytes.Equal(got, made) {
		t.Errorf("it has %d bytes, %v", len(got), err)
	}
	if got := reading.Named("row 3 of " + file.Path() + ": no"); got != "row 3 of gs://lake/sets/a.bin: no" {
		t.Errorf("it says %s", got)
	}
	folder := t.TempDir()
	for _, each := range []objects.Location{at, {Bucket: "lake", Key: "sets/a.bin"}} {
		local := filepath.Join(folder, each.Local())
		if got := objects.Named("in "+local, folder); got != "in "+each.String() {
			t.Errorf("it says %s", got)
		}
	}
	// Evicting finds it too.
	w.limit = 1
	closed(t, reading)
	closed(t, openedAndClosed(t, w))
	left, err := filepath.Glob(filepath.Join(w.cache, "objects-1", "*", "o", "gs:", "lake", "sets", "*"))
	if len(left) > 0 {
		t.Errorf("%v is left in a cache of one byte, %v", left, err)
	}
}

// openedAndClosed is an operation that has another object in the cache.
func openedAndClosed(t *testing.T, w *world) *objects.Reading {
	t.Helper()
	w.server.Put(t, "b.bin", content(10))
	reading := w.begin(t)
	w.open(t, reading, "b.bin")
	return reading
}
