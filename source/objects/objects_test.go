package objects_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/source/objects"
	"github.com/plumbstore/plumb/source/objects/objectstest"
)

// world is a server with a proxy before it.
type world struct {
	server *objectstest.Server
	proxy  *objectstest.Proxy
	// cache is the folder of the cache; empty for none.
	cache string
	limit int64
}

func newWorld(t *testing.T) *world {
	t.Helper()
	server := objectstest.Start(t)
	return &world{server: server, proxy: objectstest.Before(t, server), limit: 1 << 30}
}

func (w *world) begin(t *testing.T) *objects.Reading {
	t.Helper()
	config := w.server.Config(w.proxy.Endpoint)
	config.CacheDir, config.CacheLimit = w.cache, w.limit
	store, err := objects.New(config)
	if err != nil {
		t.Fatal(err)
	}
	reading := store.Begin(func() (string, func() error, error) {
		folder := t.TempDir()
		return folder, func() error { return os.RemoveAll(folder) }, nil
	})
	t.Cleanup(func() { _ = reading.Close() })
	return reading
}

func (w *world) open(t *testing.T, reading *objects.Reading, key string) *objects.File {
	t.Helper()
	object, ok, err := reading.Look(t.Context(), objects.Location{Bucket: w.server.Bucket, Key: key})
	if err != nil || !ok {
		t.Fatalf("look for %s: %v, %v", key, ok, err)
	}
	file, err := reading.Open(object)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func content(size int) []byte {
	source := rand.New(rand.NewPCG(1, 2))
	made := make([]byte, size)
	for i := range made {
		made[i] = byte(1 + source.IntN(255)) // A hole has zeros.
	}
	return made
}

func fetch(ctx context.Context, file *objects.File, ranges ...objects.Range) error {
	return objects.Fetch(ctx, []objects.Need{{File: file, Ranges: ranges}})
}

// checkHas compares the local file with the object in ranges, and the rest with a hole.
func checkHas(t *testing.T, file *objects.File, want []byte, ranges ...objects.Range) {
	t.Helper()
	got, err := os.ReadFile(file.Path())
	if err != nil {
		t.Fatal(err)
	}
	sparse := make([]byte, len(want))
	for _, r := range ranges {
		copy(sparse[r.Start:r.End], want[r.Start:r.End])
	}
	if !bytes.Equal(got, sparse) {
		t.Fatalf("%s has other bytes than those of %v", file.Path(), ranges)
	}
}

func TestRangesOfAnObjectAreInALocalFileAndNothingElse(t *testing.T) {
	w := newWorld(t)
	made := content(20 << 20)
	w.server.Put(t, "a/b.bin", made)
	file := w.open(t, w.begin(t), "a/b.bin")
	far := objects.Range{Start: 10 << 20, End: 20 << 20}
	if err := fetch(t.Context(), file, objects.Range{Start: 5, End: 5000}, far); err != nil {
		t.Fatal(err)
	}
	checkHas(t, file, made, objects.Range{Start: 5, End: 5000}, far)
	if !strings.HasSuffix(file.Path(), "/lake/a/b.bin") {
		t.Errorf("the local file is %s", file.Path())
	}
	_, before, _ := w.proxy.Counted()
	if err := fetch(t.Context(), file, objects.Range{Start: 100, End: 200}); err != nil {
		t.Fatal(err)
	}
	if _, after, _ := w.proxy.Counted(); before != 3 || after != before {
		t.Errorf("%d requests, and %d once all was there; a long range is fetched in parts of 8 MiB", before, after)
	}
}

func TestAnObjectThatChangesInMidReadIsAnErrorThatNamesIt(t *testing.T) {
	w := newWorld(t)
	w.server.Put(t, "flights.parquet", content(1<<20))
	file := w.open(t, w.begin(t), "flights.parquet")
	if err := fetch(t.Context(), file, objects.Range{Start: 0, End: 100}); err != nil {
		t.Fatal(err)
	}
	w.server.Put(t, "flights.parquet", append([]byte("other"), content(1<<20-5)...))
	err := fetch(t.Context(), file, objects.Range{Start: 1000, End: 2000})
	checkMistake(t, err, "s3://lake/flights.parquet was changed while it was in use; run again once it is whole")
	w.server.Remove(t, "flights.parquet")
	err = fetch(t.Context(), file, objects.Range{Start: 1000, End: 2000})
	checkMistake(t, err, "s3://lake/flights.parquet was removed while it was in use; run again")
}

func checkMistake(t *testing.T, err error, want string) {
	t.Helper()
	if _, ok := errors.AsType[*fault.InputError](err); !ok || err.Error() != want {
		t.Fatalf("the error is %v, and not a mistake of the user: %s", err, want)
	}
}

func TestABodyThatIsCutIsContinuedFromWhereItEnded(t *testing.T) {
	w := newWorld(t)
	made := content(3 << 20)
	w.server.Put(t, "cut.bin", made)
	file := w.open(t, w.begin(t), "cut.bin")
	var asked atomic.Int64
	w.proxy.Do(func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
		if asked.Add(1) > 3 {
			next.ServeHTTP(rw, r)
			return
		}
		next.ServeHTTP(&cutting{ResponseWriter: rw, left: 300_000}, r)
	})
	whole := objects.Range{Start: 0, End: 3 << 20}
	if err := fetch(t.Context(), file, whole); err != nil {
		t.Fatal(err)
	}
	checkHas(t, file, made, whole)
}

// cutting ends the connection after some bytes of a body.
type cutting struct {
	http.ResponseWriter
	left int
}

func (c *cutting) Write(content []byte) (int, error) {
	if c.left -= len(content); c.left < 0 {
		panic(http.ErrAbortHandler) //nolint:forbidigo // That is how a handler cuts its connection.
	}
	return c.ResponseWriter.Write(content)
}

func TestAServerThatStopsInMidBodyIsAskedAgain(t *testing.T) {
	w := newWorld(t)
	made := content(2 << 20)
	w.server.Put(t, "slow.bin", made)
	store, err := objects.New(w.server.Config(w.proxy.Endpoint))
	if err != nil {
		t.Fatal(err)
	}
	store.WaitFor(time.Second)
	folder := t.TempDir()
	reading := store.Begin(func() (string, func() error, error) { return folder, func() error { return nil }, nil })
	defer reading.Close()
	file := w.open(t, reading, "slow.bin")
	var asked atomic.Int64
	w.proxy.Do(func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
		if asked.Add(1) > 1 {
			next.ServeHTTP(rw, r)
			return
		}
		next.ServeHTTP(&stopping{ResponseWriter: rw, left: 300_000, until: r.Context().Done()}, r)
	})
	whole := objects.Range{Start: 0, End: 2 << 20}
	if err := fetch(t.Context(), file, whole); err != nil {
		t.Fatal(err)
	}
	checkHas(t, file, made, whole)
}

// stopping sends nothing any more after some bytes of a body, until its client is gone.
type stopping struct {
	http.ResponseWriter
	left  int
	until <-chan struct{}
}

func (s *stopping) Write(content []byte) (int, error) {
	if s.left -= len(content); s.left < 0 {
		<-s.until
		panic(http.ErrAbortHandler) //nolint:forbidigo // That is how a handler cuts its connection.
	}
	return s.ResponseWriter.Write(content)
}

func TestAStormOf503IsWaitedOutAndThenAnError(t *testing.T) {
	w := newWorld(t)
	made := content(1000)
	w.server.Put(t, "busy.bin", made)
	file := w.open(t, w.begin(t), "busy.bin")
	var asked atomic.Int64
	w.proxy.Do(func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
		if asked.Add(1) <= 2 {
			rw.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		next.ServeHTTP(rw, r)
	})
	if err := fetch(t.Context(), file, objects.Range{Start: 0, End: 100}); err != nil {
		t.Fatal(err)
	}
	asked.Store(-1 << 30)
	err := fetch(t.Context(), file, objects.Range{Start: 500, End: 600})
	if !errors.Is(err, fault.ErrUnavailable) || !strings.Contains(err.Error(), "s3://lake/busy.bin") ||
		!strings.Contains(err.Error(), "503") {
		t.Errorf("the error is %v", err)
	}
	checkHas(t, file, made, objects.Range{Start: 0, End: 100})
}

func TestAnAnswerThatIsNotTheRangeIsRefused(t *testing.T) {
	w := newWorld(t)
	w.server.Put(t, "whole.bin", content(1000))
	file := w.open(t, w.begin(t), "whole.bin")
	w.proxy.Do(func(rw http.ResponseWriter, _ *http.Request, _ http.Handler) {
		rw.Header().Set("ETag", `"`+file.ETag+`"`)
		rw.Header().Set("Last-Modified", "Mon, 02 Jan 2006 15:04:05 GMT")
		_, _ = rw.Write(make([]byte, 1000)) // A server that does not know ranges.
	})
	err := fetch(t.Context(), file, objects.Range{Start: 500, End: 600})
	if err == nil || !strings.Contains(err.Error(), `where "bytes 500-599/1000" was asked for`) {
		t.Errorf("the error is %v", err)
	}
}

func TestCancellingEndsAFetch(t *testing.T) {
	w := newWorld(t)
	w.server.Put(t, "slow.bin", content(1<<20))
	file := w.open(t, w.begin(t), "slow.bin")
	ctx, cancel := context.WithCancel(t.Context())
	w.proxy.Do(func(_ http.ResponseWriter, r *http.Request, _ http.Handler) {
		cancel()
		<-r.Context().Done()
	})
	if err := fetch(ctx, file, objects.Range{Start: 0, End: 100}); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
}

func TestRefusalsAreOneSentenceWithoutCredentials(t *testing.T) {
	w := newWorld(t)
	w.server.Put(t, "a.bin", content(10))
	other := w.server.Config(w.proxy.Endpoint)
	other.SecretKey = "wrong-secret"
	for name, test := range map[string]struct {
		config  objects.Config
		bucket  string
		handler objectstest.Handler
		want    string
	}{
		"no bucket": {w.server.Config(w.proxy.Endpoint), "nowhere", nil,
			`cannot list s3://nowhere: ENDPOINT has no bucket "nowhere"; check its name, or objects.endpoint`},
		"wrong secret": {other, "lake", nil, "cannot list s3://lake: ENDPOINT does not take the credentials " +
			"(SignatureDoesNotMatch); check objects.access_key and objects.secret_key, or those of the environment"},
		"expired": {w.server.Config(w.proxy.Endpoint), "lake", refusing("ExpiredToken"),
			"cannot list s3://lake: the credentials have expired (ExpiredToken); renew them"},
		"no right": {w.server.Config(w.proxy.Endpoint), "lake", refusing("AccessDenied"), "cannot list s3://lake: " +
			"ENDPOINT refuses access (AccessDenied); check the credentials, which need the right to list the bucket and to " +
			"get its objects"},
	} {
		t.Run(name, func(t *testing.T) {
			w.proxy.Do(test.handler)
			store, err := objects.New(test.config)
			if err != nil {
				t.Fatal(err)
			}
			_, err = store.Begin(nil).List(t.Context(), objects.Location{Bucket: test.bucket})
			want := strings.Replace(test.want, "ENDPOINT", w.proxy.Endpoint, 1)
			checkMistake(t, err, strings.Replace(want, "cannot list", "cannot read", 1))
			if strings.Contains(fmt.Sprintf("%+v", err), "secret-") {
				t.Errorf("the error has a secret: %v", err)
			}
		})
	}
}

// refusing answers each request with an error of S3.
func refusing(code string) objectstest.Handler {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(http.StatusForbidden)
		_, _ = fmt.Fprintf(w, "<Error><Code>%s</Code><Message>no</Message></Error>", code)
	}
}

func TestAListingOf2500KeysIsReadPageByPageInTheOrderOfKeys(t *testing.T) {
	w := newWorld(t)
	w.proxy.Do(pages(2500))
	reading := w.begin(t)
	for range 2 {
		found, err := reading.List(t.Context(), objects.Location{Bucket: "lake", Key: "p/"})
		if err != nil {
			t.Fatal(err)
		}
		if len(found) != 2500 || found[0].Key != "p/0000.parquet" || found[2499].Key != "p/2499.parquet" {
			t.Fatalf("%d keys from %s", len(found), found[0].Key)
		}
	}
	if requests, _, _ := w.proxy.Counted(); requests != 3 {
		t.Errorf("a prefix that is listed twice took %d requests", requests)
	}
}

// pages answers as a bucket with that many keys does, at most 1,000 at a time.
func pages(count int) objectstest.Handler {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		var from int
		_, _ = fmt.Sscanf(r.URL.Query().Get("continuation-token"), "after-%d", &from)
		after := min(from+1000, count)
		w.Header().Set("Content-Type", "application/xml")
		_, _ = fmt.Fprintf(w, "<ListBucketResult><Name>lake</Name><IsTruncated>%v</IsTruncated>"+
			"<NextContinuationToken>after-%d</NextContinuationToken>", after < count, after)
		for i := from; i < after; i++ {
			_, _ = fmt.Fprintf(w, "<Contents><Key>p/%04d.parquet</Key><ETag>\"e%d\"</ETag><Size>1</Size>"+
				"<LastModified>2024-01-01T00:00:00.000Z</LastModified></Contents>", i, i)
		}
		_, _ = fmt.Fprint(w, "</ListBucketResult>")
	}
}

func TestAnObjectWithoutAnETagIsRefused(t *testing.T) {
	w := newWorld(t)
	_, err := w.begin(t).Open(objects.Object{Location: objects.Location{Bucket: "lake", Key: "a"}, Size: 1})
	checkMistake(t, err, "cannot read s3://lake/a: the server gives it no ETag, by which a change would be seen; put it "+
		"there by an upload")
}

func TestLocationsAreWhatLiesBelowARoot(t *testing.T) {
	root, err := objects.Parse("s3://lake/data/")
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{
		"s3://lake/data": true, "s3://lake/data/x": true, "s3://lake/data2/x": false, "s3://lake/dat": false,
		"s3://lake": false, "s3://other/data/x": false, "gs://lake/data/x": false,
	} {
		location, err := objects.Parse(path)
		if err != nil || location.IsBelow(root) != want {
			t.Errorf("%s below %s: %v, %v", path, root, location.IsBelow(root), err)
		}
	}
	for _, path := range []string{"s3://", "s3://B/x", "s3://lake/../x", "s3://lake/a//b", "s3://lake/./x", "s3:/lake/x",
		"gs://B/x", "gs://lake/../x"} {
		if location, err := objects.Parse(path); err == nil {
			t.Errorf("%s is %v", path, location)
		}
	}
}

func TestNamesOfLocalFilesAreThoseOfObjectsInTexts(t *testing.T) {
	w := newWorld(t)
	w.server.Put(t, "a/b.bin", content(10))
	reading := w.begin(t)
	file := w.open(t, reading, "a/b.bin")
	text := "row 3 of " + file.Path() + " and " + file.Path() + " in " + filepath.Dir(filepath.Dir(file.Path()))
	if got := reading.Named(text); !strings.HasPrefix(got, "row 3 of s3://lake/a/b.bin and s3://lake/a/b.bin in ") {
		t.Errorf("it says %s", got)
	}
}
