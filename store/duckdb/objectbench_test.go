package duckdb

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/parquetfile"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/source/objects"
	"github.com/plumbstore/plumb/store/duckdb/parquetfooter"
	"github.com/plumbstore/plumb/store/offline"
)

// BenchmarkObjects joins labels of two hours with a wide file of which two columns are wanted, and materializes two
// hours of it, over a network of 20 ms and 60 MB/s. It reports bytes and requests, and beside them the bytes of the
// chunks that are needed.
func BenchmarkObjects(b *testing.B) {
	l := newLake(b)
	p := newProject(b, nil, "data/wide.parquet", newFeature("f0", plumbv1.Type_FLOAT64),
		newFeature("f1", plumbv1.Type_FLOAT64))
	const columns, rows = 24, 1_000_000
	query := "SELECT (i * 7919) % 1000 AS k, TIMESTAMP '2013-01-01' + to_milliseconds(i * 400) AS at"
	for i := range columns {
		query += fmt.Sprintf(", hash(i + %d) / 1e9 AS f%d", i*rows, i)
	}
	p.writeWith(b, "data/wide.parquet", fmt.Sprintf("%s FROM range(%d) r(i)", query, rows),
		"(FORMAT parquet, ROW_GROUP_SIZE 61440)")
	p.write(b, "labels.parquet", "SELECT i % 1000 AS k, TIMESTAMPTZ '2013-01-03 00:00:00+00' + to_seconds(i) AS t "+
		"FROM range(7200) r(i)")
	l.put(b, p)
	p.view.Ttl = durationpb.New(time.Hour)
	columnsRead := map[string]bool{"k": true, "at": true, "f0": true, "f1": true}
	for _, work := range []objectWork{
		{"join", joinOnce, "2013-01-02T23:00:00Z", "2013-01-03T02:00:00Z"},
		{"materialization", materializeOnce, "2013-01-03T00:00:00Z", "2013-01-03T02:00:00Z"},
	} {
		b.Run(work.name, func(b *testing.B) {
			needed, whole := chunks(b, filepath.Join(p.folder, "data/wide.parquet"), columnsRead, work.from, work.to)
			work.measure(b, l, p, needed, whole)
		})
	}
}

// objectWork is what is measured, with the times whose row groups it needs.
type objectWork struct {
	name     string
	once     func(*testing.B, *project, *Engine)
	from, to string
}

// measure does the work over the local file, over the object, over the object in a cache that has what it needs, and
// downloads the whole object.
func (w objectWork) measure(b *testing.B, l *lake, p *project, needed, whole int64) {
	loop := func(b *testing.B, engine *Engine) {
		for b.Loop() {
			w.once(b, p, engine)
		}
	}
	report := func(b *testing.B) {
		requests, _, bytes := l.proxy.Counted()
		b.ReportMetric(float64(bytes)/float64(b.N), "bytes/op")
		b.ReportMetric(float64(requests)/float64(b.N), "requests/op")
		b.ReportMetric(float64(bytes)/float64(b.N)/float64(needed), "of-needed")
		b.ReportMetric(float64(bytes)/float64(b.N)/float64(whole), "of-whole")
	}
	p.source.GetParquet().Path = "data/wide.parquet"
	b.Run("local file", func(b *testing.B) { loop(b, p.open(b)) })
	p.source.GetParquet().Path = "s3://lake/data/wide.parquet"
	l.proxy.Do(slow(20*time.Millisecond, 60_000_000))
	b.Run("object", func(b *testing.B) {
		l.proxy.Reset()
		loop(b, l.engine(b, p, ""))
		report(b)
	})
	cache := b.TempDir()
	b.Run("object in the cache", func(b *testing.B) {
		engine := l.engine(b, p, cache)
		w.once(b, p, engine)
		l.proxy.Reset()
		loop(b, engine)
		report(b)
	})
	b.Run("whole download", func(b *testing.B) {
		l.proxy.Reset()
		for b.Loop() {
			l.download(b, "data/wide.parquet")
		}
		report(b)
	})
	l.proxy.Do(nil)
}

// materializeOnce reads the newest rows of two hours.
func materializeOnce(b *testing.B, p *project, engine *Engine) {
	view, err := p.snapshot(b).View("v")
	if err != nil {
		b.Fatal(err)
	}
	from := feature.Instant(instant(b, "2013-01-03T00:00:00Z"))
	window := offline.Window{Start: &from, End: feature.Instant(instant(b, "2013-01-03T02:00:00Z"))}
	var rows int64
	_, err = engine.Newest(b.Context(), offline.NewestRequest{View: view, Window: window},
		func(batch arrow.RecordBatch) error {
			rows += batch.NumRows()
			return nil
		})
	if err != nil || rows == 0 {
		b.Fatal(rows, err)
	}
}

func joinOnce(b *testing.B, p *project, engine *Engine) {
	selection, err := p.snapshot(b).SelectFeatures([]string{"v:*"}, false)
	if err != nil {
		b.Fatal(err)
	}
	join, err := engine.PlanJoin(b.Context(), offline.JoinRequest{Selection: selection,
		Labels: filepath.Join(p.folder, "labels.parquet"), TimestampColumn: "t"})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := join.WriteFile(b.Context(), filepath.Join(p.folder, "out.parquet")); err != nil {
		b.Fatal(err)
	}
	if err := join.Close(); err != nil {
		b.Fatal(err)
	}
}

// download fetches an object whole.
func (l *lake) download(b *testing.B, key string) {
	reading := l.store(b, "").Begin(func() (string, func() error, error) {
		folder, err := os.MkdirTemp(b.TempDir(), "")
		return folder, func() error { return os.RemoveAll(folder) }, err
	})
	object, _, err := reading.Look(b.Context(), objects.Location{Bucket: l.server.Bucket, Key: key})
	if err != nil {
		b.Fatal(err)
	}
	file, err := reading.Open(object)
	if err != nil {
		b.Fatal(err)
	}
	if err := file.EnsureAll(b.Context()); err != nil {
		b.Fatal(err)
	}
	if err := reading.Close(); err != nil {
		b.Fatal(err)
	}
}

// chunks is how many bytes the chunks of columns have in the row groups with a time in the range, with the footer, and
// how many the file has.
func chunks(b *testing.B, path string, columns map[string]bool, from, to string) (needed, whole int64) {
	reader, err := parquetfile.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer reader.Close()
	contents := reader.MetaData()
	first, last := instant(b, from), instant(b, to)
	at := contents.Schema.ColumnIndexByName("at")
	for i, group := range contents.RowGroups {
		if !parquetfooter.GroupSpan(contents, i, at).Meets(&first, &last) {
			continue
		}
		for leaf, chunk := range group.Columns {
			if columns[contents.Schema.Column(leaf).Name()] {
				needed += chunk.MetaData.TotalCompressedSize
			}
		}
	}
	return needed + int64(contents.Size()), contents.GetSourceFileSize()
}

func instant(b *testing.B, text string) int64 {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		b.Fatal(err)
	}
	return at.UnixMicro()
}

// slow lets each answer wait, and limits the bytes a second of each body.
func slow(wait time.Duration, bytesPerSecond int64) func(http.ResponseWriter, *http.Request, http.Handler) {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		time.Sleep(wait) //nolint:forbidigo // The network that it stands for takes this long.
		next.ServeHTTP(&limited{w, bytesPerSecond}, r)
	}
}

type limited struct {
	http.ResponseWriter
	bytesPerSecond int64
}

func (l *limited) Write(content []byte) (int, error) {
	time.Sleep(time.Duration(int64(len(content)) * int64(time.Second) / l.bytesPerSecond)) //nolint:forbidigo // As above.
	return l.ResponseWriter.Write(content)
}
