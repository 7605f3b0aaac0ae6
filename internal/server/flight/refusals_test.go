package flight_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/flight"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/plumbstore/plumb/internal/server"
)

// expect compares the status of an error that must be there.
func expect(t *testing.T, err error, code, message string) {
	t.Helper()
	if got := statusOf(err); got.Code().String() != code || got.Message() != message {
		t.Errorf("want %s: %s\ngot %v", code, message, err)
	}
}

// statusOf is the status within an error, which readers of Arrow wrap.
func statusOf(err error) *status.Status {
	if within, ok := errors.AsType[interface {
		error
		GRPCStatus() *status.Status
	}](err); ok {
		return within.GRPCStatus()
	}
	return status.Convert(err)
}

// texts are values of a column.
func texts(values ...string) arrow.Array {
	builder := array.NewStringBuilder(memory.DefaultAllocator)
	defer builder.Release()
	builder.AppendValues(values, nil)
	return builder.NewArray()
}

// nullTimes are instants of which the last two are null.
func nullTimes() arrow.Array {
	micros := arrow.FixedWidthTypes.Timestamp_us.(*arrow.TimestampType)
	builder := array.NewTimestampBuilder(memory.DefaultAllocator, micros)
	defer builder.Release()
	builder.AppendValues([]arrow.Timestamp{1, 0, 0}, []bool{true, false, false})
	return builder.NewArray()
}

func TestWrongLabelsAreRefusedInTheWordsOfTheFileJoin(t *testing.T) {
	r := start(t)
	for name, rows := range map[string]arrow.RecordBatch{
		"no key column":           renamed(labels(0, 3), "n", "port"),
		"no time column":          renamed(labels(0, 3), "n", "airport", "at"),
		"neither":                 renamed(labels(0, 3), "a", "b", "c"),
		"text for times":          replaced(labels(0, 3), 2, texts("today", "yesterday", "now")),
		"null times, counted":     replaced(labels(0, 3), 2, nullTimes()),
		"two columns of one name": renamed(labels(0, 3), "airport", "airport"),
		"no columns":              array.NewRecordBatch(arrow.NewSchema(nil, nil), nil, 3),
		"the name of a feature":   renamed(labels(0, 3), "temp"),
	} {
		t.Run(name, func(t *testing.T) {
			planned, err := r.planned(r.write("data/wrong.arrow", rows), "the label table")
			if err == nil {
				_, err = planned.Stream(t.Context(), func(arrow.RecordBatch) error { return nil })
			}
			if err == nil {
				t.Fatal("the file join takes it")
			}
			_, _, got := r.join(r.request, rows)
			expect(t, got, "InvalidArgument", strings.ReplaceAll(err.Error(), "\n", "; "))
		})
	}
}

func TestRequestsThatAreNoneAreRefused(t *testing.T) {
	r := start(t)
	fields := "it has featureService, features, fullNames, timestampColumn, statuses, eventTimestamps, asKnown, " +
		"provenance, manifest, progress, labelsFile"
	for name, c := range map[string]struct {
		request       any
		code, message string
	}{
		"no JSON": {"delay_model", "InvalidArgument",
			`the command is not a JSON object; give one such as {"featureService": "NAME"}`},
		"null": {"null", "InvalidArgument",
			`the command is not a JSON object; give one such as {"featureService": "NAME"}`},
		"fields that are unknown, all of them": {`{"featureServise": "delay_model", "zone": 1}`, "InvalidArgument",
			`the command has no field "featureServise"; did you mean "featureService"?; the command has no field "zone"; ` +
				fields},
		"a field within a field": {`{"features": {"names": []}}`, "InvalidArgument",
			`the command is no plumb.v1.HistoricalRequest in JSON: (line 1:15): unknown field "names"`},
		"another type": {`{"featureService": 3}`, "InvalidArgument",
			"the command is no plumb.v1.HistoricalRequest in JSON: (line 1:20): invalid value for string field " +
				"featureService: 3"},
		"nothing selected": {`{}`, "InvalidArgument", "selection: exactly one field is required in oneof"},
		"an unknown service": {`{"featureService": "delay_mode"}`, "NotFound",
			`no feature service is named "delay_mode"; did you mean "delay_model"?`},
		"a label file": {r.with("labelsFile", "data/labels.parquet"), "InvalidArgument",
			"labels_file: belongs to DoGet; in DoExchange the label rows follow the command"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := r.join(c.request, labels(0, 3))
			expect(t, err, c.code, c.message)
		})
	}
	_, _, err := r.get(r.request)
	expect(t, err, "InvalidArgument",
		"labels_file: is missing; name a label file on the server, or send the label rows with DoExchange")
}

func TestACallWithoutACommandIsRefused(t *testing.T) {
	r := start(t)
	for name, descriptor := range map[string]*flight.FlightDescriptor{
		"none": nil, "a path": {Type: flight.DescriptorPATH, Path: []string{"delay_model"}},
	} {
		t.Run(name, func(t *testing.T) {
			stream := must(r.client.DoExchange(t.Context()))(t)
			ok(t, stream.Send(&flight.FlightData{FlightDescriptor: descriptor}))
			_, err := stream.Recv()
			expect(t, err, "InvalidArgument", `the descriptor has no command; give one such as {"featureService": "NAME"}`)
		})
	}
}

func TestLabelRowsThatAreNoneAreRefused(t *testing.T) {
	r := start(t)
	for name, c := range map[string]struct {
		send    func(*flight.Writer, flight.FlightService_DoExchangeClient)
		message string
	}{
		"none at all": {
			func(*flight.Writer, flight.FlightService_DoExchangeClient) {},
			"the label table: no rows came, not even their schema; write them after the command",
		},
		"a second schema": {
			func(writer *flight.Writer, stream flight.FlightService_DoExchangeClient) {
				_ = writer.Write(labels(0, 3))
				other := renamed(labels(3, 6), "m")
				_ = flight.NewRecordWriter(stream, ipc.WithSchema(other.Schema())).Write(other)
			},
			"the label table: a second schema came after the first; all batches of a call must have one schema",
		},
		"a batch with fewer columns": {
			func(writer *flight.Writer, stream flight.FlightService_DoExchangeClient) {
				_ = writer.Write(labels(0, 3))
				_ = sendRows(stream, arrow.NewSchema(labelSchema.Fields()[:1], nil), labels(3, 6).Columns()[:1])
			},
			"the label table: a message cannot be read: the metadata of a message is damaged: a batch has 1 columns where ",
		},
		"text that is no UTF-8": {
			func(writer *flight.Writer, _ flight.FlightService_DoExchangeClient) {
				_ = writer.Write(labels(0, 3))
				_ = writer.Write(replaced(labels(3, 6), 1, texts("EWR", "\xff", "JFK")))
			},
			"the label table: the batch after row 3 is damaged: column 1 (airport): string at index 1 is not valid utf8: ",
		},
		"bytes that are no Arrow": {
			func(_ *flight.Writer, stream flight.FlightService_DoExchangeClient) {
				_ = stream.Send(&flight.FlightData{DataHeader: []byte("this is no header at all"), DataBody: []byte("x")})
			},
			"the label table: a message cannot be read: the metadata of a message is damaged: ",
		},
	} {
		t.Run(name, func(t *testing.T) {
			call := r.exchange(r.request)
			c.send(flight.NewRecordWriter(call.stream, ipc.WithSchema(labelSchema)), call.stream)
			ok(t, call.stream.CloseSend())
			_, _, err := read(call.stream)
			if status.Code(err) != codes.InvalidArgument || !strings.HasPrefix(statusOf(err).Message(), c.message) {
				t.Errorf("want InvalidArgument: %s\ngot %v", c.message, err)
			}
		})
	}
}

// sendRows sends a batch without its schema.
func sendRows(stream flight.FlightService_DoExchangeClient, schema *arrow.Schema, columns []arrow.Array) error {
	batch := array.NewRecordBatch(schema, columns, int64(columns[0].Len()))
	return flight.NewRecordWriter(&afterFirst{DataStreamWriter: stream}, ipc.WithSchema(schema)).Write(batch)
}

// afterFirst leaves the first message out.
type afterFirst struct {
	flight.DataStreamWriter
	begun bool
}

func (a *afterFirst) Send(message *flight.FlightData) error {
	if !a.begun {
		a.begun = true
		return nil
	}
	return a.DataStreamWriter.Send(message)
}

func TestLabelRowsBeyondTheBoundsAreRefused(t *testing.T) {
	r := start(t, func(c *server.Config) { c.Joins.SpoolBytes = 100_000 })
	if _, _, err := r.join(r.request, labels(0, 1000)); err != nil {
		t.Errorf("within the bound: %v", err)
	}
	_, _, err := r.join(r.request, labels(0, 1000), labels(1000, 10_000))
	expect(t, err, "ResourceExhausted", "the label table takes more than the 100000 bytes that one call may send; send "+
		"fewer rows or columns, raise serving.flight_spool there, or name a file on the server with DoGet")

	c := r.exchange(r.request)
	ok(t, c.stream.Send(&flight.FlightData{DataHeader: []byte("x"), DataBody: make([]byte, 65<<20)}))
	_, err = c.stream.Recv()
	expect(t, err, "ResourceExhausted", "the message has 68157449 bytes; at most 67108864 are taken: send batches of "+
		"fewer rows")
}

func TestAMessageThatInflatesBeyondTheBoundIsRefused(t *testing.T) {
	r := start(t)
	c := r.exchange(r.request)
	huge := replaced(labels(0, 1), 0, texts(strings.Repeat("a", 300<<20)))
	writer := flight.NewRecordWriter(c.stream, ipc.WithSchema(huge.Schema()), ipc.WithZstd())
	_ = writer.Write(huge) // If it fails, the answer says why.
	ok(t, c.stream.CloseSend())
	_, _, err := read(c.stream)
	expect(t, err, "ResourceExhausted",
		"the label table: a compressed message is larger than 256 MiB once inflated; send batches of fewer rows")
}

func TestFlightsAreListedAndDescribed(t *testing.T) {
	r := start(t)
	list := must(r.client.ListFlights(t.Context(), &flight.Criteria{}))(t)
	info := must(list.Recv())(t)
	if got := string(info.GetFlightDescriptor().GetCmd()); got != `{"featureService":"delay_model"}` {
		t.Errorf("the only service is listed as %s", got)
	}
	command := func(request any) *flight.FlightDescriptor {
		return &flight.FlightDescriptor{Type: flight.DescriptorCMD, Cmd: encoded(request)}
	}
	asked := map[string]string{"featureService": "delay_model", "labelsFile": "data/labels.parquet"}
	described := must(r.client.GetFlightInfo(t.Context(), command(asked)))(t)
	if len(described.GetEndpoint()) != 1 || len(described.GetEndpoint()[0].GetLocation()) != 0 {
		t.Fatalf("the endpoints are %v", described.GetEndpoint())
	}
	got, report, err := r.get(string(described.GetEndpoint()[0].GetTicket().GetTicket()))
	ok(t, err)
	if got.NumRows() == 0 || got.NumRows() != report.GetRows() || len(report.GetViews()) != 5 {
		t.Errorf("the ticket gives %d rows and %v", got.NumRows(), report)
	}

	_, err = r.client.GetFlightInfo(t.Context(), command(r.request))
	expect(t, err, "InvalidArgument",
		"labels_file: is missing; name a label file on the server, or send the label rows with DoExchange")
	_, err = r.client.GetSchema(t.Context(), command(r.request))
	if status.Code(err) != codes.Unimplemented || !strings.Contains(err.Error(), "follows from its labels") {
		t.Errorf("GetSchema: %v", err)
	}
	put := must(r.client.DoPut(t.Context()))(t)
	_, err = put.Recv()
	if status.Code(err) != codes.Unimplemented || !strings.Contains(err.Error(), "DoExchange") {
		t.Errorf("DoPut: %v", err)
	}
}
