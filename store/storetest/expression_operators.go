package storetest

import (
	"math"
	"math/big"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// operator is an operator or a function of expressions for operands of certain kinds.
type operator struct {
	// text is that of an Expression.
	text     string
	kind     plumbv1.Type
	operands []plumbv1.Type
	apply    func([]Outcome) Outcome
}

const (
	aBool   = plumbv1.Type_BOOL
	anInt   = plumbv1.Type_INT64
	aDouble = plumbv1.Type_FLOAT64
	aText   = plumbv1.Type_STRING
	someRaw = plumbv1.Type_BYTES
	aTime   = plumbv1.Type_TIMESTAMP
)

// scalarKinds are the types that values have within expressions, apart from lists.
var scalarKinds = []plumbv1.Type{aBool, anInt, aDouble, aText, someRaw, aTime}

// operators are those that the reference knows, and that random expressions are made of.
var operators = slices.Concat(numericOperators(), temporalOperators(), textOperators(), logicalOperators(),
	operatorsOfEveryKind(), elementaryOperators(), zonedOperators(), hashOperators())

func numericOperators() []operator {
	ints := func(text string, f func(z, a, b *big.Int) bool) operator {
		return operator{text, anInt, []plumbv1.Type{anInt, anInt}, integral(f)}
	}
	doubles := func(text string, f func(a, b float64) float64) operator {
		return operator{text, aDouble, []plumbv1.Type{aDouble, aDouble}, floating(f)}
	}
	double := func(text string, f func(a float64) float64) operator {
		return operator{text, aDouble, []plumbv1.Type{aDouble}, floating(func(a, _ float64) float64 { return f(a) })}
	}
	one, listOfInts, listOfDoubles := []plumbv1.Type{anInt}, value.ArrayType(anInt), value.ArrayType(aDouble)
	return []operator{
		ints("(%s + %s)", sum),
		ints("(%s - %s)", difference),
		ints("(%s * %s)", product),
		ints("(%s / %s)", quotient),
		ints("(%s %% %s)", remainder),
		{"(-(%s))", anInt, one, integral(func(z, a, _ *big.Int) bool { z.Neg(a); return true })},
		{"abs(%s)", anInt, one, integral(func(z, a, _ *big.Int) bool { z.Abs(a); return true })},
		{"least(%s, %s)", anInt, []plumbv1.Type{anInt, anInt}, always(func(v []any) any {
			return min(v[0].(int64), v[1].(int64))
		})},
		{"greatest(%s, %s)", anInt, []plumbv1.Type{anInt, anInt}, always(func(v []any) any {
			return max(v[0].(int64), v[1].(int64))
		})},
		{"sign(%s)", anInt, one, integral(func(z, a, _ *big.Int) bool { z.SetInt64(int64(a.Sign())); return true })},
		{"clamp(%s, %s, %s)", anInt, []plumbv1.Type{anInt, anInt, anInt}, strict(clampIntegers)},
		{"bucketize(%s, [-7, 0, 1, 1000])", anInt, one, always(func(v []any) any {
			return atMost(v[0].(int64), -7, 0, 1, 1000)
		})},
		doubles("(%s + %s)", func(a, b float64) float64 { return a + b }),
		doubles("(%s - %s)", func(a, b float64) float64 { return a - b }),
		doubles("(%s * %s)", func(a, b float64) float64 { return a * b }),
		doubles("(%s / %s)", func(a, b float64) float64 { return a / b }),
		double("(-(%s))", func(a float64) float64 { return -a }),
		double("abs(%s)", math.Abs),
		double("sign(%s)", signOf),
		{"clamp(%s, %s, %s)", aDouble, []plumbv1.Type{aDouble, aDouble, aDouble}, strict(clampDoubles)},
		{"bucketize(%s, [-1.5, 0.0, 0.1, 1e10])", anInt, []plumbv1.Type{aDouble}, strict(func(v []any) Outcome {
			if math.IsNaN(v[0].(float64)) {
				return invalid
			}
			return Outcome{Value: atMost(v[0].(float64), -1.5, 0, 0.1, 1e10)}
		})},
		double("floor(%s)", math.Floor),
		double("ceil(%s)", math.Ceil),
		double("round(%s)", math.Round),
		double("trunc(%s)", math.Trunc),
		doubles("least(%s, %s)", func(a, b float64) float64 { return extreme(a, b, -1) }),
		doubles("greatest(%s, %s)", func(a, b float64) float64 { return extreme(a, b, 1) }),
		double("sqrt(%s)", math.Sqrt),
		{"is_nan(%s)", aBool, []plumbv1.Type{aDouble}, always(func(v []any) any { return math.IsNaN(v[0].(float64)) })},
		{"is_inf(%s)", aBool, []plumbv1.Type{aDouble}, always(func(v []any) any { return math.IsInf(v[0].(float64), 0) })},
		{"int(%s)", anInt, []plumbv1.Type{aDouble}, strict(truncated)},
		{"int(%s)", anInt, []plumbv1.Type{aText}, strict(parsedInteger)},
		{"double(%s)", aDouble, one, always(nearestDouble)},
		{"double(%s)", aDouble, []plumbv1.Type{aText}, strict(parsedDouble)},
		{"sum(%s)", anInt, []plumbv1.Type{listOfInts}, strict(sumOfIntegers)},
		{"sum(%s)", aDouble, []plumbv1.Type{listOfDoubles}, strict(sumOfDoubles)},
		{"mean(%s)", aDouble, []plumbv1.Type{listOfDoubles}, strict(mean)},
		{"dot(%s, %s)", aDouble, []plumbv1.Type{listOfDoubles, listOfDoubles}, strict(dot)},
		{"cosine(%s, %s)", aDouble, []plumbv1.Type{listOfDoubles, listOfDoubles}, strict(cosine)},
	}
}

func temporalOperators() []operator {
	one, two, spans := []plumbv1.Type{aTime}, []plumbv1.Type{aTime, aTime}, []plumbv1.Type{aDuration, aDuration}
	return []operator{
		{"int(%s)", anInt, one, integral(wholeSeconds)},
		{"timestamp(%s)", aTime, []plumbv1.Type{anInt}, bounded(instantOfSeconds, asInstant)},
		{"(%s + %s)", aTime, []plumbv1.Type{aTime, aDuration}, bounded(sum, asInstant)},
		{"(%s - %s)", aTime, []plumbv1.Type{aTime, aDuration}, bounded(difference, asInstant)},
		{"(%s - %s)", aDuration, two, bounded(difference, asSpan)},
		{"(%s + %s)", aDuration, spans, bounded(sum, asSpan)},
		{"(%s - %s)", aDuration, spans, bounded(difference, asSpan)},
		{"%s.getHours()", anInt, spans[:1], wholes(time.Hour)},
		{"%s.getMinutes()", anInt, spans[:1], wholes(time.Minute)},
		{"%s.getSeconds()", anInt, spans[:1], wholes(time.Second)},
		{"%s.getFullYear()", anInt, one, part(time.Time.Year)},
		{"%s.getMonth()", anInt, one, part(func(t time.Time) int { return int(t.Month()) - 1 })},
		{"%s.getDate()", anInt, one, part(time.Time.Day)},
		{"%s.getDayOfWeek()", anInt, one, part(func(t time.Time) int { return int(t.Weekday()) })},
		{"%s.getDayOfYear()", anInt, one, part(func(t time.Time) int { return t.YearDay() - 1 })},
		{"%s.getDayOfMonth()", anInt, one, part(func(t time.Time) int { return t.Day() - 1 })},
		{"%s.getHours()", anInt, one, part(time.Time.Hour)},
		{"%s.getMinutes()", anInt, one, part(time.Time.Minute)},
		{"%s.getSeconds()", anInt, one, part(time.Time.Second)},
		{"%s.getMilliseconds()", anInt, one, part(func(t time.Time) int { return t.Nanosecond() / 1_000_000 })},
		{`%s.getHours("-05:00")`, anInt, one, partAt(-5*time.Hour, time.Time.Hour)},
		{`%s.getMinutes("+05:45")`, anInt, one, partAt(5*time.Hour+45*time.Minute, time.Time.Minute)},
		{`%s.getDate("+14:00")`, anInt, one, partAt(14*time.Hour, time.Time.Day)},
		{"string(%s)", aText, one, always(func(v []any) any {
			return v[0].(feature.Instant).Time().UTC().Format(time.RFC3339Nano)
		})},
	}
}

func textOperators() []operator {
	one, two := []plumbv1.Type{aText}, []plumbv1.Type{aText, aText}
	asks := func(text string, f func(a, b string) bool) operator {
		return operator{text, aBool, two, always(func(v []any) any { return f(v[0].(string), v[1].(string)) })}
	}
	return []operator{
		{"(%s + %s)", aText, two, always(func(v []any) any { return v[0].(string) + v[1].(string) })},
		{"(%s + %s)", someRaw, []plumbv1.Type{someRaw, someRaw}, always(func(v []any) any {
			return slices.Concat([]byte{}, v[0].([]byte), v[1].([]byte))
		})},
		{"size(%s)", anInt, one, always(func(v []any) any { return int64(utf8.RuneCountInString(v[0].(string))) })},
		{"size(%s)", anInt, []plumbv1.Type{someRaw}, always(func(v []any) any { return int64(len(v[0].([]byte))) })},
		{"lower(%s)", aText, one, always(func(v []any) any { return strings.Map(unicode.ToLower, v[0].(string)) })},
		{"upper(%s)", aText, one, always(func(v []any) any { return strings.Map(unicode.ToUpper, v[0].(string)) })},
		{"trim(%s)", aText, one, always(func(v []any) any { return strings.TrimSpace(v[0].(string)) })},
		{"replace(%s, %s, %s)", aText, []plumbv1.Type{aText, aText, aText}, always(func(v []any) any {
			return strings.ReplaceAll(v[0].(string), v[1].(string), v[2].(string))
		})},
		{"substring(%s, %s, %s)", aText, []plumbv1.Type{aText, anInt, anInt}, strict(substring)},
		asks("%s.contains(%s)", strings.Contains),
		asks("%s.startsWith(%s)", strings.HasPrefix),
		asks("%s.endsWith(%s)", strings.HasSuffix),
		{`%s.matches("^[a-c]")`, aBool, one, always(func(v []any) any {
			return v[0].(string) != "" && strings.ContainsRune("abc", rune(v[0].(string)[0]))
		})},
		{"bytes(%s)", someRaw, one, always(func(v []any) any { return []byte(v[0].(string)) })},
		{"string(%s)", aText, []plumbv1.Type{someRaw}, strict(func(v []any) Outcome {
			if text := v[0].([]byte); utf8.Valid(text) {
				return Outcome{Value: string(text)}
			}
			return invalid
		})},
		{"string(%s)", aText, []plumbv1.Type{anInt}, always(func(v []any) any { return bigOf(v[0]).String() })},
		{"string(%s)", aText, []plumbv1.Type{aBool}, always(func(v []any) any {
			return map[bool]string{true: "true", false: "false"}[v[0].(bool)]
		})},
	}
}

func logicalOperators() []operator {
	two := []plumbv1.Type{aBool, aBool}
	return []operator{
		{"(%s && %s)", aBool, two, both(false)},
		{"(%s || %s)", aBool, two, both(true)},
		{"!(%s)", aBool, []plumbv1.Type{aBool}, always(func(v []any) any { return !v[0].(bool) })},
	}
}

// operatorsOfEveryKind are those that values of every kind have, and lists of them.
func operatorsOfEveryKind() []operator {
	all := slices.Concat(comparisons(aDuration), choices(aDuration))
	for _, kind := range scalarKinds {
		two, listed := []plumbv1.Type{kind, kind}, value.ArrayType(kind)
		all = slices.Concat(all, comparisons(kind), choices(kind), choices(listed), []operator{
			{"(%s in %s)", aBool, []plumbv1.Type{kind, listed}, strict(within)},
			{"%s[%s]", kind, []plumbv1.Type{listed, anInt}, strict(index)},
			{"[%s, %s]", listed, two, list},
			{"[%s]", listed, two[:1], list},
			{"size(%s)", anInt, []plumbv1.Type{listed}, always(func(v []any) any { return int64(len(v[0].([]any))) })},
		})
	}
	return all
}

func comparisons(kind plumbv1.Type) []operator {
	two := []plumbv1.Type{kind, kind}
	return []operator{
		{"(%s < %s)", aBool, two, comparison(true, false, false)},
		{"(%s <= %s)", aBool, two, comparison(true, true, false)},
		{"(%s > %s)", aBool, two, comparison(false, false, true)},
		{"(%s >= %s)", aBool, two, comparison(false, true, true)},
	}
}

func choices(kind plumbv1.Type) []operator {
	two := []plumbv1.Type{kind, kind}
	return []operator{
		{"(%s == %s)", aBool, two, equality(true)},
		{"(%s != %s)", aBool, two, equality(false)},
		{"(%s == null)", aBool, two[:1], isNull(true)},
		{"(%s != null)", aBool, two[:1], isNull(false)},
		{"(%s ? %s : %s)", kind, []plumbv1.Type{aBool, kind, kind}, choose},
		{"coalesce(%s, %s)", kind, two, coalesce},
		{"coalesce(%s, %s, %s)", kind, []plumbv1.Type{kind, kind, kind}, coalesce},
	}
}
