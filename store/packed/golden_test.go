package packed_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plumbstore/plumb/store/online/onlinetest"
	"github.com/plumbstore/plumb/store/packed"
	"github.com/plumbstore/plumb/store/storetest"
)

var update = flag.Bool("update", false, "write the golden files")

// keySamples and rowSamples have one line for each case: its name, and its bytes.
func keySamples(t *testing.T) string {
	var text strings.Builder
	for _, c := range keyCases {
		fmt.Fprintf(&text, "%s: %x\n", c.name, encodeKey(t, c.key))
	}
	return text.String()
}

func rowSamples(t *testing.T) string {
	var text strings.Builder
	for _, c := range rowCases() {
		fmt.Fprintf(&text, "%s: %x\n", c.name, c.pack(t).Value)
	}
	return text.String()
}

func TestTheBytesOfKeysAndRowsArePinned(t *testing.T) {
	for name, got := range map[string]string{"keys.golden": keySamples(t), "rows.golden": rowSamples(t)} {
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if want := readFile(t, path); got != want {
			t.Errorf("%s differs: stored rows can no longer be found or read. Where that is meant, raise the format's version, "+
				"keep a sample of the old one in testdata/compat/store and run with -update.\n%s", name, got)
		}
	}
}

// The samples in testdata/compat are never rewritten: what some version has stored stays readable.
func TestSamplesOfEveryFormatStayReadable(t *testing.T) {
	rows := onlinetest.Samples(t, "row-v*.txt")
	origins := map[string]packed.Origin{"row-v1.txt": 0, "row-v2.txt": storetest.SampleOrigin,
		"row-v4.txt": storetest.SampleOrigin}
	if len(rows) != len(origins) {
		t.Fatalf("there are samples of %d formats, want %d", len(rows), len(origins))
	}
	for _, c := range rowCases() {
		for file, values := range rows {
			value, ok := values[c.name]
			if !ok {
				continue
			}
			t.Run(file+"/"+c.name, func(t *testing.T) {
				if file != "row-v4.txt" {
					value = upgrade(t, value)
				}
				c.checkUnpacks(t, value, origins[file])
			})
		}
	}
}

func upgrade(t *testing.T, old []byte) []byte {
	t.Helper()
	value, err := packed.Upgrade(old)
	if err != nil {
		t.Fatalf("Upgrade: %v", err)
	}
	return value
}

// Keys are looked up by their bytes, so there can be one version of them only for as long as rows are kept.
func TestSamplesOfKeysStayFindable(t *testing.T) {
	for file, keys := range onlinetest.Samples(t, "key-v1.txt") {
		for _, c := range keyCases {
			want, ok := keys[c.name]
			if got := encodeKey(t, c.key); ok && !bytes.Equal(got, want) {
				t.Errorf("%s: %s is now %x, was %x", file, c.name, got, want)
			}
		}
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
