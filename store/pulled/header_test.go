package pulled_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/store/pulled"
)

// A file of each version of the header is kept, never changed.
func TestAFileOfVersion1IsRead(t *testing.T) {
	state, err := pulled.Read("testdata/compat/version1")
	if err != nil {
		t.Fatal(err)
	}
	if state.Rows != 2 || state.Timeless != 1 || state.Files != 1 ||
		state.Latest.String() != "2024-05-01T00:00:00.000000Z" ||
		!strings.HasPrefix(state.Database, "postgres://127.0.0.1:") {
		t.Errorf("got %+v", state)
	}
}

func TestHeadersThatAreNone_AreRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":                            "it was not made by plumb pull",
		"{":                           "what it says of its pull is damaged",
		`{"version":0}`:               "what it says of its pull is damaged",
		`{"version":1,"rows":1}`:      "what it says of its pull is damaged",
		`{"version":1,"timeless":1}`:  "what it says of its pull is damaged",
		`{"version":1,"timeless":-1}`: "what it says of its pull is damaged",
		`{"version":2,"rows":"0"}`:    "written by a newer version of plumb",
		`{"version":2}`:               "written by a newer version of plumb",
	} {
		folder := t.TempDir()
		file, err := os.Create(filepath.Join(folder, "00000001-00000001.parquet"))
		if err != nil {
			t.Fatal(err)
		}
		schema := arrow.NewSchema([]arrow.Field{{Name: "x", Type: arrow.PrimitiveTypes.Int32}}, nil)
		writer, err := pqarrow.NewFileWriter(schema, file, parquet.NewWriterProperties(), pqarrow.DefaultWriterProps())
		if err != nil {
			t.Fatal(err)
		}
		if text != "" {
			err = writer.AppendKeyValueMetadata("plumb.pull", text)
		}
		if err := errors.Join(err, writer.Close()); err != nil {
			t.Fatal(err)
		}
		_, err = pulled.Read(folder)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
		if newer := errors.Is(err, fault.ErrNewer); newer != strings.Contains(want, "newer") {
			t.Errorf("%s: newer is %v", text, newer)
		}
	}
}
