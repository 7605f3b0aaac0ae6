package flight_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/flight"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/plumbstore/plumb/internal/server"
)

// TestSchemasThatAskForAllMemoryAreRefused sends calls of a few hundred bytes that ended the process.
func TestSchemasThatAskForAllMemoryAreRefused(t *testing.T) {
	r := start(t)
	files, err := filepath.Glob("testdata/schema-too-long-*.json")
	if err != nil || len(files) != 4 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		ok(t, err)
		var messages []string
		ok(t, json.Unmarshal(text, &messages))
		call := r.exchange(r.request)
		for _, message := range messages[1:] { // The first is the request, which asks for another view.
			encoded, err := hex.DecodeString(message)
			ok(t, err)
			data := &flight.FlightData{}
			ok(t, proto.Unmarshal(encoded, data))
			_ = call.stream.Send(data) // The call may have been refused by now.
		}
		_ = call.stream.CloseSend()
		if _, _, err := read(call.stream); status.Code(err) != codes.InvalidArgument {
			t.Errorf("%s: got %v", file, err)
		}
	}
	_, _, err = r.join(r.request, labels(0, 3))
	ok(t, err)
}

// TestDeepSchemasAreRefused nests a column 1,000 deep, which kept the slot of a join busy beyond its deadline.
func TestDeepSchemasAreRefused(t *testing.T) {
	r := start(t)
	deep := arrow.PrimitiveTypes.Int64
	for range 1_000 {
		deep = arrow.StructOf(arrow.Field{Name: "x", Type: deep})
	}
	builder := array.NewBuilder(memory.DefaultAllocator, deep)
	builder.AppendNulls(3)
	rows := labels(0, 3)
	fields := append(rows.Schema().Fields(), arrow.Field{Name: "deep", Type: deep, Nullable: true})
	columns := append(rows.Columns(), builder.NewArray())
	_, _, err := r.join(r.request, array.NewRecordBatch(arrow.NewSchema(fields, nil), columns, 3))
	if status.Code(err) != codes.InvalidArgument || !strings.Contains(statusOf(err).Message(), "more than 64 deep") {
		t.Errorf("got %v", err)
	}
}

// A call with a thousand columns, each a list in a list, ends with its deadline, and then the only slot is free for the
// next.
func TestManyColumnsDoNotKeepTheOnlySlot(t *testing.T) {
	r := start(t, func(c *server.Config) { c.Joins.Jobs = 1 })
	rows := labels(0, 20)
	fields, columns := rows.Schema().Fields(), rows.Columns()
	for i := range 1_000 {
		builder := array.NewListBuilder(memory.DefaultAllocator, arrow.ListOf(arrow.BinaryTypes.String))
		builder.AppendNulls(20)
		fields = append(fields, arrow.Field{Name: fmt.Sprintf("c%d", i), Type: builder.Type(), Nullable: true})
		columns = append(columns, builder.NewArray())
	}
	ended := make(chan error, 1)
	r.engine.onEnd = func(err error) { ended <- err }
	planning, proceed := make(chan context.Context, 2), make(chan struct{})
	r.engine.onPlan = func(ctx context.Context) { planning <- ctx; <-proceed }
	wide := r.exchange(r.request)
	wide.send(array.NewRecordBatch(arrow.NewSchema(fields, nil), columns, 20))
	ctx := <-planning // It has the slot.
	wide.cancel()
	<-ctx.Done()
	close(proceed)
	if _, _, err := r.join(r.request, labels(0, 3)); err != nil {
		t.Errorf("the next call: %v", err)
	}
	if err := <-ended; err != nil { // The first that ran is the second call.
		t.Errorf("its join: %v", err)
	}
}

// TestRowsThatShareATextAreCountedWithIt sends one text of a megabyte that 4,000 rows lead to.
func TestRowsThatShareATextAreCountedWithIt(t *testing.T) {
	r := start(t)
	const rows = 4_000
	kind := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}
	builder := array.NewDictionaryBuilder(memory.DefaultAllocator, kind).(*array.BinaryDictionaryBuilder)
	text := strings.Repeat("x", 1<<20)
	for range rows {
		ok(t, builder.AppendString(text))
	}
	batch := labels(0, rows)
	fields := append(batch.Schema().Fields(), arrow.Field{Name: "shared", Type: kind})
	columns := append(batch.Columns(), builder.NewArray())
	_, _, err := r.join(r.request, array.NewRecordBatch(arrow.NewSchema(fields, nil), columns, rows))
	if status.Code(err) != codes.ResourceExhausted || !strings.Contains(statusOf(err).Message(), "values for itself") {
		t.Errorf("got %v", err)
	}
}

// Messages of a join may be compressed with gzip as others are, and inflate no further.
func TestMessagesOfAJoinAreInflatedWithinTheirLimit(t *testing.T) {
	r := start(t)
	for name, c := range map[string]struct {
		body int
		code codes.Code
	}{
		"within": {0, codes.OK},
		"beyond": {1 << 20, codes.ResourceExhausted},
	} {
		stream := must(r.client.DoExchange(t.Context(), grpc.UseCompressor(gzip.Name)))(t)
		_ = stream.Send(&flight.FlightData{
			FlightDescriptor: &flight.FlightDescriptor{Type: flight.DescriptorCMD, Cmd: encoded(r.request)},
			AppMetadata:      make([]byte, c.body),
		})
		sent := call{stream: stream}
		sent.send(labels(0, 3))
		if _, _, err := read(stream); status.Code(err) != c.code {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// A call that has no place is refused before its label rows are read, which could fill the memory.
func TestACallWithoutAPlaceIsRefusedUnread(t *testing.T) {
	r := start(t, func(c *server.Config) { c.Joins.Jobs, c.Joins.Queue = 1, -1 })
	entered := make(chan string, 1)
	r.engine.onScratch = func(folder string) { entered <- folder }
	r.exchange(r.request)
	<-entered
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	stream := must(r.client.DoExchange(ctx))(t)
	if _, err := stream.Recv(); status.Code(err) != codes.ResourceExhausted { // Nothing was sent.
		t.Errorf("got %v", err)
	}
}
