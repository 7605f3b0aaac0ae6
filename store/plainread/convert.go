package plainread

import (
	"encoding/base64"
	"fmt"
	"math"
	"math/big"
	"regexp"
	"strconv"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// convert brings a cell to a declared type without loss (R1, R9), as a bool, int32, int64, float32, float64, string,
// []byte, feature.Instant, or []any of these and nil for an array; nil is null. An error says that the value does not
// fit. Join keys are taken from text that spells them and from whole numbers by their digits too.
func convert(c cell, to plumbv1.Type, isKey bool) (any, error) {
	if c.kind == isNull || c.kind == isMissing {
		return nil, nil
	}
	if element, ok := value.ElementType(to); ok {
		return convertList(c, element, to)
	}
	switch {
	case c.kind == isSpelled, isKey && c.kind == isWritten, isKey && c.kind == isText && to != plumbv1.Type_STRING:
		return parseInOneWay(c.text, to)
	case c.kind == isWritten:
		return parse(c.text, to)
	}
	switch to {
	case plumbv1.Type_BOOL:
		if c.kind == isBool {
			return c.whole != 0, nil
		}
	case plumbv1.Type_INT32:
		if whole, ok := c.exactWhole(); ok && whole >= math.MinInt32 && whole <= math.MaxInt32 {
			return int32(whole), nil
		}
	case plumbv1.Type_INT64:
		if whole, ok := c.exactWhole(); ok {
			return whole, nil
		}
	case plumbv1.Type_FLOAT32:
		if float, ok := c.exactFloat32(); ok {
			return float, nil
		}
	case plumbv1.Type_FLOAT64:
		if float, ok := c.exactFloat64(); ok {
			return float, nil
		}
	case plumbv1.Type_STRING:
		if text, ok := c.asText(isKey); ok {
			return text, nil
		}
	case plumbv1.Type_BYTES:
		if c.kind == isBytes {
			return []byte(c.text), nil
		}
	case plumbv1.Type_TIMESTAMP:
		if c.kind == isInstant {
			return feature.Instant(c.whole), nil
		}
	}
	return nil, misfit(c, to)
}

// convertList converts each element by the rules of a feature, never by those of a join key: no key is an array (R9).
func convertList(c cell, element, to plumbv1.Type) (any, error) {
	if c.kind == isSpelled {
		if list, ok := spelledList(c.text); ok {
			c = list
		}
	}
	if c.kind != isList {
		return nil, misfit(c, to)
	}
	list := make([]any, len(c.list))
	for i, one := range c.list {
		value, err := convert(one, element, false)
		if err != nil {
			return nil, fmt.Errorf("element %d: %w", i+1, err)
		}
		list[i] = value
	}
	return list, nil
}

const mostShown = 100

func misfit(c cell, to plumbv1.Type) error {
	text := c.String()
	if len(text) > mostShown {
		text = text[:mostShown]
	}
	return fmt.Errorf("%s does not fit %s exactly", text, to)
}

// String is the value for people.
func (c cell) String() string {
	switch c.kind {
	case isBool, isWhole:
		return strconv.FormatInt(c.whole, 10)
	case isInstant:
		return feature.Instant(c.whole).String()
	case isDecimal:
		return c.rational().FloatString(c.scale)
	case isFloat32, isFloat64:
		return strconv.FormatFloat(c.float, 'g', -1, 64)
	case isText, isWritten, isSpelled, isBeyond:
		return strconv.Quote(c.text)
	case isBytes:
		return fmt.Sprintf("%x", c.text)
	case isList:
		return fmt.Sprint(c.list)
	}
	return "null"
}

// asText is the value as a STRING. A feature has to be text in the file already. A join key may be a whole number too,
// and is then its digits, since the same identifier is often a number in one file and a text in another (R9).
func (c cell) asText(isKey bool) (string, bool) {
	switch {
	case c.kind == isText:
		return c.text, true
	case isKey && c.kind == isWhole:
		return strconv.FormatInt(c.whole, 10), true
	case isKey && c.kind == isDecimal && c.scale == 0:
		return c.unscaled.String(), true
	}
	return "", false
}

// exactWhole is the value as a whole number, if it is one.
func (c cell) exactWhole() (int64, bool) {
	switch c.kind {
	case isWhole:
		return c.whole, true
	case isFloat32, isFloat64:
		// 2^63 is no INT64, and every float below it that is whole is one.
		if c.float != math.Trunc(c.float) || c.float < -1<<63 || c.float >= 1<<63 {
			return 0, false
		}
		return int64(c.float), true
	case isDecimal:
		value := c.rational()
		if !value.IsInt() || !value.Num().IsInt64() {
			return 0, false
		}
		return value.Num().Int64(), true
	}
	return 0, false
}

// exactFloat64 returns the nearest FLOAT64, if that represents the value: rounded to the value's own digits it has to
// be the value again. The greatest whole numbers are rounded up to 2^63, which is no INT64, so that converting it back
// would be undefined: hence the comparison before it, here and in exactFloat32.
func (c cell) exactFloat64() (float64, bool) {
	switch c.kind {
	case isFloat32, isFloat64:
		return c.float, true
	case isWhole:
		float := float64(c.whole)
		return float, float < 1<<63 && int64(float) == c.whole
	case isDecimal:
		float, _ := c.rational().Float64()
		return float, c.isAgain(float)
	}
	return 0, false
}

func (c cell) exactFloat32() (float32, bool) {
	switch c.kind {
	case isFloat32:
		return math.Float32frombits(uint32(c.whole)), true
	case isFloat64:
		float := float32(c.float)
		return float, float64(float) == c.float || math.IsNaN(c.float)
	case isWhole:
		float := float32(c.whole)
		return float, float < 1<<63 && int64(float) == c.whole
	case isDecimal:
		float, _ := c.rational().Float32()
		return float, c.isAgain(float64(float))
	}
	return 0, false
}

// rational is a decimal as a fraction.
func (c cell) rational() *big.Rat { return new(big.Rat).SetFrac(c.unscaled, powerOfTen(c.scale)) }

func powerOfTen(exponent int) *big.Int {
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(exponent)), nil)
}

// isAgain says whether a float rounds to the decimal. Almost no decimal is a float exactly, so a comparison for
// equality would refuse 0.1. Rounded to one digit, the float nearest to 0.1 is 0.1 again, and so nothing is lost.
// 16777217 is not a FLOAT32 by this rule: the nearest one is 16777216.
func (c cell) isAgain(float float64) bool {
	exact := new(big.Rat).SetFloat64(float)
	if exact == nil {
		return false
	}
	exact.Mul(exact, new(big.Rat).SetInt(powerOfTen(c.scale)))
	exact.Sub(exact, new(big.Rat).SetInt(c.unscaled))
	return exact.Abs(exact).Cmp(big.NewRat(1, 2)) <= 0
}

// What a text may look like. The standard library takes more than the rules allow: hexadecimal floats, "inf", and line
// breaks within base64.
var (
	wholeText  = regexp.MustCompile(`^[+-]?[0-9]+$`)
	floatText  = regexp.MustCompile(`^([+-]?([0-9.]+([eE][+-]?[0-9]+)?|Infinity)|NaN)$`)
	base64Text = regexp.MustCompile(`^[A-Za-z0-9+/]*={0,2}$`)
)

// parse reads a text that spells a value of the declared type exactly, without trimming or rounding.
func parse(text string, to plumbv1.Type) (any, error) {
	fails := misfit(cell{kind: isText, text: text}, to)
	switch to {
	case plumbv1.Type_STRING:
		return text, nil
	case plumbv1.Type_BYTES:
		value, err := base64.StdEncoding.Strict().DecodeString(text)
		if err != nil || !base64Text.MatchString(text) {
			return nil, fails
		}
		return value, nil
	case plumbv1.Type_BOOL:
		if text != "true" && text != "false" {
			return nil, fails
		}
		return text == "true", nil
	case plumbv1.Type_INT32, plumbv1.Type_INT64:
		return parseWhole(text, to, fails)
	case plumbv1.Type_FLOAT32, plumbv1.Type_FLOAT64:
		return parseFloat(text, to, fails)
	case plumbv1.Type_TIMESTAMP:
		instant, ok := parseInstant(text)
		if !ok {
			return nil, fails
		}
		return instant, nil
	}
	return nil, fails
}

// parseInOneWay is parse with only one text for each whole number: +7 and 007 are not 7. Two texts that differ are then
// never one join key (R9).
func parseInOneWay(text string, to plumbv1.Type) (any, error) {
	value, err := parse(text, to)
	isWhole := to == plumbv1.Type_INT32 || to == plumbv1.Type_INT64
	if err == nil && isWhole && fmt.Sprint(value) != text {
		return nil, misfit(cell{kind: isText, text: text}, to)
	}
	return value, err
}

func parseWhole(text string, to plumbv1.Type, fails error) (any, error) {
	bits := 64
	if to == plumbv1.Type_INT32 {
		bits = 32
	}
	value, err := strconv.ParseInt(text, 10, bits)
	switch {
	case err != nil || !wholeText.MatchString(text):
		return nil, fails
	case bits == 32:
		return int32(value), nil
	}
	return value, nil
}

func parseFloat(text string, to plumbv1.Type, fails error) (any, error) {
	bits := 64
	if to == plumbv1.Type_FLOAT32 {
		bits = 32
	}
	given, err := strconv.ParseFloat(text, bits)
	if text == "NaN" {
		given = value.TextNaN()
	}
	switch {
	case err != nil || !floatText.MatchString(text):
		return nil, fails
	case bits == 32:
		return float32(given), nil
	}
	return given, nil
}
