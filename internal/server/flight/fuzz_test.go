package flight_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/flight"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/plumbstore/plumb/internal/hostiletest"
	"github.com/plumbstore/plumb/store/duckdb"
)

// callLimit is for the server, its engine and the client together.
var callLimit = hostiletest.Limit{Allocated: 512 << 20, Resident: 1 << 30, Time: time.Minute}

// messages are what a client sends: the request, the schema, a batch and its body.
type messages struct{ request, schema, batch, body []byte }

// gathered are messages in place of a stream.
type gathered struct {
	flight.DataStreamWriter
	sent []*flight.FlightData
}

func (g *gathered) Send(message *flight.FlightData) error {
	g.sent = append(g.sent, proto.Clone(message).(*flight.FlightData))
	return nil
}

// wellFormed are messages that are answered.
func (r *running) wellFormed(options ...ipc.Option) messages {
	var to gathered
	rows := labels(0, 20)
	writer := flight.NewRecordWriter(&to, append(options, ipc.WithSchema(rows.Schema()))...)
	ok(r.t, writer.Write(rows))
	ok(r.t, writer.Close())
	return messages{encoded(r.request), to.sent[0].GetDataHeader(), to.sent[1].GetDataHeader(), to.sent[1].GetDataBody()}
}

// hostile are calls that ended the process once.
func (r *running) hostile() (all []messages) {
	files, err := filepath.Glob("testdata/schema-too-long-*.json")
	ok(r.t, err)
	for _, file := range files {
		text, err := os.ReadFile(file)
		ok(r.t, err)
		var sent []string
		ok(r.t, json.Unmarshal(text, &sent))
		of := messages{request: encoded(r.request)}
		for i, into := range []*[]byte{&of.schema, &of.batch} {
			if i+1 < len(sent) {
				content, err := hex.DecodeString(sent[i+1])
				ok(r.t, err)
				data := &flight.FlightData{}
				ok(r.t, proto.Unmarshal(content, data))
				*into, of.body = data.GetDataHeader(), data.GetDataBody()
			}
		}
		all = append(all, of)
	}
	return all
}

// send sends the messages: they are answered, or the status says what is wrong with them.
func (r *running) send(t *testing.T, sent messages) {
	t.Helper()
	content := bytes.Join([][]byte{sent.request, sent.schema, sent.batch, sent.body}, nil)
	callLimit.Within(t, content, func(ctx context.Context) {
		stream := must(r.client.DoExchange(ctx))(t)
		for _, message := range []*flight.FlightData{
			{FlightDescriptor: &flight.FlightDescriptor{Type: flight.DescriptorCMD, Cmd: sent.request}},
			{DataHeader: sent.schema}, {DataHeader: sent.batch, DataBody: sent.body},
		} {
			_ = stream.Send(message) // If it fails, the answer says why.
		}
		_ = stream.CloseSend()
		var err error
		for err == nil {
			_, err = stream.Recv()
		}
		switch status.Code(err) {
		case codes.InvalidArgument, codes.NotFound, codes.FailedPrecondition, codes.ResourceExhausted:
		default:
			if err != io.EOF { //nolint:errorlint // gRPC returns it bare.
				t.Errorf("got %v", err)
			}
		}
	})
}

// bounded is a server with one slot, whose engine has little memory.
func startBounded(t testing.TB) *running {
	return startWith(t, "", duckdb.Config{MemoryLimit: "256MB", Threads: 1})
}

// FuzzExchange sends anything as a request and label rows.
func FuzzExchange(f *testing.F) {
	r := startBounded(f)
	for _, sent := range append(r.hostile(), r.wellFormed(), r.wellFormed(ipc.WithZstd()), r.wellFormed(ipc.WithLZ4())) {
		f.Add(sent.request, sent.schema, sent.batch, sent.body)
	}
	f.Fuzz(func(t *testing.T, request, schema, batch, body []byte) {
		r.send(t, messages{request, schema, batch, body})
	})
}

func TestDamagedMessagesOfAJoinAreRefusedWithinTheirLimit(t *testing.T) {
	r := startBounded(t)
	for _, whole := range []messages{r.wellFormed(), r.wellFormed(ipc.WithZstd()), r.wellFormed(ipc.WithLZ4())} {
		r.send(t, whole)
		for n := range 650 {
			damaged := whole
			part := []*[]byte{&damaged.request, &damaged.schema, &damaged.batch, &damaged.body}[n%4]
			*part = hostiletest.Mutation(*part, n)
			r.send(t, damaged)
		}
	}
}
