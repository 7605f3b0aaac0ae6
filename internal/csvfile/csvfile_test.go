package csvfile_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/plumbstore/plumb/internal/csvfile"
	"github.com/plumbstore/plumb/internal/fault"
)

// read returns the rows as text, the names first, with <null> for null.
func read(input io.Reader) ([][]string, error) {
	reader, err := csvfile.NewReader(input)
	if err != nil {
		return nil, err
	}
	rows := [][]string{reader.Names()}
	for {
		fields, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return rows, err
		}
		var row []string
		for _, field := range fields {
			if text := string(field.Text); field.Null {
				row = append(row, "<null>"+text)
			} else {
				row = append(row, text)
			}
		}
		rows = append(rows, row)
	}
}

func TestR6_FilesOfAllWritersAreRead(t *testing.T) {
	long := strings.Repeat("y", 3_000_000)
	for name, test := range map[string]struct {
		text string
		want [][]string
	}{
		"plain":                     {"a,b\n1,2\n", [][]string{{"a", "b"}, {"1", "2"}}},
		"no last line end":          {"a,b\n1,2", [][]string{{"a", "b"}, {"1", "2"}}},
		"a BOM before a quote":      {"\ufeff\"a\",\"b\"\r\n\"1\",\"2\"\r\n", [][]string{{"a", "b"}, {"1", "2"}}},
		"mixed line ends":           {"a,b\r\n1,2\n3,4\r\n", [][]string{{"a", "b"}, {"1", "2"}, {"3", "4"}}},
		"blank lines":               {"\n\r\na,b\n\n1,2\r\n\r\n", [][]string{{"a", "b"}, {"1", "2"}}},
		"a BOM and a blank line":    {"\ufeff\na\n1\n", [][]string{{"a"}, {"1"}}},
		"unnamed columns":           {",k\n0,x\n", [][]string{{"", "k"}, {"0", "x"}}},
		"null and empty":            {"a,b\n,\"\"\n\"\",\n", [][]string{{"a", "b"}, {"<null>", ""}, {"", "<null>"}}},
		"lines in quotes":           {"a,b\n\"x\r\ny\n\n\",\"\n\"\n", [][]string{{"a", "b"}, {"x\r\ny\n\n", "\n"}}},
		"quotes":                    {"a,b\n\"\"\"\",\"x\"\"y\"\n", [][]string{{"a", "b"}, {"\"", "x\"y"}}},
		"a quote within plain text": {"a,b\n5\" pipe,2\n", [][]string{{"a", "b"}, {"5\" pipe", "2"}}},
		"spaces":                    {"a, b\n 1 ,\t\n", [][]string{{"a", " b"}, {" 1 ", "\t"}}},
		"a zero byte in a value":    {"a,b\n\x00,2\n", [][]string{{"a", "b"}, {"\x00", "2"}}},
		"a long line": {"a,b\n" + long + ",\"" + long + "\n\"\n1,2\n", [][]string{{"a", "b"}, {long, long +
			"\n"}, {"1", "2"}}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := read(strings.NewReader(test.text))
			if err != nil || fmt.Sprint(got) != fmt.Sprint(test.want) {
				t.Errorf("%.200q, %v", got, err)
			}
		})
	}
}

func TestWhatIsWrongIsSaid(t *testing.T) {
	for _, test := range []struct{ text, says string }{
		{"", "it is empty; its first line has to name the columns"},
		{"\n\n", "it is empty; its first line has to name the columns"},
		{"k;event_timestamp\na;2024-02-01\n", "its columns are separated by semicolons; write it with commas"},
		{"\"k\";\"t\"\n", "its columns are separated by semicolons; write it with commas"},
		{"k\tt\n", "its columns are separated by tabs; write it with commas"},
		{"\xff\xfek\x00,\x00", "it is UTF-16; save it as UTF-8"},
		{"k\x00,\x00t\x00\n\x00", "it is UTF-16 without a byte order mark; save it as UTF-8"},
		{"\x00k\x00,\x00t\x00\n", "it is UTF-16 without a byte order mark; save it as UTF-8"},
		{"k,caf\xe9\na,1\n", "line 1 is not UTF-8; save the file as UTF-8"},
		{"k,t\na,1\n\"b\n\xe9\",1\n", "line 3 is not UTF-8; save the file as UTF-8"},
		{"k,t\ra,1\r", "line 1 has a carriage return (CR) without a line feed (LF); end lines with LF or CRLF, and quote " +
			"texts that hold a CR"},
		{"k,t\n\na,1\nb\n", "the number of columns in line 4 is 1, and not 2 as in the first line"},
		{"k,t\na,1,\n", "the number of columns in line 2 is 3, and not 2 as in the first line"},
		{"k,t\na,\"1\nb,2\n", "a quote that opens in line 2 is never closed"},
		{"k,t\na,\"1\" \n", "line 2 has text after a closing quote; quote the whole field, and write a quote in it twice"},
		{"k,t\na, \"1\"\n", "line 2 has a space before a quote; quotes have to begin right after the comma"},
		{"PK\x03\x04", "it is a ZIP archive, such as an Excel workbook; save it as CSV in UTF-8"},
		{"k,t\n" + strings.Repeat("y", 65<<20) + ",1\n",
			"the row that begins in line 2 is longer than 64 MiB; is a quote not " +
				"closed?"},
		{"k,t\na,\"" + strings.Repeat("y\n", 33<<20), "the row that begins in line 2 is longer than 64 MiB; is a quote not " +
			"closed?"},
	} {
		_, err := read(strings.NewReader(test.text))
		var input *fault.InputError
		if !errors.As(err, &input) || input.Message != test.says {
			t.Errorf("%.50q: %v", test.text, err)
		}
	}
}

// FuzzRead checks what is read against the reader of Go's library, for input that both read alike. Go's reader removes
// a carriage return before each line feed, and has no nulls.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"a,b\n1,2\n", "\ufeff\"a\",b\r\n\"x\r\ny\",\n", ",k\n\"\"\"\",5\"\n", "a\n\n\"\"\n", "a,b\n\"1\n", "k;t\n",
		"a,b\r\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		got, err := read(bytes.NewReader(content))
		if err != nil || bytes.Contains(content, []byte("\r")) {
			return
		}
		library := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(content, []byte("\ufeff"))))
		library.LazyQuotes = true
		want, err := library.ReadAll()
		if err != nil {
			t.Fatalf("the library says %v, and this was read: %q", err, got)
		}
		for _, row := range got {
			for i := range row {
				row[i] = strings.TrimPrefix(row[i], "<null>")
			}
		}
		if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
			t.Errorf("read %q, want %q", got, want)
		}
	})
}
