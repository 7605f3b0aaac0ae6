package push

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/fault"
)

// linesAtOnce is how many rows of a file of JSON objects are yielded at once.
const linesAtOnce = 4096

// maxLine bounds a line, in bytes, as the rows of a CSV file are bounded.
const maxLine = 64 << 20

// Lines decodes a file with a JSON object on each line, as JSON decodes each. Empty lines are no rows.
type Lines struct{ Path string }

// Decode implements Decoder.
func (l Lines) Decode(ctx context.Context, view *feature.View, yield func(Rows) error) error {
	file, err := disk.OpenRegular(l.Path)
	if err != nil {
		return fault.Inputf("", "cannot read file %s: %v", l.Path, disk.Reason(err))
	}
	defer file.Close()
	reader, rows := withoutMark(file), newObjects(view, "line")
	for number := 1; !errors.Is(err, io.EOF); number++ {
		var line []byte
		line, err = readLine(reader)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, bufio.ErrTooLong):
			return fault.Inputf("", "file %s: line %d has more than %d bytes; write one object on each line", l.Path, number,
				maxLine)
		case err != nil && !errors.Is(err, io.EOF):
			return fmt.Errorf("read %s: %w", l.Path, err)
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			rows.add(line)
		}
		if rows.len() == linesAtOnce || errors.Is(err, io.EOF) && rows.len() > 0 {
			if err := yield(rows.take()); err != nil {
				return err
			}
		}
	}
	return nil
}

// withoutMark skips the byte order mark with which some programs begin a file.
func withoutMark(file io.Reader) *bufio.Reader {
	reader := bufio.NewReader(file)
	if start, err := reader.Peek(3); err == nil && string(start) == "\ufeff" {
		_, _ = reader.Discard(3)
	}
	return reader
}

// readLine reads up to the end of a line, or fails with bufio.ErrTooLong.
func readLine(from *bufio.Reader) (line []byte, err error) {
	for {
		part, err := from.ReadSlice('\n')
		if len(line)+len(part) > maxLine {
			return nil, bufio.ErrTooLong
		}
		line = append(line, part...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}
