package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/document"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/jsonobject"
	"github.com/plumbstore/plumb/internal/project"
	"github.com/plumbstore/plumb/materialize"
	"github.com/plumbstore/plumb/store/offline"
)

// rowReader hands the rows of a file to yield, batch by batch.
type rowReader func(ctx context.Context, yield func(materialize.Rows) error) error

// pushFile returns how to read a file, which has to be there.
func pushFile(ctx context.Context, p *project.Project, view *feature.View, path string) (rowReader, error) {
	format := strings.ToLower(filepath.Ext(path))
	if !slices.Contains([]string{".parquet", ".csv", ".jsonl"}, format) {
		return nil, fault.Inputf("", "file %s has to end in .parquet, .csv or .jsonl", path)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fault.Inputf("", "cannot read file %s: %v", path, project.Reason(err))
	}
	if err := disk.CheckRegular(path, info); err != nil {
		return nil, fault.Inputf("", "cannot read file %s: %v", path, project.Reason(err))
	}
	if format == ".jsonl" {
		return func(ctx context.Context, yield func(materialize.Rows) error) error {
			return readJSONLines(ctx, view, path, yield)
		}, nil
	}
	files, err := p.Offline(ctx)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, yield func(materialize.Rows) error) error {
		return files.ReadRows(ctx, view, path, func(rows offline.FileRows) error { return yield(pushRows(view, rows)) })
	}, nil
}

// pushRows are rows of a file; those with a value that does not fit are refused.
func pushRows(view *feature.View, rows offline.FileRows) materialize.Rows {
	push := materialize.Rows{Keys: rows.Keys, Event: rows.Event, Created: rows.Created, Features: rows.Features,
		EventName: view.Source.EventTimestamp, CreatedName: view.Source.CreatedTimestamp}
	for _, misfit := range rows.Misfits {
		push.Refused = append(push.Refused, materialize.Refusal{
			Row: int64(misfit.Row), Field: misfit.Column, Reason: misfit.Reason,
		})
	}
	return push
}

// jsonBatch is how many rows of a .jsonl file are pushed at once.
const jsonBatch = 4096

// maxLine bounds a line, in bytes, as the rows of a CSV file are bounded.
const maxLine = 64 << 20

// readJSONLines reads an object a line. Empty lines are no rows.
func readJSONLines(ctx context.Context, view *feature.View, path string, yield func(materialize.Rows) error) error {
	file, err := disk.OpenRegular(path)
	if err != nil {
		return fault.Inputf("", "cannot read file %s: %v", path, project.Reason(err))
	}
	defer file.Close()
	reader, rows := withoutMark(file), materialize.NewJSONRows(view)
	for number := 1; !errors.Is(err, io.EOF); number++ {
		var line []byte
		line, err = readLine(reader)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, bufio.ErrTooLong):
			return fault.Inputf("", "file %s: line %d has more than %d bytes; write one object on each line", path, number,
				maxLine)
		case err != nil && !errors.Is(err, io.EOF):
			return fmt.Errorf("read %s: %w", path, err)
		}
		addLine(rows, line)
		if rows.Len() == jsonBatch || errors.Is(err, io.EOF) && rows.Len() > 0 {
			if err := yield(rows.Rows()); err != nil {
				return err
			}
		}
	}
	return nil
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

func addLine(rows *materialize.JSONRows, line []byte) {
	text := strings.TrimSpace(string(line))
	if text == "" {
		return
	}
	names, values, err := parseObject(text)
	if err != nil {
		rows.Refuse("", err.Error())
		return
	}
	rows.Add(names, values)
}

var errNoObject = errors.New("the line is not a JSON object, or no whole one")

// parseObject reads one JSON object.
func parseObject(text string) (names []string, values []any, err error) {
	if utf8.ValidString(text) && !json.Valid([]byte(text)) {
		return nil, nil, errNoObject
	}
	if err := document.CheckJSON([]byte(text)); err != nil {
		return nil, nil, fmt.Errorf("the line %w", err)
	}
	object, err := jsonobject.Read([]byte(text))
	if err != nil {
		return nil, nil, errNoObject
	}
	values, err = object.Decoded()
	return object.Names, values, err
}
