// Package csvfile reads CSV files as every command takes them: RFC 4180 in UTF-8, with commas between the columns and
// their names in the first line. Lines may end in LF or CRLF, also mixed; a byte order mark and empty lines are passed
// over. An empty field is null, and "" is the empty text. Text is never trimmed or changed.
//
// The row
//
//	a,,"","1,5"
//
// has the fields a, null, the empty text, and 1,5. The standard library's encoding/csv is not used, since it does not
// distinguish the second field from the third, and turns CRLF within quotes into LF.
package csvfile

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"unicode/utf8"

	"github.com/plumbstore/plumb/internal/fault"
)

// maxRow bounds the memory that one row takes. A quote that is never closed makes a row of the rest of the file.
const maxRow = 64 << 20

// Field is one field of a row.
type Field struct {
	// Text is valid until the next row is read.
	Text []byte
	// Null says that the field is empty and not quoted.
	Null bool
}

// Reader reads a file row by row. What it says of a file that is no such CSV is a *fault.InputError, which names the
// line.
type Reader struct {
	input  *bufio.Reader
	names  []string
	fields []Field
	// row has the bytes of the row's fields, and ends the position at which each ends.
	row  []byte
	ends []int
	// nulls says which fields are null.
	nulls []bool
	// long is a line that is longer than the buffer of input.
	long []byte
	// lineEnd is how the last line ends.
	lineEnd string
	// line counts the lines that were read; start is the first of the row.
	line, start int
}

// NewReader reads the names of the columns.
func NewReader(input io.Reader) (*Reader, error) {
	r := &Reader{input: bufio.NewReaderSize(input, 1<<20)}
	if err := r.checkEncoding(); err != nil {
		return nil, err
	}
	fields, err := r.Read()
	if errors.Is(err, io.EOF) {
		return nil, fault.Inputf("", "it is empty; its first line has to name the columns")
	}
	if err != nil {
		return nil, err
	}
	for _, field := range fields {
		r.names = append(r.names, string(field.Text))
	}
	return r, checkNames(r.names)
}

// Names are the columns' names.
func (r *Reader) Names() []string { return r.names }

// Line is the line that the last row begins in, counted from 1.
func (r *Reader) Line() int { return r.start }

// Read returns the fields of the next row, which are valid until the next call, or io.EOF.
func (r *Reader) Read() ([]Field, error) {
	line, err := r.nextLine()
	for err == nil && len(line) == 0 {
		line, err = r.nextLine()
	}
	if err != nil {
		return nil, err
	}
	r.start = r.line
	r.row, r.ends, r.nulls = r.row[:0], r.ends[:0], r.nulls[:0]
	if err := r.split(line); err != nil {
		return nil, err
	}
	if !utf8.Valid(r.row) {
		return nil, fault.Inputf("", "line %d is not UTF-8; save the file as UTF-8", r.start)
	}
	if r.names != nil && len(r.ends) != len(r.names) {
		return nil, fault.Inputf("", "the number of columns in line %d is %d, and not %d as in the first line", r.start,
			len(r.ends), len(r.names))
	}
	r.fields = r.fields[:0]
	from := 0
	for i, end := range r.ends {
		r.fields = append(r.fields, Field{Text: r.row[from:end], Null: r.nulls[i]})
		from = end
	}
	return r.fields, nil
}

// split splits a line into fields. It reads further lines if a quoted field has more than one.
func (r *Reader) split(line []byte) error {
	rest, more := line, true
	for more {
		var err error
		if len(rest) > 0 && rest[0] == '"' {
			rest, more, err = r.quoted(rest[1:])
		} else {
			rest, more, err = r.plain(rest)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// plain takes a field that is not quoted. It returns what follows the comma, if there is one.
func (r *Reader) plain(rest []byte) (after []byte, more bool, err error) {
	field, after, more := bytes.Cut(rest, []byte{','})
	if trimmed := bytes.TrimLeft(field, " \t"); len(trimmed) > 0 && trimmed[0] == '"' {
		return nil, false, fault.Inputf("",
			"line %d has a space before a quote; quotes have to begin right after the comma",
			r.line)
	}
	if bytes.IndexByte(field, '\r') >= 0 {
		return nil, false, fault.Inputf("", "line %d has a carriage return (CR) without a line feed (LF); end lines with "+
			"LF or CRLF, and quote texts that hold a CR", r.line)
	}
	r.row = append(r.row, field...)
	r.end(len(field) == 0)
	return after, more, nil
}

// quoted takes the field after its opening quote. It returns what follows the comma, if there is one.
func (r *Reader) quoted(rest []byte) (after []byte, more bool, err error) {
	opened := r.line
	for {
		text, behind, closed := bytes.Cut(rest, []byte{'"'})
		r.row = append(r.row, text...)
		if len(r.row) > maxRow {
			return nil, false, tooLong(opened)
		}
		switch {
		case !closed:
			r.row = append(r.row, r.lineEnd...)
			rest, err = r.nextLine()
			if errors.Is(err, io.EOF) {
				err = fault.Inputf("", "a quote that opens in line %d is never closed", opened)
			}
			if err != nil {
				return nil, false, err
			}
		case len(behind) == 0:
			r.end(false)
			return nil, false, nil
		case behind[0] == ',':
			r.end(false)
			return behind[1:], true, nil
		case behind[0] == '"':
			r.row = append(r.row, '"')
			rest = behind[1:]
		default:
			return nil, false, r.afterQuote(behind[0])
		}
	}
}

func (r *Reader) afterQuote(next byte) error {
	if name, ok := separators[next]; ok && r.names == nil {
		return otherSeparator(name)
	}
	return fault.Inputf("", "line %d has text after a closing quote; quote the whole field, and write a quote in "+
		"it twice",
		r.line)
}

func (r *Reader) end(null bool) {
	r.ends, r.nulls = append(r.ends, len(r.row)), append(r.nulls, null)
}

// nextLine returns the next line without its end, or io.EOF. It is valid until the next call.
func (r *Reader) nextLine() ([]byte, error) {
	r.line++
	line, err := r.input.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		r.long = r.long[:0]
		for errors.Is(err, bufio.ErrBufferFull) {
			if r.long = append(r.long, line...); len(r.long) > maxRow {
				return nil, tooLong(r.line)
			}
			line, err = r.input.ReadSlice('\n')
		}
		r.long = append(r.long, line...)
		line = r.long
	}
	if errors.Is(err, io.EOF) && len(line) > 0 {
		err = nil
	}
	whole := len(line)
	if trimmed, ended := bytes.CutSuffix(line, []byte{'\n'}); ended {
		line = bytes.TrimSuffix(trimmed, []byte{'\r'})
	}
	r.lineEnd = lineEnds[whole-len(line)]
	return line, err
}

// lineEnds are the ends that a line may have, by their length.
var lineEnds = []string{"", "\n", "\r\n"}

func tooLong(line int) error {
	return fault.Inputf("", "the row that begins in line %d is longer than %d MiB; is a quote not closed?", line,
		maxRow>>20)
}
