package feast

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/printable"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// statusNames are the statuses as Feast names them (R13). INVALID has no counterpart (R26): it is what Feast's clients
// make of a status that they do not know.
var statusNames = [...]string{
	plumbv1.Status_STATUS_UNSPECIFIED: "INVALID",
	plumbv1.Status_PRESENT:            "PRESENT",
	plumbv1.Status_NULL:               "NULL_VALUE",
	plumbv1.Status_NOT_FOUND:          "NOT_FOUND",
	plumbv1.Status_EXPIRED:            "OUTSIDE_MAX_AGE",
	plumbv1.Status_INVALID:            "INVALID",
}

// noTime is the event time of what has none.
const noTime = feature.Instant(0)

func (a *api) getOnlineFeatures(ctx context.Context, text []byte) ([]byte, error) {
	asked, err := readLookup(text)
	if err != nil {
		return nil, err
	}
	found, err := a.lookUp(ctx, asked)
	if err != nil {
		return nil, err
	}
	return found.json(a.MaxReply)
}

// json writes the answer, of at most so many bytes.
func (a *answer) json(most int) ([]byte, error) {
	dst, names := []byte(`{"results":[`), []byte(`],"metadata":{"feature_names":[`)
	for i := range len(a.keys) + len(a.columns) {
		if i > 0 {
			dst, names = append(dst, ','), append(names, ',')
		}
		result := a.result(i)
		names = printable.AppendJSON(names, result.name)
		var err error
		if dst, err = result.append(dst, a.rows); err != nil {
			return nil, err
		}
		if len(dst) > most {
			return nil, fault.Inputf("entities", "make a reply of more than %d bytes; ask for fewer rows or features at once",
				most)
		}
	}
	return append(append(dst, names...), "]}}"...), nil
}

// result is one column of an answer.
type result struct {
	name string
	// at returns the value of a row, nil unless the status is PRESENT.
	at func(row int) (value any, status plumbv1.Status, event feature.Instant, err error)
}

// result returns a column: those of the keys come first.
func (a *answer) result(i int) result {
	if i < len(a.keys) {
		key := a.keys[i]
		return result{key.Name, func(row int) (any, plumbv1.Status, feature.Instant, error) {
			if key.Values[row] == nil {
				return nil, plumbv1.Status_NULL, noTime, nil
			}
			return key.Values[row], plumbv1.Status_PRESENT, noTime, nil
		}}
	}
	column := a.columns[i-len(a.keys)]
	values := value.ReadWire(column.GetValues())
	return result{column.GetName(), func(row int) (v any, status plumbv1.Status, event feature.Instant, err error) {
		row = min(row, len(column.GetStatuses())-1)
		if status = plumbv1.Status(column.GetStatuses()[row]); status != plumbv1.Status_NOT_FOUND {
			event = feature.Instant(column.GetEventTimestamps()[row])
		}
		if status == plumbv1.Status_PRESENT {
			v, err = values.At(row)
		}
		return v, status, event, err
	}}
}

func (r result) append(dst []byte, rows int) ([]byte, error) {
	dst = append(dst, `{"values":[`...)
	statuses, times := []byte(`],"statuses":[`), []byte(`],"event_timestamps":[`)
	for row := range rows {
		if row > 0 {
			dst, statuses, times = append(dst, ','), append(statuses, ','), append(times, ',')
		}
		v, status, event, err := r.at(row)
		if err != nil {
			return nil, r.failed(row, err)
		}
		dst = appendValue(dst, v)
		statuses = append(append(append(statuses, '"'), statusNames[status]...), '"')
		times = appendTime(times, event)
	}
	return append(append(append(dst, statuses...), times...), "]}"...), nil
}

func (r result) failed(row int, err error) error {
	return fmt.Errorf("output %q: %w", r.name, rowError(row, err))
}

func rowError(row int, err error) error { return fmt.Errorf("row %d: %w", row+1, err) }

// appendValue appends a value in the form from which Feast's clients, who have no types, get the same value again: a
// float always has a point or an exponent, a FLOAT32 the digits of the double that it is equal to, NaN and infinities
// are written as Python does. TIMESTAMP are whole seconds, rounded down, since Feast has no others.
func appendValue(dst []byte, v any) []byte {
	switch v := v.(type) {
	case bool:
		return strconv.AppendBool(dst, v)
	case int32:
		return strconv.AppendInt(dst, int64(v), 10)
	case int64:
		return strconv.AppendInt(dst, v, 10)
	case float32:
		return appendFloat(dst, float64(v))
	case float64:
		return appendFloat(dst, v)
	case string:
		return printable.AppendJSON(dst, v)
	case []byte:
		return append(base64.StdEncoding.AppendEncode(append(dst, '"'), v), '"')
	case feature.Instant:
		return strconv.AppendInt(dst, seconds(v), 10)
	case []any:
		dst = append(dst, '[')
		for i, element := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendValue(dst, element)
		}
		return append(dst, ']')
	}
	return append(dst, "null"...)
}

// seconds are those since 1970, rounded down.
func seconds(at feature.Instant) int64 { return at.Time().Unix() }

func appendFloat(dst []byte, v float64) []byte {
	switch {
	case math.IsNaN(v):
		return append(dst, "NaN"...)
	case math.IsInf(v, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(v, -1):
		return append(dst, "-Infinity"...)
	}
	start := len(dst)
	dst = strconv.AppendFloat(dst, v, 'g', -1, 64)
	if !bytes.ContainsAny(dst[start:], ".e") {
		dst = append(dst, ".0"...)
	}
	return dst
}

// appendTime appends an instant as protobuf writes one in JSON: with no digits, three or six after the second.
func appendTime(dst []byte, at feature.Instant) []byte {
	form := time.RFC3339
	switch fraction := at.Time().Nanosecond() / 1000; {
	case fraction%1000 != 0:
		form = "2006-01-02T15:04:05.000000Z07:00"
	case fraction != 0:
		form = "2006-01-02T15:04:05.000Z07:00"
	}
	return append(at.Time().AppendFormat(append(dst, '"'), form), '"')
}
