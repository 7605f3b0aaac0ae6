package duckdb

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/registry"
	"github.com/plumbstore/plumb/store"
)

// The history of a view over CSV or JSON lines is read by the standard library alone and typed here, so that it shares
// with joins no reader and no cast.

// plainText is a value as a file spells it.
type plainText struct {
	text string
	null bool
}

// plainRow is a row by the folded names of its columns.
type plainRow map[string]plainText

// textHistory is History for a view over files of text.
func (e *Engine) textHistory(ctx context.Context, view *registry.View, yield func(arrow.RecordBatch) error) error {
	files, err := e.find(ctx, view.Source)
	if err != nil {
		return err
	}
	h := newPlainHistory(view)
	for _, path := range files.paths {
		number := 0
		err := readPlainRows(path, view.Source.Format, func(row plainRow) error {
			number++
			for _, name := range files.partitions {
				value := partitionValue(path, name)
				row[strings.ToLower(name)] = plainText{null: value == nil}
				if value != nil {
					row[strings.ToLower(name)] = plainText{text: *value}
				}
			}
			if err := h.add(row); err != nil {
				return registry.Inputf("", "row %d of %s: %v", number, path, err)
			}
			if h.builder.Field(0).Len() < csvBatchRows {
				return nil
			}
			return errors.Join(ctx.Err(), h.flush(yield))
		})
		if err != nil {
			return err
		}
	}
	return h.flush(yield)
}

// plainHistory gathers the rows of a view that can be seen: those with an event time and all keys.
type plainHistory struct {
	view    *registry.View
	builder *array.RecordBuilder
}

func newPlainHistory(view *registry.View) *plainHistory {
	var fields []arrow.Field
	for _, key := range view.Keys {
		fields = append(fields, arrow.Field{Name: key.Name, Type: store.ArrowType(key.Type)})
	}
	fields = append(fields, arrow.Field{Name: "event_ts", Type: arrow.PrimitiveTypes.Int64},
		arrow.Field{Name: "created_ts", Type: arrow.PrimitiveTypes.Int64, Nullable: true})
	schema := arrow.NewSchema(fields, nil)
	return &plainHistory{view: view, builder: array.NewRecordBuilder(memory.DefaultAllocator, schema)}
}

func (h *plainHistory) flush(yield func(arrow.RecordBatch) error) error {
	batch := h.builder.NewRecordBatch()
	defer batch.Release()
	return yield(batch)
}

func (h *plainHistory) add(row plainRow) error {
	at := func(column string) plainText {
		value, ok := row[strings.ToLower(column)]
		return plainText{text: value.text, null: value.null || !ok}
	}
	event, err := plainTime(at(h.view.Source.EventTimestamp))
	if err != nil || event == nil {
		return err
	}
	keys := make([]any, len(h.view.Keys))
	for i, key := range h.view.Keys {
		value := at(key.Name)
		if value.null {
			return nil
		}
		if keys[i], err = plainKey(value.text, key.Type); err != nil {
			return err
		}
	}
	var created *int64
	if name := h.view.Source.CreatedTimestamp; name != "" {
		if created, err = plainTime(at(name)); err != nil {
			return err
		}
	}
	for i, key := range keys {
		appendPlain(h.builder.Field(i), key)
	}
	h.builder.Field(len(keys)).(*array.Int64Builder).Append(*event)
	if last := h.builder.Field(len(keys) + 1).(*array.Int64Builder); created != nil {
		last.Append(*created)
	} else {
		last.AppendNull()
	}
	return nil
}

func appendPlain(builder array.Builder, value any) {
	switch value := value.(type) {
	case string:
		builder.(*array.StringBuilder).Append(value)
	case []byte:
		builder.(*array.BinaryBuilder).Append(value)
	case bool:
		builder.(*array.BooleanBuilder).Append(value)
	case int32:
		builder.(*array.Int32Builder).Append(value)
	case int64:
		builder.(*array.Int64Builder).Append(value)
	}
}

// plainKey is the key that a text spells: writing the key gives the text again (R9).
func plainKey(text string, declared plumbv1.Type) (any, error) {
	unfit := fmt.Errorf("%.100s does not fit %s exactly", text, declared)
	switch declared {
	case plumbv1.Type_STRING:
		return text, nil
	case plumbv1.Type_BYTES:
		if value, err := base64.StdEncoding.Strict().DecodeString(text); err == nil && !strings.ContainsAny(text, "\r\n") {
			return value, nil
		}
	case plumbv1.Type_BOOL:
		if text == "true" || text == "false" {
			return text == "true", nil
		}
	case plumbv1.Type_INT32:
		if value, err := strconv.ParseInt(text, 10, 32); err == nil && strconv.FormatInt(value, 10) == text {
			return int32(value), nil
		}
	case plumbv1.Type_INT64:
		if value, err := strconv.ParseInt(text, 10, 64); err == nil && strconv.FormatInt(value, 10) == text {
			return value, nil
		}
	}
	return nil, unfit
}

var timeText = regexp.MustCompile(`^([0-9]{4,6})-([0-9]{2})-([0-9]{2})` +
	`([T ]([0-9]{2}):([0-9]{2})(:([0-9]{2})(\.([0-9]+))?)?` +
	`(Z|([+-])([0-9]{2})(:?([0-9]{2}))?)?)?$`)

// plainTime is the instant that a text spells, in microseconds (R1); nil for null.
func plainTime(value plainText) (*int64, error) {
	if value.null {
		return nil, nil
	}
	found := timeText.FindStringSubmatch(value.text)
	if found == nil {
		return nil, fmt.Errorf("%.100s does not fit TIMESTAMP exactly", value.text)
	}
	number := func(group int) int {
		n, _ := strconv.Atoi(found[group]) // A group that is not there is 0; the others are digits.
		return n
	}
	at := time.Date(number(1), time.Month(number(2)), number(3), number(5), number(6), number(8), 0, time.UTC)
	if at.Day() != number(3) || int(at.Month()) != number(2) || number(5) > 23 || number(6) > 59 || number(8) > 59 {
		return nil, fmt.Errorf("%.100s does not fit TIMESTAMP exactly", value.text)
	}
	fraction, _ := strconv.Atoi((found[10] + "000000")[:6])
	offset := time.Duration(number(13))*time.Hour + time.Duration(number(15))*time.Minute
	if found[12] == "-" {
		offset = -offset
	}
	micros := at.Add(-offset).UnixMicro() + int64(fraction)
	return &micros, nil
}

// readPlainRows calls visit for each row of a file.
func readPlainRows(path string, format registry.Format, visit func(plainRow) error) error {
	opened, err := os.Open(path)
	if err != nil {
		return registry.Inputf("", "cannot read %s: %s", path, cmpError(err))
	}
	defer opened.Close()
	input := bufio.NewReader(opened)
	if mark, err := input.Peek(3); err == nil && string(mark) == "\ufeff" {
		if _, err := input.Discard(len(mark)); err != nil {
			return err
		}
	}
	next := plainObjects(input)
	if format == registry.CSV {
		next, err = plainRecords(input)
	}
	for err == nil {
		var row plainRow
		if row, err = next(); err == nil {
			err = visit(row)
		}
	}
	var mistake *registry.InputError
	switch {
	case errors.Is(err, io.EOF):
		return nil
	case errors.As(err, &mistake) || slices.Contains([]error{context.Canceled, context.DeadlineExceeded}, err):
		return err
	}
	return registry.Inputf("", "cannot read %s: %v", path, err)
}
