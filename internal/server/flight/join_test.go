package flight_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/flight"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/plumbstore/plumb/internal/server"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/offline"
)

func TestR6_TheAnswerIsThatOfAJoinWithALabelFile(t *testing.T) {
	r := start(t)
	rows := []arrow.RecordBatch{labels(0, 1000), labels(1000, 1001), labels(1001, 70_000)}
	want := r.fileJoin(r.write("data/labels.arrow", rows...))

	sent, report, err := r.join(r.request, rows...)
	ok(t, err)
	equal(t, want, sent)
	if report.GetRows() != 70_000 || len(report.GetViews()) != 1 || report.GetViews()[0].GetMatched() == 0 {
		t.Errorf("the report is %v", report)
	}
	got, named, err := r.get(r.with("labelsFile", "data/labels.arrow"))
	ok(t, err)
	equal(t, want, got)
	if named.GetViews()[0].GetMatched() != report.GetViews()[0].GetMatched() {
		t.Errorf("DoGet reports %v, DoExchange %v", named, report)
	}
}

func TestR6_LabelsWithoutRowsGiveAResultWithoutRows(t *testing.T) {
	r := start(t)
	got, report, err := r.join(r.request, labels(0, 0))
	ok(t, err)
	if got.NumRows() != 0 || got.NumCols() != 8 || report == nil {
		t.Errorf("got %d rows of %d columns, and the report %v", got.NumRows(), got.NumCols(), report)
	}
}

func TestWhatARequestAsksForIsDone(t *testing.T) {
	r := start(t)
	rows := renamed(labels(0, 100), "n", "airport", "seen_at")
	request := r.with("fullNames", true, "timestampColumn", "seen_at", "statuses", true, "eventTimestamps", true)
	got, _, err := r.join(request, rows)
	ok(t, err)
	for _, name := range []string{"seen_at", "weather__temp", "weather__temp__status", "weather__event_timestamp"} {
		if len(got.Schema().FieldIndices(name)) != 1 {
			t.Errorf("there is no column %s in\n%s", name, got.Schema())
		}
	}
	if _, _, err := r.join(r.with("asKnown", true), labels(0, 1)); err == nil {
		t.Errorf("asKnown is not asked of the join: the weather has no created time")
	}
}

func TestProvenanceIsThatOfAJoinWithALabelFile(t *testing.T) {
	r := start(t)
	labelFile := r.write("data/labels.arrow", labels(0, 1000))
	names := make([]string, len(offline.ProvenanceColumns))
	for i, column := range offline.ProvenanceColumns {
		names[i] = "weather__" + column.Name
	}
	sent, _, err := r.join(r.with("provenance", true), labels(0, 1000))
	ok(t, err)
	var got []string
	for _, field := range sent.Schema().Fields()[int(sent.NumCols())-len(names):] {
		got = append(got, field.Name)
	}
	if !slices.Equal(got, names) {
		t.Fatalf("the last columns are %q", got)
	}
	want := r.fileJoin(labelFile, func(request *offline.JoinRequest) { request.Provenance = true })
	equal(t, want, sent)
	named, _, err := r.get(r.with("provenance", true, "labelsFile", "data/labels.arrow"))
	ok(t, err)
	equal(t, sent, named)
}

func TestLabelRowsComeInEveryFormOfArrow(t *testing.T) {
	r := start(t)
	want, _, err := r.join(r.request, labels(0, 5000))
	ok(t, err)
	for name, options := range map[string][]ipc.Option{
		"LZ4": {ipc.WithLZ4()}, "Zstandard": {ipc.WithZstd()},
	} {
		t.Run(name, func(t *testing.T) {
			c := r.exchange(r.request)
			writer := flight.NewRecordWriter(c.stream, append(options, ipc.WithSchema(labelSchema))...)
			ok(t, writer.Write(labels(0, 5000)))
			ok(t, c.stream.CloseSend())
			got, _, err := read(c.stream)
			ok(t, err)
			equal(t, want, got)
		})
	}
	t.Run("dictionaries that change between batches", func(t *testing.T) {
		got, _, err := r.join(r.request, dictionary(t, labels(0, 2000)), dictionary(t, labels(2000, 5000)))
		ok(t, err)
		equal(t, want, got)
	})
	t.Run("messages without Arrow data between them", func(t *testing.T) {
		c := r.exchange(r.request)
		writer := flight.NewRecordWriter(c.stream, ipc.WithSchema(labelSchema))
		ok(t, writer.WriteMetadata([]byte("a remark")))
		ok(t, writer.Write(labels(0, 2000)))
		ok(t, writer.WriteMetadata([]byte("another")))
		ok(t, writer.Write(labels(2000, 5000)))
		ok(t, c.stream.CloseSend())
		got, _, err := read(c.stream)
		ok(t, err)
		equal(t, want, got)
	})
}

// dictionary are label rows whose airports are a dictionary, in the order of their first row.
func dictionary(t *testing.T, batch arrow.RecordBatch) arrow.RecordBatch {
	kind := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}
	builder := array.NewDictionaryBuilder(memory.DefaultAllocator, kind).(*array.BinaryDictionaryBuilder)
	defer builder.Release()
	airports := batch.Column(1).(*array.String)
	for i := range airports.Len() {
		if airports.IsNull(i) {
			builder.AppendNull()
			continue
		}
		ok(t, builder.AppendString(airports.Value(i)))
	}
	return replaced(batch, 1, builder.NewDictionaryArray())
}

func TestMessagesStayBelowWhatClientsTake(t *testing.T) {
	r := start(t)
	builder := array.NewStringBuilder(memory.DefaultAllocator)
	defer builder.Release()
	for i := range 3000 {
		builder.Append(string(bytes.Repeat([]byte{'a' + byte(i%26)}, 100+i%2*20_000)))
	}
	rows := replaced(labels(0, 3000), 0, builder.NewArray())
	want := r.fileJoin(r.write("data/wide.arrow", rows))
	got, _, err := r.get(r.with("labelsFile", "data/wide.arrow")) // The client takes 4 MiB a message.
	ok(t, err)
	equal(t, want, got)
}

func TestARowThatNoMessageHoldsIsRefused(t *testing.T) {
	r := start(t, func(c *server.Config) { c.MaxResponseBytes = 3 << 20 })
	builder := array.NewStringBuilder(memory.DefaultAllocator)
	defer builder.Release()
	builder.Append("small")
	builder.Append(string(bytes.Repeat([]byte{'x'}, 5<<20)))
	r.write("data/wide.arrow", replaced(labels(0, 2), 0, builder.NewArray()))
	_, _, err := r.get(r.with("labelsFile", "data/wide.arrow"))
	expect(t, err, "ResourceExhausted", "row 2 of the result takes 5 MiB, more than the 3 MiB that a message may have; "+
		"ask for fewer features, or write the result to a file with plumb historical")
}

func TestProgressIsToldWhereItIsAskedFor(t *testing.T) {
	ticks := make(chan time.Time)
	r := start(t, func(c *server.Config) { c.JoinTicks = ticks; c.Joins.Jobs = 1 })
	entered, release := r.engine.hold()
	first := r.exchange(r.with("progress", true))
	first.send(labels(0, 10))
	<-entered
	ticks <- time.Time{}
	if step := progressOf(t, first.stream); step != "planning" {
		t.Errorf("the first join tells %q", step)
	}
	second := r.exchange(r.with("progress", true))
	second.send(labels(0, 10))
	ended := make(chan struct{})
	go func() { // Both listen to the same ticks.
		for {
			select {
			case ticks <- time.Time{}:
			case <-ended:
				return
			}
		}
	}()
	if step := progressOf(t, second.stream); step != "waiting for another join" {
		t.Errorf("the second join tells %q", step)
	}
	release()
	for _, c := range []call{first, second} {
		expectReport(t, c.stream)
	}
	close(ended)
}

// progressOf is the step that the next message reports, which has no Arrow data.
func progressOf(t *testing.T, from receiver) string {
	t.Helper()
	message := must(from.Recv())(t)
	update := &plumbv1.HistoricalUpdate{}
	ok(t, protojson.Unmarshal(message.GetAppMetadata(), update))
	if len(message.GetDataHeader()) > 0 {
		t.Errorf("progress came with Arrow data")
	}
	return update.GetProgress().GetStep()
}

// expectReport reads to the end: once rows have begun every message has Arrow data, and the last one the report.
func expectReport(t *testing.T, from receiver) {
	t.Helper()
	begun, update := false, &plumbv1.HistoricalUpdate{}
	for {
		message, err := from.Recv()
		if err != nil {
			break
		}
		begun = begun || len(message.GetDataHeader()) > 0
		if begun && len(message.GetDataHeader()) == 0 {
			t.Errorf("a message without Arrow data came after the first rows")
		}
		update.Reset()
		if metadata := message.GetAppMetadata(); metadata != nil {
			ok(t, protojson.Unmarshal(metadata, update))
		}
	}
	if update.GetReport() == nil {
		t.Errorf("the last message has no report, but %v", update)
	}
}

func TestBothAddressesAnswerAndDeadlinesOfLookUpsAreNotThoseOfJoins(t *testing.T) {
	r := start(t, func(c *server.Config) { c.FlightAddress = "127.0.0.1:0"; c.Timeout = time.Nanosecond })
	if r.server.FlightAddress() == r.server.Address() {
		t.Fatalf("both addresses are %s", r.server.Address())
	}
	want, _, err := r.join(r.request, labels(0, 100))
	ok(t, err)
	r.client = r.dial(r.server.FlightAddress())
	got, _, err := r.join(r.request, labels(0, 100))
	ok(t, err)
	equal(t, want, got)
}

func TestALabelFileIsReadBelowTheRootsAlone(t *testing.T) {
	r := start(t)
	r.write("labels.arrow", labels(0, 10))
	ok(t, os.Symlink("../labels.arrow", filepath.Join(r.folder, "data", "link.arrow")))
	for _, name := range []string{
		"labels.arrow", "data/../labels.arrow", "data/link.arrow", "data/none.arrow", "../../etc/passwd",
		filepath.Join(r.folder, "labels.arrow"),
	} {
		_, _, err := r.get(r.with("labelsFile", name))
		expect(t, err, "InvalidArgument", "labels_file: there is no file "+name+" below the folders that files may be read "+
			"from (offline.roots: data)")
	}
}

func TestAFullDiskIsToldSo(t *testing.T) {
	r := start(t)
	r.engine.onScratch = func(folder string) {
		if err := os.Symlink("/dev/full", filepath.Join(folder, "labels.arrow")); err != nil {
			t.Error(err)
		}
	}
	_, _, err := r.join(r.request, labels(0, 100))
	expect(t, err, "Unavailable", "no space is left on the server's disk; free some there, or name a folder with more "+
		"room in offline.temp_dir")
}
