package csvfile

import (
	"bytes"
	"strings"

	"github.com/plumbstore/plumb/internal/fault"
)

// foreign are the first bytes of files that are often taken for CSV, with what they are.
var foreign = []struct{ start, is string }{
	{"\xff\xfe", "it is UTF-16; save it as UTF-8"},
	{"\xfe\xff", "it is UTF-16; save it as UTF-8"},
	{"\x1f\x8b", "it is compressed with gzip; decompress it first"},
	{"\x28\xb5\x2f\xfd", "it is compressed with zstd; decompress it first"},
	{"PK\x03\x04", "it is a ZIP archive, such as an Excel workbook; save it as CSV in UTF-8"},
	{"PAR1", "it is a Parquet file; let its name end in .parquet"},
	{"ARROW1", "it is an Arrow file; let its name end in .arrow"},
}

// checkEncoding passes over a byte order mark of UTF-8, and refuses what is not text in UTF-8 at all. It is a check of
// the first bytes that names the mistake. Without it these files would fail too, but with an error about their lines,
// which are not the cause. A letter of ASCII has a zero byte in UTF-16, before or after its own.
func (r *Reader) checkEncoding() error {
	start, err := r.input.Peek(64)
	if len(start) == 0 && err == nil {
		return nil
	}
	for _, other := range foreign {
		if bytes.HasPrefix(start, []byte(other.start)) {
			return fault.Inputf("", "%s", other.is)
		}
	}
	if bytes.HasPrefix(start, []byte("\xef\xbb\xbf")) {
		_, err := r.input.Discard(3)
		return err
	}
	if bytes.IndexByte(start[:min(2, len(start))], 0) >= 0 {
		return fault.Inputf("", "it is UTF-16 without a byte order mark; save it as UTF-8")
	}
	return nil
}

// separators are those that other programs write.
var separators = map[byte]string{';': "semicolons", '\t': "tabs", '|': "vertical bars"}

func otherSeparator(name string) error {
	return fault.Inputf("", "its columns are separated by %s; write it with commas", name)
}

// checkNames refuses a first line that has not one comma, but another separator.
func checkNames(names []string) error {
	for i := range names[0] {
		if other, ok := separators[names[0][i]]; ok && len(names) == 1 {
			return otherSeparator(other)
		}
	}
	for _, name := range names {
		if strings.Contains(name, "\x00") {
			return fault.Inputf("", "the column %q has a zero byte in its name; is the file UTF-16? Save it as UTF-8", name)
		}
	}
	return nil
}
