package value

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// Quote appends a text as a JSON string.
type Quote func(dst []byte, text string) []byte

// AppendBitsJSON appends the JSON of a scalar that is given by its bits: what encoding/json writes for JSON of its Go
// form. It makes no Go form and allocates nothing, for answers of many values. It returns false if the bits are not
// those of a scalar of the type.
func AppendBitsJSON(dst []byte, t plumbv1.Type, bits []byte, quote Quote) ([]byte, bool) {
	s, ok := bitsScalar(t, bits)
	if !ok {
		return dst, false
	}
	return s.appendJSON(dst, quote), true
}

// AppendJSON appends the JSON of the Go form of a value that is no array; null for nil.
func AppendJSON(dst []byte, v any, quote Quote) ([]byte, error) {
	if v == nil {
		return append(dst, "null"...), nil
	}
	s, ok := goScalar(v)
	if !ok {
		return nil, fmt.Errorf("%T is not the Go form of a scalar", v)
	}
	return s.appendJSON(dst, quote), nil
}

func (s scalar) appendJSON(dst []byte, quote Quote) []byte {
	switch s.kind {
	case plumbv1.Type_BOOL:
		return strconv.AppendBool(dst, s.word != 0)
	case plumbv1.Type_INT32:
		return strconv.AppendInt(dst, int64(int32(s.word)), 10)
	case plumbv1.Type_INT64:
		return strconv.AppendInt(dst, int64(s.word), 10)
	case plumbv1.Type_FLOAT32:
		return appendFloat(dst, float64(math.Float32frombits(uint32(s.word))), 32)
	case plumbv1.Type_FLOAT64:
		return appendFloat(dst, math.Float64frombits(s.word), 64)
	case plumbv1.Type_BYTES:
		return append(base64.StdEncoding.AppendEncode(append(dst, '"'), []byte(s.text)), '"')
	case plumbv1.Type_TIMESTAMP:
		return AppendInstant(dst, feature.Instant(s.word))
	}
	return quote(dst, s.text)
}

// AppendInstant appends an instant as FormatInstant writes it, between quotes.
func AppendInstant(dst []byte, i feature.Instant) []byte {
	return append(i.Time().AppendFormat(append(dst, '"'), time.RFC3339Nano), '"')
}

func appendFloat(dst []byte, float float64, bits int) []byte {
	if text, ok := NoNumber(float); ok {
		return append(append(append(dst, '"'), text...), '"')
	}
	return appendNumber(dst, float, bits)
}

// appendNumber appends a finite float. Those of usual size are written without an exponent.
func appendNumber(dst []byte, float float64, bits int) []byte {
	form := byte('f')
	if size := math.Abs(float); size != 0 && (size < 1e-6 || size >= 1e21) {
		form = 'e'
	}
	start := len(dst)
	dst = strconv.AppendFloat(dst, float, form, -1, bits)
	if form == 'f' && bytes.IndexByte(dst[start:], '.') < 0 {
		dst = append(dst, ".0"...)
	}
	return dst
}
