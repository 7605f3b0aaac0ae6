package connect_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/plumbstore/plumb/internal/hostiletest"
	"github.com/plumbstore/plumb/store/spark/connect"
)

var messageLimit = hostiletest.Limit{Allocated: 32 << 20, Time: time.Minute}

func TestMessagesThatAreWholeAreRead(t *testing.T) {
	if _, err := connect.Read(connect.SampleResponse()); err == nil {
		t.Error("rows are read as a schema")
	}
	want := "STRUCT<`l`: ARRAY<STRUCT<`a`: BIGINT>>, `m`: MAP<STRING, ARRAY<STRUCT<`a`: BIGINT>>>, `d`: DECIMAL(20,3)>"
	if got, _ := connect.Read(connect.SampleSchema()); got != want {
		t.Errorf("the type is %s", got)
	}
	if got := connect.SampleProgress(); got != (connect.Progress{Stages: 2, StagesDone: 1, Tasks: 3, TasksDone: 1,
		Running: 2, Bytes: 9}) {
		t.Errorf("the progress is %+v", got)
	}
	edited, err := connect.Edit(connect.SampleResponse(), func(*connect.ExecuteResponse) {})
	if err != nil || !bytes.Equal(edited, connect.SampleResponse()) {
		t.Errorf("a message that is read and written again is %x, %v", edited, err)
	}
}

func TestDamagedMessagesAreRefusedOrReadInBounds(t *testing.T) {
	for _, sample := range [][]byte{connect.SampleResponse(), connect.SampleSchema()} {
		for n := range 5_000 {
			_, _ = connect.Read(hostiletest.Mutation(sample, n)) // Not to panic is enough.
		}
	}
	deep := []byte{}
	for range 5_000 {
		deep = nested(1, nested(20, deep)) // An array of arrays.
	}
	stages := bytes.Repeat(nested(1, nil), 1<<20)
	columns := bytes.Repeat(nested(1, nil), 1<<20)
	for name, message := range map[string][]byte{
		"deep types":       nested(2, nested(1, nested(20, deep))),
		"many stages":      nested(18, stages),
		"many columns":     nested(2, nested(1, nested(21, columns))),
		"unknown fields":   bytes.Repeat([]byte{0x98, 0x3f, 1}, 1<<20),
		"a wire type":      {0x0a &^ 7, 1},
		"text of no UTF-8": {0x0a, 1, 0xff},
	} {
		messageLimit.Within(t, message, func(context.Context) {
			_, err := connect.Read(message)
			if (err == nil) != (name == "unknown fields") {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
}

func nested(number protowire.Number, content []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), content)
}

// FuzzMessage reads anything as a message of Spark.
func FuzzMessage(f *testing.F) {
	f.Add(connect.SampleResponse())
	f.Add(connect.SampleSchema())
	f.Fuzz(func(t *testing.T, message []byte) {
		messageLimit.Within(t, message, func(context.Context) { _, _ = connect.Read(message) })
	})
}
