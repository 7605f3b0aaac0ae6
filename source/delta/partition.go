package delta

import (
	"errors"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/source/lake"
)

// constants are the values of the columns that a table is partitioned by of one file.
func constants(columns []lake.Column, physical map[string]string, file *add) (map[string]*string, error) {
	var values map[string]*string
	for _, column := range columns {
		if !column.Constant {
			continue
		}
		text, ok := file.PartitionValues[physical[column.Name]]
		if !ok {
			return nil, fault.Inputf("", "the log of the table lacks the value of %q of the partition of %s", column.Name,
				lake.Shown(file.Path))
		}
		if values == nil {
			values = map[string]*string{}
		}
		values[column.Name] = nil
		if text == nil || *text == "" || column.Refused != "" {
			continue // An empty text is null, whatever the type.
		}
		exact, err := spelled(column.Type, *text)
		if err != nil {
			return nil, fault.Inputf("", "the log of the table has %s for column %q of the partition of %s, which is no %s",
				lake.Shown(*text), column.Name, lake.Shown(file.Path), column.Type)
		}
		values[column.Name] = &exact
	}
	return values, nil
}

var errNoValue = errors.New("it is no value of the type")

// spelled is the one text for a value of a type that has the value exactly, or an error if there is no such value.
func spelled(name, text string) (string, error) {
	const long = 64
	switch name {
	case "string":
		if strings.ContainsRune(text, 0) {
			return "", errNoValue // No SQL can have it.
		}
		return text, nil
	case "int", "long":
		bits := map[string]int{"int": 32, "long": 64}[name]
		number, err := strconv.ParseInt(text, 10, bits)
		return strconv.FormatInt(number, 10), err
	case "float":
		return spelledFloat(text, 32)
	case "double":
		return spelledFloat(text, long)
	case "boolean":
		if text = strings.ToLower(text); text != "true" && text != "false" {
			return "", errNoValue
		}
		return text, nil
	case "date":
		_, err := time.Parse(time.DateOnly, text)
		return text, err
	case "timestamp", "timestamptz":
		return spelledTime(name, text)
	}
	return spelledDecimal(name, text)
}

func spelledFloat(text string, bits int) (string, error) {
	number, err := strconv.ParseFloat(text, bits)
	if err != nil || strings.ContainsAny(text, "xX_") {
		return "", errNoValue
	}
	exact := strconv.FormatFloat(number, 'g', -1, bits)
	return strings.TrimPrefix(strings.Replace(exact, "Inf", "Infinity", 1), "+"), nil
}

// spelledTime reads the forms that times have in a log. Those without a zone are UTC (R1).
func spelledTime(name, text string) (string, error) {
	for _, layout := range []string{time.DateTime, time.RFC3339, time.DateOnly} {
		at, err := time.Parse(layout, text)
		switch {
		case err != nil:
		case at.Nanosecond()%int(time.Microsecond) != 0:
			return "", errNoValue
		case name == "timestamptz":
			return at.UTC().Format("2006-01-02T15:04:05.999999Z"), nil
		case layout != time.RFC3339:
			return at.Format("2006-01-02 15:04:05.999999"), nil
		}
	}
	return "", errNoValue
}

// decimal is what a decimal looks like. Its exponent is small, so that it has a bounded number of digits.
var decimal = regexp.MustCompile(`^[+-]?[0-9]{1,80}(\.[0-9]{1,80})?([eE][+-]?[0-9]{1,2})?$`)

// spelledDecimal spells a decimal with as many digits after the point as its type has.
func spelledDecimal(name, text string) (string, error) {
	parameters, ok := lake.Decimal(name)
	first, second, _ := strings.Cut(parameters, ",")
	digits, noDigits := strconv.Atoi(first)
	scale, noScale := strconv.Atoi(second)
	if !ok || noDigits != nil || noScale != nil || !decimal.MatchString(text) {
		return "", errNoValue
	}
	number, ok := new(big.Rat).SetString(text)
	if !ok {
		return "", errNoValue
	}
	const ten = 10
	power := func(n int) *big.Int { return new(big.Int).Exp(big.NewInt(ten), big.NewInt(int64(n)), nil) }
	units := new(big.Rat).Mul(number, new(big.Rat).SetInt(power(scale)))
	if !units.IsInt() || new(big.Int).Abs(units.Num()).Cmp(power(digits)) >= 0 {
		return "", errNoValue
	}
	return number.FloatString(scale), nil
}
