package expression_test

import (
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/plumbstore/plumb/compute/expression"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

const (
	boolean = plumbv1.Type_BOOL
	integer = plumbv1.Type_INT64
	float   = plumbv1.Type_FLOAT64
	text    = plumbv1.Type_STRING
)

var (
	nan     = math.Float64frombits(0x7ff8000000000000)
	inf     = math.Inf(1)
	minus0  = math.Copysign(0, -1)
	present = row{
		"i": 6, "j": 3, "x": 1.5, "y": 2.0, "p": true, "q": false, "s": "ab", "z": "b", "b": "ab", "t": 5, "u": 7,
		"is": []any{1, 2}, "xs": []any{1.0, 2.0}, "ys": []any{3.0, 4.0}, "ss": []any{"b", "c"},
	}
)

// strict are expressions of one result each in which every input counts.
var strict = []struct {
	text string
	typ  plumbv1.Type
	args []string
}{
	{"i + j", integer, []string{"i", "j"}}, {"i - j", integer, []string{"i", "j"}}, {"i * j", integer, []string{"i", "j"}},
	{"i / j", integer, []string{"i", "j"}}, {"i % j", integer, []string{"i", "j"}}, {"-i", integer, []string{"i"}},
	{"x + y", float, []string{"x", "y"}}, {"x - y", float, []string{"x", "y"}}, {"x * y", float, []string{"x", "y"}},
	{"x / y", float, []string{"x", "y"}}, {"-x", float, []string{"x"}}, {"s + z", text, []string{"s", "z"}},
	{"i == j", boolean, []string{"i", "j"}}, {"x != y", boolean, []string{"x", "y"}},
	{"s < z", boolean, []string{"s", "z"}},
	{"p <= q", boolean, []string{"p", "q"}}, {"t > u", boolean, []string{"t", "u"}},
	{"i >= j", boolean, []string{"i", "j"}},
	{"!p", boolean, []string{"p"}}, {"xs == ys", boolean, []string{"xs", "ys"}}, {"i in is", boolean, []string{"i", "is"}},
	{"size(s)", integer, []string{"s"}}, {"size(is)", integer, []string{"is"}}, {"xs[1]", float, []string{"xs"}},
	{"xs[j - 2]", float, []string{"xs", "j"}}, {"abs(i)", integer, []string{"i"}}, {"exp(x)", float, []string{"x"}},
	{"sind(x)", float, []string{"x"}}, {"cosd(x)", float, []string{"x"}},
	{"pow(x, y)", float, []string{"x", "y"}}, {"least(x, y, 3.0)", float, []string{"x", "y"}},
	{"greatest(1, i, j)", integer, []string{"i", "j"}}, {"clamp(x, y, 9.0)", float, []string{"x", "y"}},
	{"int(x)", integer, []string{"x"}}, {"double(i)", float, []string{"i"}}, {"string(i)", text, []string{"i"}},
	{"s.contains(z)", boolean, []string{"s", "z"}}, {"s.matches('a.')", boolean, []string{"s"}},
	{"replace(s, z, 'c')", text, []string{"s", "z"}}, {"substring(s, j - 2, 2)", text, []string{"s", "j"}},
	{"sum(xs)", float, []string{"xs"}}, {"sum(is)", integer, []string{"is"}}, {"mean(is)", float, []string{"is"}},
	{"dot(xs, ys)", float, []string{"xs", "ys"}}, {"cosine(xs, ys)", float, []string{"xs", "ys"}},
	{"hash64(s)", integer, []string{"s"}}, {"bucketize(x, [1.0, 2.0])", integer, []string{"x"}},
	{"haversine(x, y, y, x)", float, []string{"x", "y"}}, {"seconds(t - u)", float, []string{"t", "u"}},
	{"t.getHours('-05:00')", integer, []string{"t"}}, {"int(t + duration('1h'))", integer, []string{"t"}},
	{"is_nan(x)", boolean, []string{"x"}}, {"hash64(b)", integer, []string{"b"}}, {"int(s + '1')", integer, []string{"s"}},
}

// with returns a row with some values replaced.
func with(of row, replaced row) row {
	result := row{}
	maps.Copy(result, of)
	maps.Copy(result, replaced)
	return result
}

func TestR25_AnOperatorWithANullOperandIsNull(t *testing.T) {
	for _, c := range strict {
		for _, name := range c.args {
			if got := evaluate(t, c.text, c.typ, with(present, row{name: nil})); got != nil {
				t.Errorf("%s is %v although %s is null", c.text, got, name)
			}
		}
	}
}

func TestR26_AnOperatorWithAnInvalidOperandIsInvalid(t *testing.T) {
	for _, c := range strict {
		for _, name := range c.args {
			if got := evaluate(t, c.text, c.typ, with(present, row{name: invalid})); got != any(invalid) {
				t.Errorf("%s is %v although %s is Invalid", c.text, got, name)
			}
			others := row{}
			for _, other := range c.args {
				others[other] = nil
			}
			if got := evaluate(t, c.text, c.typ, with(others, row{name: invalid})); got != any(invalid) {
				t.Errorf("%s is %v although %s is Invalid and all else null", c.text, got, name)
			}
		}
	}
}

func TestR25_LogicIsThreeValuedAndSymmetric(t *testing.T) {
	values := []any{true, false, nil, invalid}
	// The results for each pair of values, in the order above.
	and := [][]any{
		{true, false, nil, invalid}, {false, false, false, false}, {nil, false, nil, invalid},
		{invalid, false, invalid, invalid},
	}
	or := [][]any{
		{true, true, true, true}, {true, false, nil, invalid}, {true, nil, nil, invalid},
		{true, invalid, invalid, invalid},
	}
	for i, p := range values {
		for k, q := range values {
			check(t, []expect{
				{"p && q", row{"p": p, "q": q}, and[i][k], boolean}, {"p || q", row{"p": p, "q": q}, or[i][k], boolean},
			})
		}
	}
}

func TestR25_OnlyTheChosenBranchCounts(t *testing.T) {
	check(t, []expect{
		{"p ? i : j", row{"p": true, "i": 1, "j": invalid}, int64(1), integer},
		{"p ? i : j", row{"p": false, "i": invalid, "j": 2}, int64(2), integer},
		{"p ? i : j", row{"p": true, "i": nil, "j": 2}, nil, integer},
		{"p ? i : j", row{"p": nil, "i": 1, "j": 2}, nil, integer},
		{"p ? i : j", row{"p": nil, "i": invalid, "j": invalid}, nil, integer},
		{"p ? i : j", row{"p": invalid, "i": 1, "j": 2}, invalid, integer},
		{"p ? i / j : 0", row{"p": false, "i": 1, "j": 0}, int64(0), integer},
		{"p ? i / j : 0", row{"p": true, "i": 1, "j": 0}, invalid, integer},
		{"j != 0 && i / j > 1", row{"i": 1, "j": 0}, false, boolean},
		{"i / j > 1 && j != 0", row{"i": 1, "j": 0}, false, boolean},
		{"j == 0 || i / j > 1", row{"i": 1, "j": 0}, true, boolean},
		{"p ? s : z", row{"p": false, "s": "a", "z": "b"}, "b", text},
		{"p ? q : true", row{"p": true, "q": false}, false, boolean},
		{"p ? xs : ys", row{"p": false, "xs": invalid, "ys": []any{1.0, nil}}, []any{1.0, nil}, plumbv1.Type_FLOAT64_ARRAY},
		{"p ? xs : ys", row{"p": true, "xs": nil, "ys": []any{1.0}}, nil, plumbv1.Type_FLOAT64_ARRAY},
	})
}

func TestR25_CoalesceTakesTheFirstThatIsNotNull(t *testing.T) {
	check(t, []expect{
		{"coalesce(i, j)", row{"i": 1, "j": invalid}, int64(1), integer},
		{"coalesce(i, j)", row{"i": nil, "j": 2}, int64(2), integer},
		{"coalesce(i, j)", row{"i": nil, "j": nil}, nil, integer},
		{"coalesce(i, j)", row{"i": invalid, "j": 2}, invalid, integer},
		{"coalesce(i, j)", row{"i": nil, "j": invalid}, invalid, integer},
		{"coalesce(i, j, 7)", row{"i": nil, "j": nil}, int64(7), integer},
		{"coalesce(i, j, 1 / 0)", row{"i": nil, "j": 3}, int64(3), integer},
		{"coalesce(i, j, 1 / 0)", row{"i": nil, "j": nil}, invalid, integer},
		{"coalesce(xs, ys)", row{"xs": nil, "ys": []any{2.0}}, []any{2.0}, plumbv1.Type_FLOAT64_ARRAY},
		{"coalesce(s, 'none')", row{"s": nil}, "none", text},
	})
}

func TestR25_ComparisonsWithNullSeeNulls(t *testing.T) {
	for _, name := range []string{"i", "x", "p", "s", "b", "t", "is", "xs", "ss", "view.f", "n"} {
		value := with(present, row{"view.f": 1.0, "n": 1})
		check(t, []expect{
			{name + " == null", value, false, boolean}, {"null != " + name, value, true, boolean},
			{name + " == null", nil, true, boolean}, {name + " != null", nil, false, boolean},
			{"null == " + name, row{name: invalid}, invalid, boolean}, {name + " != null", row{name: invalid}, invalid, boolean},
			{"has(" + name + ")", value, true, boolean}, {"has(" + name + ")", nil, false, boolean},
			{"has(" + name + ")", row{name: invalid}, invalid, boolean},
		})
	}
	check(t, []expect{
		{"(i + j) == null", row{"i": 1}, true, boolean}, {"i + j != null", row{"i": 1, "j": 2}, true, boolean},
		{"(1 / 0) == null", nil, invalid, boolean}, {"[1, 2] == null", nil, false, boolean},
	})
}

func TestR26_IntegersOverflowToInvalid(t *testing.T) {
	least, most := row{"i": math.MinInt64}, row{"i": math.MaxInt64}
	check(t, []expect{
		{"i + 1", most, invalid, integer}, {"i + 0", most, int64(math.MaxInt64), integer},
		{"i + -1", least, invalid, integer}, {"i - 1", least, invalid, integer}, {"0 - i", least, invalid, integer},
		{"-1 - i", least, int64(math.MaxInt64), integer}, {"-i", least, invalid, integer},
		{"abs(i)", least, invalid, integer},
		{"-i", most, int64(-math.MaxInt64), integer}, {"i * 2", most, invalid, integer}, {"i * -1", least, invalid, integer},
		{"i * i", row{"i": 3037000499}, int64(9223372030926249001), integer},
		{"i * i", row{"i": 3037000500}, invalid, integer},
		{"i * 2", row{"i": math.MinInt64 / 2}, int64(math.MinInt64), integer},
		{"i / 0", row{"i": 1}, invalid, integer}, {"i % 0", row{"i": 1}, invalid, integer},
		{"i / -1", least, invalid, integer},
		{"i % -1", least, invalid, integer}, {"i / -2", row{"i": 7}, int64(-3), integer},
		{"i % 2", row{"i": -7}, int64(-1), integer},
		{"sum(is)", row{"is": []any{math.MaxInt64, 1}}, invalid, integer},
		{"sum(is)", row{"is": []any{math.MaxInt64, 1, -1}}, int64(math.MaxInt64), integer},
	})
}

func TestR26_ConversionsOutOfRangeAreInvalid(t *testing.T) {
	check(t, []expect{
		{"int(x)", row{"x": 2.9}, int64(2), integer}, {"int(x)", row{"x": -2.9}, int64(-2), integer},
		{"int(x)", row{"x": 0x1p63}, invalid, integer}, {"int(x)", row{"x": -0x1p63}, int64(math.MinInt64), integer},
		{"int(x)", row{"x": math.Nextafter(0x1p63, 0)}, int64(math.MaxInt64 - 1023), integer},
		{"int(x)", row{"x": nan}, invalid, integer}, {"int(x)", row{"x": inf}, invalid, integer},
		{"int(s)", row{"s": "-12"}, int64(-12), integer}, {"int(s)", row{"s": "1.0"}, invalid, integer},
		{"int(s)", row{"s": ""}, invalid, integer}, {"int(s)", row{"s": "9223372036854775808"}, invalid, integer},
		{"double(s)", row{"s": "1e3"}, 1000.0, float}, {"double(s)", row{"s": "one"}, invalid, float},
		{"double(s)", row{"s": "1e999"}, invalid, float}, {"string(b)", row{"b": "\xff"}, invalid, text},
		{"i", row{"i": math.MaxInt32}, int64(math.MaxInt32), plumbv1.Type_INT32},
		{"i", row{"i": math.MaxInt32 + 1}, invalid, plumbv1.Type_INT32},
		{"n + 1", row{"n": math.MaxInt32}, invalid, plumbv1.Type_INT32},
		{"n + 1", row{"n": math.MaxInt32}, int64(1 << 31), integer},
		{"is", row{"is": []any{1, nil, 1 << 31}}, invalid, plumbv1.Type_INT32_ARRAY},
		{"is", row{"is": []any{1, nil}}, []any{int64(1), nil}, plumbv1.Type_INT32_ARRAY},
		{"int(timestamp(i))", row{"i": math.MaxInt64 / 1_000_000}, int64(math.MaxInt64 / 1_000_000), integer},
		{"int(timestamp(i))", row{"i": math.MaxInt64/1_000_000 + 1}, invalid, integer},
		{"t + duration('1h') == t", row{"t": math.MaxInt64}, invalid, boolean},
		{"t - u == duration('1h')", row{"t": math.MinInt64, "u": 1}, invalid, boolean},
	})
}

func TestR26_IndexesOutOfRangeAreInvalid(t *testing.T) {
	list := []any{1.0, nil, 3.0}
	check(t, []expect{
		{"xs[i]", row{"xs": list, "i": 0}, 1.0, float}, {"xs[i]", row{"xs": list, "i": 1}, nil, float},
		{"xs[i]", row{"xs": list, "i": 3}, invalid, float}, {"xs[i]", row{"xs": list, "i": -1}, invalid, float},
		{"xs[i]", row{"xs": []any{}, "i": 0}, invalid, float}, {"xs[i]", row{"xs": list, "i": math.MinInt64}, invalid, float},
		{"substring(s, 1, 2)", row{"s": "äöü"}, "ö", text}, {"substring(s, 3, 3)", row{"s": "äöü"}, "", text},
		{"substring(s, 1, 4)", row{"s": "äöü"}, invalid, text}, {"substring(s, 2, 1)", row{"s": "äöü"}, invalid, text},
		{"substring(s, -1, 1)", row{"s": "äöü"}, invalid, text}, {"substring(s, 7, 7)", row{"s": "äöü"}, invalid, text},
	})
}

func TestR25_DoublesAreIEEE(t *testing.T) {
	check(t, []expect{
		{"x == x", row{"x": nan}, false, boolean}, {"x != x", row{"x": nan}, true, boolean},
		{"x < 1.0", row{"x": nan}, false, boolean}, {"x >= 1.0", row{"x": nan}, false, boolean},
		{"x > 1.0 || x <= 1.0", row{"x": nan}, false, boolean}, {"x / y", row{"x": 1.0, "y": 0.0}, inf, float},
		{"x / y", row{"x": 1.0, "y": minus0}, -inf, float}, {"x / y", row{"x": 0.0, "y": 0.0}, nan, float},
		{"x - x", row{"x": inf}, nan, float}, {"-x", row{"x": 0.0}, minus0, float}, {"x == -x", row{"x": 0.0}, true, boolean},
		{"x + y", row{"x": minus0, "y": minus0}, minus0, float}, {"x in xs", row{"x": nan, "xs": []any{nan}}, false, boolean},
		{"least(x, y)", row{"x": minus0, "y": 0.0}, minus0, float}, {"greatest(x, y)", row{"x": nan, "y": 1.0}, nan, float},
		{"round(x)", row{"x": 0.5}, 1.0, float}, {"round(x)", row{"x": -2.5}, -3.0, float},
		{"round(x)", row{"x": 0.49999999999999994}, 0.0, float}, {"trunc(x)", row{"x": -0.5}, minus0, float},
		{"sqrt(x)", row{"x": -1.0}, nan, float}, {"log(x)", row{"x": 0.0}, -inf, float},
		{"x", row{"x": 1e-320}, 1e-320, float},
	})
}

func TestR25_TheNaNOfAnOutputHasOnePatternOfBits(t *testing.T) {
	other := math.Float64frombits(0xfff8000000000123)
	check(t, []expect{
		{"x", row{"x": other}, nan, float}, {"-x", row{"x": other}, nan, float},
		{"x", row{"x": other}, nan, plumbv1.Type_FLOAT32},
		{"xs", row{"xs": []any{other, 1.0}}, []any{nan, 1.0}, plumbv1.Type_FLOAT64_ARRAY},
	})
	got := evaluate(t, "x", plumbv1.Type_FLOAT32, row{"x": other}).(float64)
	if bits := math.Float32bits(float32(got)); bits != 0x7fc00000 {
		t.Errorf("the NaN of FLOAT32 has bits %#x", bits)
	}
}

func TestR25_FLOAT32IsRoundedOnce(t *testing.T) {
	third := float64(float32(1.0 / 3))
	check(t, []expect{
		{"x / 3.0", row{"x": 1.0}, third, plumbv1.Type_FLOAT32}, {"x", row{"x": 1e300}, inf, plumbv1.Type_FLOAT32},
		{"[x / 3.0, y]", row{"x": 1.0, "y": nil}, []any{third, nil}, plumbv1.Type_FLOAT32_ARRAY},
	})
}

// The product has no error that a sum could show unless both are one operation.
func TestR25_ProductsAreRoundedBeforeTheyAreAdded(t *testing.T) {
	rows := []row{}
	for k := range 2000 {
		x := 1 + float64(k+1)*0x1p-30
		rows = append(rows, row{"x": x, "y": -float64(x * x), "i": k})
	}
	program := compile(t, expression.Output{Name: "out", Type: float, Expression: "x * x + y"},
		expression.Output{Name: "less", Type: float, Expression: "-y - x * x"},
		expression.Output{Name: "twice", Type: float, Expression: "dot([x, 1.0], [x, y])"})
	differ := 0
	for k, got := range run(program, 3, rows) {
		if !slices.Equal(got, []any{0.0, 0.0, 0.0}) {
			t.Fatalf("x * x - x * x is %v in row %d", got, k)
		}
		if math.FMA(rows[k]["x"].(float64), rows[k]["x"].(float64), rows[k]["y"].(float64)) != 0 {
			differ++
		}
	}
	if differ < 1000 {
		t.Errorf("only %d rows can tell fused operations from others", differ)
	}
}

func TestR25_RequestTimeIsTheTimeOfTheRow(t *testing.T) {
	check(t, []expect{
		{"request_time - t < duration('24h')", row{"t": 0, "request_time": int64(86_400_000_000 - 1)}, true, boolean},
		{"request_time - t < duration('24h')", row{"t": 0, "request_time": int64(86_400_000_000)}, false, boolean},
	})
}
