package expression_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/cespare/xxhash/v2"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

func TestTextFunctions(t *testing.T) {
	check(t, []expect{
		{text: "lower(s)", row: row{"s": "ÄBc"}, want: "äbc"},
		{text: "upper(s)", row: row{"s": "äß1"}, want: "Äß1"}, {text: "trim(s)", row: row{"s": " \ta b\n"}, want: "a b"},
		{text: "replace(s, 'a', 'bb')", row: row{"s": "aca"}, want: "bbcbb"},
		{text: "replace(s, '', '-')", row: row{"s": "ab"}, want: "-a-b-"},
		{text: "s.contains('b')", row: row{"s": "abc"}, want: true},
		{text: "s.startsWith('b')", row: row{"s": "abc"}, want: false},
		{text: "s.endsWith(z)", row: row{"s": "abc", "z": "bc"}, want: true},
		{text: "matches(s, '^a+$')", row: row{"s": "aa"}, want: true},
		{text: "s.matches('b')", row: row{"s": "abc"}, want: true},
		{text: "s.matches('^b')", row: row{"s": "abc"}, want: false},
		{text: "size(s)", row: row{"s": "äöü"}, want: int64(3)}, {text: "size(b)", row: row{"b": "äöü"}, want: int64(6)},
		{text: "s.size()", row: row{"s": "äöü"}, want: int64(3)},
		{text: "s + '!' + z", row: row{"s": "a", "z": ""}, want: "a!"},
		{text: "b + b'\\xff'", row: row{"b": "a"}, want: "a\xff", typ: plumbv1.Type_BYTES},
		{text: "string(i)", row: row{"i": math.MinInt64}, want: "-9223372036854775808"},
		{text: "string(x)", row: row{"x": 0.1}, want: "0.1"}, {text: "string(x)", row: row{"x": 1e21}, want: "1e+21"},
		{text: "string(x)", row: row{"x": 100000.0}, want: "100000"}, {text: "string(x)", row: row{"x": nan}, want: "NaN"},
		{text: "string(x)", row: row{"x": inf}, want: "+Inf"}, {text: "string(x)", row: row{"x": minus0}, want: "-0"},
		{text: "string(p)", row: row{"p": true}, want: "true"}, {text: "string(b)", row: row{"b": "ä"}, want: "ä"},
		{text: "string(t)", row: row{"t": 1_500_000}, want: "1970-01-01T00:00:01.5Z"},
		{text: "string(s)", row: row{"s": "a"}, want: "a"},
		{text: "bytes(s)", row: row{"s": "ä"}, want: "ä", typ: plumbv1.Type_BYTES},
	})
}

// A short expression cannot make a text that fills the memory, not even when it is compiled.
func TestTextsThatGetTooLongAreInvalid(t *testing.T) {
	half := strings.Repeat("a", 1<<19)
	doubling := "'aa'"
	for range 60 {
		doubling = "replace(" + doubling + ", 'a', 'aa')"
	}
	check(t, []expect{
		{text: "size(s + z)", row: row{"s": half, "z": half}, want: int64(1 << 20)},
		{text: "size(s + z)", row: row{"s": half + "a", "z": half}, want: invalid, typ: integer},
		{text: "size(replace(s, 'a', 'bb'))", row: row{"s": half}, want: int64(1 << 20)},
		{text: "size(replace(s, 'a', 'bb'))", row: row{"s": half + "a"}, want: invalid, typ: integer},
		{text: "size(replace(s, 'aa', ''))", row: row{"s": half + half}, want: int64(0)},
		{text: "size(replace(s, '', 'b'))", row: row{"s": half}, want: invalid, typ: integer},
		{text: doubling, want: invalid, typ: text},
	})
}

func TestIn_FindsTheSameInListsOfAnyLength(t *testing.T) {
	const few, many = "[-1.0, 2.0, -0.0]", "[-1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.0, -0.0]"
	for _, x := range []any{0.0, minus0, nan, 2.0, 2.5, nil, invalid} {
		values := row{"x": x}
		short, long := evaluate(t, "x in "+few, boolean, values), evaluate(t, "x in "+many, boolean, values)
		if !same(short, long) || x == 2.0 && long != true || x == 2.5 && long != false {
			t.Errorf("%v is in the short list: %v, and in the long one: %v", x, short, long)
		}
	}
	const words = "['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm']"
	check(t, []expect{
		{text: "s in " + words, row: row{"s": "m"}, want: true}, {text: "s in " + words, row: row{"s": "n"}, want: false},
		{text: "i in [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 1 / 0]", row: row{"i": 1}, want: invalid, typ: boolean},
	})
}

func TestNumberFunctions(t *testing.T) {
	check(t, []expect{
		{text: "ceil(x)", row: row{"x": 1.2}, want: 2.0}, {text: "floor(x)", row: row{"x": -1.2}, want: -2.0},
		{text: "sign(x)", row: row{"x": -3.0}, want: -1.0}, {text: "sign(x)", row: row{"x": minus0}, want: minus0},
		{text: "sign(x)", row: row{"x": nan}, want: nan}, {text: "sign(i)", row: row{"i": 9}, want: int64(1)},
		{text: "sign(i)", row: row{"i": 0}, want: int64(0)}, {text: "sign(i)", row: row{"i": math.MinInt64}, want: int64(-1)},
		{text: "abs(x)", row: row{"x": minus0}, want: 0.0}, {text: "abs(i)", row: row{"i": -5}, want: int64(5)},
		{text: "sqrt(x)", row: row{"x": 2.0}, want: math.Sqrt2}, {text: "log10(x)", row: row{"x": 1e22}, want: 22.0},
		{text: "log1p(x)", row: row{"x": 1e-20}, want: 1e-20}, {text: "exp(x)", row: row{"x": 0.0}, want: 1.0},
		{text: "pow(x, y)", row: row{"x": 2.0, "y": -1.0}, want: 0.5},
		{text: "sind(x)", row: row{"x": 150.0}, want: 0.5}, {text: "cosd(x)", row: row{"x": 90.0}, want: 0.0},
		{text: "cosd(x)", row: row{"x": inf}, want: nan},
		{text: "least(3, i, j)", row: row{"i": 2, "j": 4}, want: int64(2)},
		{text: "greatest(x, 3.0, y)", row: row{"x": 2.0, "y": inf}, want: inf},
		{text: "is_nan(x)", row: row{"x": nan}, want: true},
		{text: "is_inf(x)", row: row{"x": -inf}, want: true}, {text: "is_inf(x)", row: row{"x": 1e308}, want: false},
		{text: "clamp(x, 0.0, 1.0)", row: row{"x": 7.0}, want: 1.0},
		{text: "clamp(x, 0.0, 1.0)", row: row{"x": nan}, want: nan},
		{text: "clamp(i, 0, 10)", row: row{"i": -7}, want: int64(0)},
		{text: "clamp(i, 2, 1)", row: row{"i": 1}, want: invalid, typ: integer},
		{text: "bucketize(x, [0.0, 1.0, 2.0])", row: row{"x": 1.0}, want: int64(2)},
		{text: "bucketize(x, [0.0, 1.0, 2.0])", row: row{"x": -1.0}, want: int64(0)},
		{text: "bucketize(x, [0.0, 1.0, 2.0])", row: row{"x": inf}, want: int64(3)},
		{text: "bucketize(x, [0.0])", row: row{"x": nan}, want: invalid, typ: integer},
		{text: "bucketize(i, [])", row: row{"i": 1}, want: int64(0)},
		{text: "bucketize(i, [-5, 5])", row: row{"i": 4}, want: int64(1)},
		{text: "haversine(x, 0.0, 0.0, y)", row: row{"x": 0.0, "y": 0.0}, want: 0.0},
		{text: "int(timestamp(i))", row: row{"i": -1}, want: int64(-1)}, {text: "int(t)", row: row{"t": -1}, want: int64(-1)},
	})
}

func TestHash64_IsXxHashOfTheCanonicalBytes(t *testing.T) {
	of := func(bytes string) int64 { return int64(xxhash.Sum64String(bytes)) }
	check(t, []expect{
		{text: "hash64(s)", row: row{"s": "ab"}, want: of("ab")},
		{text: "hash64(b)", row: row{"b": "\xff"}, want: of("\xff")},
		{text: "hash64(s)", row: row{"s": ""}, want: int64(-1205034819632174695)}, // 0xef46db3751d8e999
		{text: "hash64(i)", row: row{"i": 258}, want: of("\x02\x01\x00\x00\x00\x00\x00\x00")},
		{text: "hash64(i)", row: row{"i": -1}, want: of("\xff\xff\xff\xff\xff\xff\xff\xff")},
		{text: "hash64(p)", row: row{"p": true}, want: of("\x01")},
		{text: "hash64(p)", row: row{"p": false}, want: of("\x00")},
	})
}

func TestListFunctions(t *testing.T) {
	empty, some := []any{}, []any{1.0, 2.5}
	check(t, []expect{
		{text: "sum(xs)", row: row{"xs": empty}, want: 0.0}, {text: "mean(xs)", row: row{"xs": empty}, want: nil, typ: float},
		{text: "sum(xs)", row: row{"xs": []any{1e308, 1e308, -1e308}}, want: 1e308},
		{text: "sum(xs)", row: row{"xs": []any{1.0, nil}}, want: nil, typ: float},
		{text: "sum(is)", row: row{"is": empty}, want: int64(0)},
		{text: "sum(is)", row: row{"is": []any{nil, 1}}, want: nil, typ: integer},
		{text: "mean(is)", row: row{"is": []any{math.MaxInt64, math.MaxInt64}}, want: 0x1p63},
		{text: "mean(is)", row: row{"is": empty}, want: nil, typ: float},
		{text: "mean(is)", row: row{"is": []any{1, nil}}, want: nil, typ: float},
		{text: "mean(xs)", row: row{"xs": some}, want: 1.75},
		{text: "dot(xs, ys)", row: row{"xs": some, "ys": []any{2.0, 4.0}}, want: 12.0},
		{text: "dot(xs, ys)", row: row{"xs": some, "ys": []any{2.0}}, want: invalid, typ: float},
		{text: "dot(xs, ys)", row: row{"xs": some, "ys": []any{2.0, nil}}, want: nil, typ: float},
		{text: "dot(xs, ys)", row: row{"xs": empty, "ys": empty}, want: 0.0},
		{text: "cosine(xs, ys)", row: row{"xs": []any{3.0, 0.0}, "ys": []any{0.0, 2.0}}, want: 0.0},
		{text: "cosine(xs, xs)", row: row{"xs": []any{3.0, 4.0}}, want: 1.0},
		{text: "cosine(xs, ys)", row: row{"xs": []any{0.0}, "ys": []any{2.0}}, want: nan},
		{text: "cosine(xs, ys)", row: row{"xs": []any{0.0}, "ys": empty}, want: invalid, typ: float},
		{text: "size(xs)", row: row{"xs": []any{nil, 1.0}}, want: int64(2)},
		{text: "xs.size()", row: row{"xs": empty}, want: int64(0)},
		{text: "s in ss", row: row{"s": "a", "ss": []any{"b", "a"}}, want: true},
		{text: "s in ss", row: row{"s": "a", "ss": []any{"b", nil}}, want: nil, typ: boolean},
		{text: "s in ss", row: row{"s": "a", "ss": []any{nil, "a"}}, want: true},
		{text: "s in ss", row: row{"s": "a", "ss": empty}, want: false}, {text: "i in []", row: row{"i": 1}, want: false},
		{text: "p in ps", row: row{"p": true, "ps": []any{false, true}}, want: true},
		{text: "t in ts", row: row{"t": 7, "ts": []any{7}}, want: true},
		{text: "ps[1]", row: row{"ps": []any{false, true}}, want: true},
		{text: "ss[0]", row: row{"ss": []any{"b"}}, want: "b"},
		{text: "xs == ys", row: row{"xs": some, "ys": some}, want: true},
		{text: "xs != ys", row: row{"xs": some, "ys": empty}, want: true},
		{text: "xs == ys", row: row{"xs": []any{1.0, nil}, "ys": some}, want: nil, typ: boolean},
		{text: "xs == ys", row: row{"xs": []any{2.0, nil}, "ys": some}, want: false},
		{text: "xs == xs", row: row{"xs": []any{nan}}, want: false},
		{text: "ss == ['a']", row: row{"ss": []any{"a"}}, want: true},
		{text: "ps == ps", row: row{"ps": []any{true}}, want: true},
		{text: "is == [i]", row: row{"is": []any{1}, "i": 1}, want: true},
		{text: "[x, y]", row: row{"x": 1.0, "y": nil}, want: []any{1.0, nil}},
		{text: "[x, y]", row: row{"x": invalid, "y": nil}, want: invalid, typ: plumbv1.Type_FLOAT64_ARRAY},
		{text: "[s, 'b', s]", row: row{"s": "a"}, want: []any{"a", "b", "a"}},
		{text: "[1, 2]", want: []any{int64(1), int64(2)}},
		{text: "p ? [s] : ss", row: row{"p": false, "ss": []any{"x", "y"}}, want: []any{"x", "y"}},
		{text: "[[x, y][0], 1.0][0]", row: row{"x": 4.0, "y": 5.0}, want: 4.0},
	})
}

func TestTimeFunctions(t *testing.T) {
	at := time.Date(2026, 11, 30, 23, 58, 59, 123_456_000, time.UTC).UnixMicro()
	early := time.Date(1969, 12, 31, 23, 59, 59, 999_000_000, time.UTC).UnixMicro()
	check(t, []expect{
		{text: "t.getFullYear()", row: row{"t": at}, want: int64(2026)},
		{text: "t.getMonth()", row: row{"t": at}, want: int64(10)},
		{text: "t.getDate()", row: row{"t": at}, want: int64(30)},
		{text: "t.getDayOfMonth()", row: row{"t": at}, want: int64(29)},
		{text: "t.getDayOfWeek()", row: row{"t": at}, want: int64(1)},
		{text: "t.getDayOfYear()", row: row{"t": at}, want: int64(333)},
		{text: "t.getHours()", row: row{"t": at}, want: int64(23)},
		{text: "t.getMinutes()", row: row{"t": at}, want: int64(58)},
		{text: "t.getSeconds()", row: row{"t": at}, want: int64(59)},
		{text: "t.getMilliseconds()", row: row{"t": at}, want: int64(123)},
		{text: "t.getMilliseconds()", row: row{"t": early}, want: int64(999)},
		{text: "t.getFullYear()", row: row{"t": early}, want: int64(1969)},
		{text: "t.getHours('America/New_York')", row: row{"t": at}, want: int64(18)},
		{text: "t.getDate('Asia/Tokyo')", row: row{"t": at}, want: int64(1)},
		{text: "t.getHours('-05:30')", row: row{"t": at}, want: int64(18)},
		{text: "t.getMinutes('-05:30')", row: row{"t": at}, want: int64(28)},
		{text: "t.getHours('02:00')", row: row{"t": at}, want: int64(1)},
		{text: "t.getHours('+02:00')", row: row{"t": at}, want: int64(1)},
		{text: "t.getHours('UTC')", row: row{"t": at}, want: int64(23)},
		{text: "t == timestamp('2026-11-30T23:58:59.123456Z')", row: row{"t": at}, want: true},
		{text: "t == timestamp('2026-12-01T01:58:59.123456+02:00')", row: row{"t": at}, want: true},
		{text: "timestamp(s) == t", row: row{"s": "2026-11-30T23:58:59,5Z", "t": at}, want: invalid, typ: boolean},
		{text: "timestamp(s) == t", row: row{"s": "2026-02-30T23:58:59Z", "t": at}, want: invalid, typ: boolean},
		{text: "timestamp(s) < t", row: row{"s": "2026-02-28T23:58:59Z", "t": at}, want: true},
		{text: "(t - u).getHours()", row: row{"t": at, "u": at - 7_199_999_999}, want: int64(1)},
		{text: "(t - u).getMinutes()", row: row{"t": at, "u": at - 7_199_999_999}, want: int64(119)},
		{text: "(t - u).getSeconds()", row: row{"t": at, "u": at + 1_999_999}, want: int64(-1)},
		{text: "(t - u).getMilliseconds()", row: row{"t": at, "u": at - 1_999_999}, want: int64(1999)},
		{text: "seconds(t - u)", row: row{"t": at, "u": at - 1_500_000}, want: 1.5},
		{text: "t + duration('1h30m') > t", row: row{"t": at}, want: true},
		{text: "duration('1h') + t == t - duration('-1h')", row: row{"t": at}, want: true},
		{text: "duration('1.5s') - duration('500ms') == duration('1s')", want: true},
		{text: "duration(s) < duration('1s')", row: row{"s": "999999us"}, want: true},
		{text: "duration(s) < duration('1s')", row: row{"s": "1ns"}, want: invalid, typ: boolean},
		{text: "timestamp(t) == t && double(x) == x && bytes(b) == b && int(i) == i", want: true,
			row: row{"t": at, "x": 1.0, "b": "b", "i": 1}},
		{text: "t", row: row{"t": at}, want: at, typ: plumbv1.Type_TIMESTAMP},
	})
}

// The same expression of constants is computed when it is compiled, and has to give the same.
func TestConstantsFoldToWhatRowsGive(t *testing.T) {
	check(t, []expect{
		{text: "1 + 2 * 3", want: int64(7)}, {text: "9223372036854775807 + 1", want: invalid, typ: integer},
		{text: "false && 1 / 0 == 0", want: false}, {text: "true ? 1 : 1 / 0", want: int64(1)},
		{text: "1 / 0", want: invalid, typ: integer},
		{text: "-9223372036854775808", want: int64(math.MinInt64)}, {text: "size([1, 2, 3])", want: int64(3)},
		{text: "[1, 2, 3][i]", row: row{"i": 2}, want: int64(3)}, {text: "sum([0.1, 0.2, 0.3])", want: 0.6},
		{text: "'a' + 'b' == 'ab'", want: true}, {text: "coalesce([1, 2][0], 3)", want: int64(1)},
		{text: "0.1 + 0.2", want: 0.30000000000000004},
		{text: "0.0 * -1.0", want: minus0}, {text: "1.0 in [1.0]", want: true},
	})
}
