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
	operatorsOfEveryKind())

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
		ints("(%s + %s)", func(z, a, b *big.Int) bool { z.Add(a, b); return true }),
		ints("(%s - %s)", func(z, a, b *big.Int) bool { z.Sub(a, b); return true }),
		ints("(%s * %s)", func(z, a, b *big.Int) bool { z.Mul(a, b); return true }),
		ints("(%s / %s)", quotient),
		ints("(%s %% %s)", remainder),
		{"(-(%s))", anInt, one, integral(func(z, a, _ *big.Int) bool { z.Neg(a); return true })},
		{"abs(%s)", anInt, one, integral(func(z, a, _ *big.Int) bool { z.Abs(a); return true })},
		ints("least(%s, %s)", func(z, a, b *big.Int) bool { z.Set(slices.MinFunc([]*big.Int{a, b}, (*big.Int).Cmp)); return true }),
		ints("greatest(%s, %s)", func(z, a, b *big.Int) bool { z.Set(slices.MaxFunc([]*big.Int{a, b}, (*big.Int).Cmp)); return true }),
		doubles("(%s + %s)", func(a, b float64) float64 { return a + b }),
		doubles("(%s - %s)", func(a, b float64) float64 { return a - b }),
		doubles("(%s * %s)", func(a, b float64) float64 { return a * b }),
		doubles("(%s / %s)", func(a, b float64) float64 { return a / b }),
		double("(-(%s))", func(a float64) float64 { return -a }),
		double("abs(%s)", math.Abs),
		double("floor(%s)", math.Floor),
		double("sqrt(%s)", math.Sqrt),
		{"is_nan(%s)", aBool, []plumbv1.Type{aDouble}, always(func(v []any) any { return math.IsNaN(v[0].(float64)) })},
		{"int(%s)", anInt, []plumbv1.Type{aDouble}, strict(truncated)},
		{"int(%s)", anInt, []plumbv1.Type{aText}, strict(parsedInteger)},
		{"double(%s)", aDouble, one, always(nearestDouble)},
		{"double(%s)", aDouble, []plumbv1.Type{aText}, strict(parsedDouble)},
		{"sum(%s)", anInt, []plumbv1.Type{listOfInts}, strict(sumOfIntegers)},
		{"sum(%s)", aDouble, []plumbv1.Type{listOfDoubles}, strict(sumOfDoubles)},
	}
}

func temporalOperators() []operator {
	one, two := []plumbv1.Type{aTime}, []plumbv1.Type{aTime, aTime}
	return []operator{
		{"int(%s)", anInt, one, integral(wholeSeconds)},
		{"timestamp(%s)", aTime, []plumbv1.Type{anInt}, strict(instantOfSeconds)},
		{`(%s + duration("90m"))`, aTime, one, shifted(90 * time.Minute.Microseconds())},
		{`(%s - duration("1us"))`, aTime, one, shifted(-1)},
		{`(%s - %s < duration("24h"))`, aBool, two, strict(shorterThanADay)},
		{"%s.getFullYear()", anInt, one, part(time.Time.Year)},
		{"%s.getMonth()", anInt, one, part(func(t time.Time) int { return int(t.Month()) - 1 })},
		{"%s.getDate()", anInt, one, part(time.Time.Day)},
		{"%s.getDayOfWeek()", anInt, one, part(func(t time.Time) int { return int(t.Weekday()) })},
		{"%s.getDayOfYear()", anInt, one, part(func(t time.Time) int { return t.YearDay() - 1 })},
		{"%s.getHours()", anInt, one, part(time.Time.Hour)},
		{"%s.getMilliseconds()", anInt, one, part(func(t time.Time) int { return t.Nanosecond() / 1_000_000 })},
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
		{"substring(%s, %s, %s)", aText, []plumbv1.Type{aText, anInt, anInt}, strict(substring)},
		asks("%s.contains(%s)", strings.Contains),
		asks("%s.startsWith(%s)", strings.HasPrefix),
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

// operatorsOfEveryKind are those that scalars of every kind have, and lists of them.
func operatorsOfEveryKind() []operator {
	var all []operator
	for _, kind := range scalarKinds {
		two, listed := []plumbv1.Type{kind, kind}, value.ArrayType(kind)
		all = append(all,
			operator{"(%s < %s)", aBool, two, comparison(true, false, false)},
			operator{"(%s <= %s)", aBool, two, comparison(true, true, false)},
			operator{"(%s > %s)", aBool, two, comparison(false, false, true)},
			operator{"(%s >= %s)", aBool, two, comparison(false, true, true)},
			operator{"(%s in %s)", aBool, []plumbv1.Type{kind, listed}, strict(within)},
			operator{"%s[%s]", kind, []plumbv1.Type{listed, anInt}, strict(index)},
			operator{"[%s, %s]", listed, two, list},
			operator{"[%s]", listed, two[:1], list},
			operator{"size(%s)", anInt, []plumbv1.Type{listed}, always(func(v []any) any { return int64(len(v[0].([]any))) })},
		)
		for _, kind := range []plumbv1.Type{kind, listed} {
			two := []plumbv1.Type{kind, kind}
			all = append(all,
				operator{"(%s == %s)", aBool, two, equality(true)},
				operator{"(%s != %s)", aBool, two, equality(false)},
				operator{"(%s == null)", aBool, two[:1], isNull(true)},
				operator{"(%s != null)", aBool, two[:1], isNull(false)},
				operator{"(%s ? %s : %s)", kind, []plumbv1.Type{aBool, kind, kind}, choose},
				operator{"coalesce(%s, %s)", kind, two, coalesce},
				operator{"coalesce(%s, %s, %s)", kind, []plumbv1.Type{kind, kind, kind}, coalesce},
			)
		}
	}
	return all
}
