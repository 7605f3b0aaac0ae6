package objects_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/source/objects"
	"github.com/plumbstore/plumb/source/objects/objectstest"
)

var out = objects.Location{Bucket: "lake", Key: "sets/out.parquet"}

// outgoing writes a file of three parts.
func outgoing(t *testing.T) (path string, made []byte) {
	t.Helper()
	made = content(11 << 20)
	path = filepath.Join(t.TempDir(), "out.parquet")
	if err := os.WriteFile(path, made, 0o600); err != nil {
		t.Fatal(err)
	}
	return path, made
}

func (w *world) store(t *testing.T) *objects.Store {
	t.Helper()
	store, err := objects.New(w.server.Config(w.proxy.Endpoint))
	if err != nil {
		t.Fatal(err)
	}
	store.PartsOf(5 << 20)
	return store
}

// checkOut compares the object, and says whether an upload is left.
func (w *world) checkOut(t *testing.T, want []byte) {
	t.Helper()
	w.proxy.Do(nil)
	if got := w.server.Get(t, out.Key); !bytes.Equal(got, want) {
		t.Errorf("the object has %d bytes, not the %d that it should have", len(got), len(want))
	}
	if left := w.server.Uploads(t); left != nil {
		t.Errorf("uploads of %v are left", left)
	}
}

// Requests of an upload by what they do.
func isBegin(r *http.Request) bool {
	return r.Method == http.MethodPost && r.URL.Query().Has("uploads")
}
func isPart(r *http.Request) bool {
	return r.Method == http.MethodPut && r.URL.Query().Has("partNumber")
}
func isCompletion(r *http.Request) bool {
	return r.Method == http.MethodPost && r.URL.Query().Has("uploadId")
}

func TestAnUploadedFileIsTheObjectInThePlaceOfTheOneBefore(t *testing.T) {
	w := newWorld(t)
	path, made := outgoing(t)
	for _, want := range [][]byte{made, []byte("small"), {}} {
		if err := os.WriteFile(path, want, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := w.store(t).Writable(t.Context(), out); err != nil {
			t.Fatal(err)
		}
		if err := w.store(t).Upload(t.Context(), path, out); err != nil {
			t.Fatal(err)
		}
		w.checkOut(t, want)
	}
}

func TestAnUploadThatFailsLeavesWhatWasThereAndNothingElse(t *testing.T) {
	w := newWorld(t)
	path, _ := outgoing(t)
	before := []byte("what was there before")
	w.server.Put(t, out.Key, before)
	for name, test := range map[string]struct {
		is     func(*http.Request) bool
		answer objectstest.Handler
		want   string
	}{
		"no right to begin": {isBegin, refusing("AccessDenied"), "cannot write s3://lake/sets/out.parquet: ENDPOINT " +
			"refuses access (AccessDenied); check the credentials, which need the right to put and delete objects and to " +
			"abort uploads"},
		"credentials expire": {isPart, refusing("ExpiredToken"),
			"cannot write s3://lake/sets/out.parquet: the credentials have expired (ExpiredToken); renew them"},
		"no right to complete": {isCompletion, refusing("AccessDenied"), "refuses access (AccessDenied)"},
		"aborted by another": {isCompletion, refusing("NoSuchUpload"), "s3://lake/sets/out.parquet was not written: its " +
			"upload was aborted by another; run again once no other run writes it"},
		"a storm of 503": {isPart, func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			w.WriteHeader(http.StatusServiceUnavailable)
		}, "cannot write s3://lake/sets/out.parquet: ENDPOINT answered 503"},
	} {
		t.Run(name, func(t *testing.T) {
			w.proxy.Do(func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
				if test.is(r) {
					test.answer(rw, r, next)
					return
				}
				next.ServeHTTP(rw, r)
			})
			err := w.store(t).Upload(t.Context(), path, out)
			want := strings.Replace(test.want, "ENDPOINT", w.proxy.Endpoint, 1)
			if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), objectstest.Secret) {
				t.Errorf("the error is %v", err)
			}
			w.checkOut(t, before)
		})
	}
}

func TestAnUploadToABucketThatIsNotThereIsRefusedBeforeItBegins(t *testing.T) {
	w := newWorld(t)
	err := w.store(t).Writable(t.Context(), objects.Location{Bucket: "nowhere", Key: "a"})
	checkMistake(t, err, fmt.Sprintf(`cannot write s3://nowhere/a: %s has no bucket "nowhere"; check its name, or `+
		`objects.endpoint`, w.proxy.Endpoint))
	checkMistake(t, w.store(t).Writable(t.Context(), objects.Location{Bucket: "lake"}),
		"cannot write s3://lake: it is a bucket; name a key in it")
}

func TestCancellingAbortsAnUpload(t *testing.T) {
	w := newWorld(t)
	path, _ := outgoing(t)
	before := []byte("what was there before")
	w.server.Put(t, out.Key, before)
	ctx, cancel := context.WithCancel(t.Context())
	w.proxy.Do(func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
		if isPart(r) && r.URL.Query().Get("partNumber") == "2" {
			cancel()
		}
		next.ServeHTTP(rw, r)
	})
	if err := w.store(t).Upload(ctx, path, out); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
	w.checkOut(t, before)
}

func TestFaultsThatPassDoNotFailAnUpload(t *testing.T) {
	w := newWorld(t)
	path, made := outgoing(t)
	ended := make(chan struct{})
	defer close(ended) // A server does not learn that its client has gone while it reads nothing.
	for name, test := range map[string]struct {
		is    func(*http.Request) bool
		fault objectstest.Handler
	}{
		"503": {isPart, func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			w.WriteHeader(http.StatusServiceUnavailable)
		}},
		"a connection that is cut in mid-part": {isPart, func(_ http.ResponseWriter, r *http.Request, _ http.Handler) {
			_, _ = io.CopyN(io.Discard, r.Body, 1<<20)
			panic(http.ErrAbortHandler) //nolint:forbidigo // That is how a handler cuts its connection.
		}},
		"a server that stops in mid-part": {isPart, func(_ http.ResponseWriter, r *http.Request, _ http.Handler) {
			_, _ = io.CopyN(io.Discard, r.Body, 1<<20)
			<-ended
		}},
		"an answer of the completion that is lost": {isCompletion, func(_ http.ResponseWriter, r *http.Request,
			next http.Handler,
		) {
			next.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler) //nolint:forbidigo // That is how a handler cuts its connection.
		}},
	} {
		t.Run(name, func(t *testing.T) {
			var asked atomic.Int64
			w.proxy.Do(func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
				if test.is(r) && asked.Add(1) == 1 {
					test.fault(rw, r, next)
					return
				}
				next.ServeHTTP(rw, r)
			})
			store := w.store(t)
			store.WaitFor(time.Second)
			if err := store.Upload(t.Context(), path, out); err != nil {
				t.Error(err)
			}
			w.checkOut(t, made)
			w.server.Remove(t, out.Key)
		})
	}
}

func TestAProcessThatIsKilledInAnUploadLeavesWhatWasThere(t *testing.T) {
	if endpoint := os.Getenv(killed); endpoint != "" {
		store, err := objects.New((&objectstest.Server{}).Config(endpoint))
		if err == nil {
			store.PartsOf(5 << 20)
			err = store.Upload(t.Context(), os.Getenv("PLUMB_TEST_FILE"), out)
		}
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	w := newWorld(t)
	path, _ := outgoing(t)
	before := []byte("what was there before")
	w.server.Put(t, out.Key, before)
	for name, is := range map[string]func(*http.Request) bool{"part": isPart, "completion": isCompletion} {
		t.Run(name, func(t *testing.T) {
			started := make(chan *os.Process, 1)
			w.proxy.Do(func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
				if is(r) && (r.URL.Query().Get("partNumber") == "3" || isCompletion(r)) {
					_ = (<-started).Kill()
					panic(http.ErrAbortHandler) //nolint:forbidigo // That is how a handler cuts its connection.
				}
				next.ServeHTTP(rw, r)
			})
			child := exec.CommandContext(t.Context(), os.Args[0], "-test.run",
				"^TestAProcessThatIsKilledInAnUploadLeavesWhatWasThere$")
			child.Env = append(os.Environ(), killed+"="+w.proxy.Endpoint, "PLUMB_TEST_FILE="+path)
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
			if left := w.server.Uploads(t); len(left) != 1 {
				t.Fatalf("uploads of %v are left: this test proves nothing", left)
			}
			// The next run of the same output tidies up.
			if err := w.store(t).Writable(t.Context(), out); err != nil {
				t.Fatal(err)
			}
			w.checkOut(t, before)
		})
	}
}

func TestUploadsOfOtherNamesAreLeftAlone(t *testing.T) {
	w := newWorld(t)
	path, _ := outgoing(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	arrived := make(chan struct{})
	var once atomic.Bool
	w.proxy.Do(func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
		if isPart(r) && once.CompareAndSwap(false, true) {
			close(arrived)
			<-ctx.Done()
			return
		}
		next.ServeHTTP(rw, r)
	})
	ended := make(chan error, 1)
	go func() {
		ended <- w.store(t).Upload(ctx, path, objects.Location{Bucket: out.Bucket, Key: out.Key + ".more"})
	}()
	<-arrived
	if err := w.store(t).Writable(t.Context(), out); err != nil {
		t.Error(err)
	}
	if left := w.server.Uploads(t); len(left) != 1 {
		t.Errorf("uploads of %v are left", left)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
}

func TestSmallObjectsAreWrittenAndRemoved(t *testing.T) {
	w := newWorld(t)
	store, at := w.store(t), objects.Location{Bucket: "lake", Key: "sets/out.parquet.manifest"}
	if err := store.Put(t.Context(), at, []byte("{}")); err != nil {
		t.Fatal(err)
	}
	if got := w.server.Get(t, at.Key); string(got) != "{}" {
		t.Errorf("the object is %q", got)
	}
	for range 2 {
		if err := store.Remove(t.Context(), at); err != nil {
			t.Fatal(err)
		}
	}
	if keys := w.server.Keys(t); keys != nil {
		t.Errorf("there is %v", keys)
	}
	w.proxy.Do(refusing("AccessDenied"))
	for _, err := range []error{store.Put(t.Context(), at, nil), store.Remove(t.Context(), at)} {
		if _, ok := errors.AsType[*fault.InputError](err); !ok {
			t.Errorf("the error is %v", err)
		}
	}
}
