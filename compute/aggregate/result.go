package aggregate

import (
	"cmp"
	"math"
	"math/big"
	"slices"

	"github.com/plumbstore/plumb/compute/exact"
	"github.com/plumbstore/plumb/compute/expression"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// NewResult makes a column of a type with as many rows as wanted, which Result fills. An array has no elements yet.
func NewResult(t plumbv1.Type, length int) *expression.Column {
	column := &expression.Column{Type: t, States: make([]expression.State, length)}
	switch {
	case isArray(t):
		column.Ends = make([]int, length)
		column.Elements = &expression.Column{Type: t - plumbv1.Type_BOOL_ARRAY + plumbv1.Type_BOOL}
	case t == plumbv1.Type_BOOL:
		column.Bools = make([]bool, length)
	case isFloat(t):
		column.Floats = make([]float64, length)
	case isText(t):
		column.Texts = make([]string, length)
	default:
		column.Ints = make([]int64, length)
	}
	return column
}

// extend adds a row that is present to a column of single values.
func extend(column *expression.Column) (row int) {
	column.States = append(column.States, expression.Present)
	switch {
	case column.Type == plumbv1.Type_BOOL:
		column.Bools = append(column.Bools, false)
	case isFloat(column.Type):
		column.Floats = append(column.Floats, 0)
	case isText(column.Type):
		column.Texts = append(column.Texts, "")
	default:
		column.Ints = append(column.Ints, 0)
	}
	return len(column.States) - 1
}

// Result writes the result of a spec at a place to a row of out, which has a column for each of Results. parts has the
// States of each of Parts; those that are not in PartsOf may be nil. Rows are written in ascending order, since
// elements of arrays are appended.
func (p *Plan) Result(spec int, parts []States, place int, out []*expression.Column, row int) {
	var inline [8]operand
	p.specs[spec].write(p.operands(inline[:0], spec, parts, place), out, row)
}

// Outcome computes the results of a spec again and again, of states that stay at their place.
type Outcome struct {
	spec *Spec
	of   []operand
	out  []*expression.Column
}

// Outcome returns what does as Result does.
func (p *Plan) Outcome(spec int, parts []States, place int, out []*expression.Column) *Outcome {
	return &Outcome{&p.specs[spec], p.operands(nil, spec, parts, place), out}
}

// Write writes the result to a row. Rows are written in ascending order.
func (o *Outcome) Write(row int) { o.spec.write(o.of, o.out, row) }

func (p *Plan) operands(dst []operand, spec int, parts []States, place int) []operand {
	for _, part := range p.of[spec] {
		dst = append(dst, operand{parts[part], place})
	}
	return dst
}

func (s *Spec) write(operands []operand, out []*expression.Column, row int) {
	var state expression.State
	switch {
	case s.By != None:
		state = s.ofGroups(operands, out)
	case s.Function == TopK || s.Function == Histogram:
		state = s.ofCounted(operands, out)
	default:
		state = s.ofEvents(operands, out[0], row)
	}
	for _, column := range out {
		column.States[row] = state
		if column.Ends != nil {
			column.Ends[row] = len(column.Elements.States)
		}
	}
}

// operand is one state that a result is computed of.
type operand struct {
	States
	place int
}

func (o operand) count() presence { return o.States.(*counts).of[o.place] }

// ofEvents computes a result without groups.
func (s *Spec) ofEvents(of []operand, out *expression.Column, row int) expression.State {
	switch s.Function {
	case Rows:
		out.Ints[row] = of[0].States.(*rows).of[of[0].place]
		return expression.Present
	case First, Last, LastN:
		return of[0].States.(ordered).result(of[0].place, out, row)
	}
	count := of[0].count()
	switch {
	case count.invalid > 0:
		return expression.Invalid
	case s.Function == Count:
		out.Ints[row] = count.present
		return expression.Present
	case s.Function == Distinct:
		out.Ints[row] = of[1].States.(*distinct).places[of[1].place].estimate()
		return expression.Present
	case count.present == 0:
		return expression.Null
	}
	switch s.Function {
	case Sum:
		return sum(of[1], count.present, out, row)
	case Mean:
		out.Floats[row] = roundedSum(of[1], count.present) / float64(count.present)
		if out.Floats[row] != out.Floats[row] {
			out.Floats[row] = math.Float64frombits(quietNaN)
		}
		return expression.Present
	case Min, Max:
		return of[1].States.(ordered).result(of[1].place, out, row)
	case Percentile:
		out.Floats[row] = of[1].States.(*buckets).percentile(of[1].place, s.Quantile, count.present)
		return expression.Present
	}
	return s.variance(of[1], of[2], count.present, out, row)
}

// ordered are states of values.
type ordered interface {
	result(place int, out *expression.Column, row int) expression.State
}

func (s *extremes[K]) result(place int, out *expression.Column, row int) expression.State {
	s.codec.put(out, row, s.of[place].value)
	return expression.Present
}

func (s *lasts[K]) result(place int, out *expression.Column, row int) expression.State {
	of := s.events(place)
	switch {
	case len(of) == 0:
		return expression.Null
	case out.Ends == nil:
		if of[0].rank == rankPresent {
			s.codec.put(out, row, of[0].value)
		}
		return states[of[0].rank]
	case slices.ContainsFunc(of, func(each slot[K]) bool { return each.rank == rankInvalid }):
		return expression.Invalid
	}
	for i := range of {
		element := extend(out.Elements)
		if of[i].rank == rankPresent {
			s.codec.put(out.Elements, element, of[i].value)
		} else {
			out.Elements.States[element] = expression.Null
		}
	}
	return expression.Present
}

// sum is exact: an integer that is outside INT64 is invalid.
func sum(of operand, count int64, out *expression.Column, row int) expression.State {
	whole, ok := of.States.(*integers)
	if !ok {
		out.Floats[row] = roundedSum(of, count)
		return expression.Present
	}
	total, ok := whole.of[of.place].Int64()
	if !ok {
		return expression.Invalid
	}
	out.Ints[row] = total
	return expression.Present
}

func roundedSum(of operand, count int64) float64 {
	if whole, ok := of.States.(*integers); ok {
		return whole.of[of.place].Rounded()
	}
	return of.States.(*doubles).Rounded(of.place, count)
}

// variance is (n * squares - sum^2) / n^2, or / (n * (n - 1)) of a sample, rounded once, and the deviation its root. It
// is NaN if a value is not finite.
func (s *Spec) variance(sum, squared operand, n int64, out *expression.Column, row int) expression.State {
	isSample := s.Function == VarianceSample || s.Function == StddevSample
	if isSample && n == 1 {
		return expression.Null
	}
	divisor := n
	if isSample {
		divisor--
	}
	total, squares, exponent, ok := moments(sum, squared)
	if !ok {
		out.Floats[row] = math.Float64frombits(quietNaN)
		return expression.Present
	}
	squares.Mul(squares, big.NewInt(n))
	squares.Sub(squares, total.Mul(total, total))
	below := big.NewInt(n)
	result := exact.Quotient(squares, below.Mul(below, big.NewInt(divisor)), exponent)
	if s.Function == Stddev || s.Function == StddevSample {
		result = math.Sqrt(result)
	}
	out.Floats[row] = result
	return expression.Present
}

// moments are the sum, in units of a power of two, and the sum of squares in units of the square of that, of which it
// returns the exponent. They are not ok if a value was not finite.
func moments(sum, squared operand) (total, squaresTotal *big.Int, exponent int, ok bool) {
	if whole, ok := sum.States.(*integers); ok {
		squares := squared.States.(*squares).of[squared.place]
		return whole.of[sum.place].Big(), exact.Big(squares[:]), 0, true
	}
	sums := sum.States.(*doubles)
	if special := sums.Specials(sum.place); special.NaN > 0 || special.Plus > 0 || special.Minus > 0 {
		return nil, nil, 0, false
	}
	total, unit := sums.Big(sum.place)
	squaresTotal, squareUnit := squared.States.(*doubles).Big(squared.place)
	// Both units become the lesser one. Units of sums and of squares are even powers of two.
	exponent = min(2*unit, squareUnit)
	total.Lsh(total, uint(2*unit-exponent)/2)
	squaresTotal.Lsh(squaresTotal, uint(squareUnit-exponent))
	return total, squaresTotal, exponent, true
}

// counted are groups whose number of events is known.
type counted interface {
	// members are the inner places of the groups, in their order, and counts the number of events of each inner place.
	members(place int) (members []int32, counts []int64)
	// innerOf is the state of a group, given its inner place in other groups by the same column.
	innerOf(other counted, inner int32, place int) operand
	// put appends a group to the elements of an array.
	put(inner int32, elements *expression.Column)
}

func (s *groups[K]) members(place int) ([]int32, []int64) {
	return s.sorted(place), s.inner.(*rows).of
}

func (s *groups[K]) innerOf(other counted, inner int32, place int) operand {
	return operand{s.inner, s.find(place, other.(*groups[K]).keys[inner])}
}

func (s *groups[K]) put(inner int32, elements *expression.Column) {
	s.codec.put(elements, extend(elements), s.keys[inner])
}

// ofCounted computes TopK and Histogram.
func (s *Spec) ofCounted(of []operand, out []*expression.Column) expression.State {
	grouped := of[1].States.(counted)
	members, counts := grouped.members(of[1].place)
	switch {
	case of[0].count().invalid > 0 || len(members) > s.MaxValues:
		return expression.Invalid
	case len(members) == 0:
		return expression.Null
	}
	if s.Function == TopK {
		members = slices.Clone(members)
		slices.SortStableFunc(members, func(a, b int32) int { return cmp.Compare(counts[b], counts[a]) })
		members = members[:min(s.N, len(members))]
	}
	for _, member := range members {
		grouped.put(member, out[0].Elements)
		out[1].Elements.Ints[extend(out[1].Elements)] = counts[member]
	}
	return expression.Present
}

// ofGroups computes a result for each group, and gives the greatest ones.
func (s *Spec) ofGroups(of []operand, out []*expression.Column) expression.State {
	grouped := of[1].States.(counted)
	members, _ := grouped.members(of[1].place)
	place, inner := of[1].place, of[2:]
	isInvalid := of[0].count().invalid > 0 || len(members) > s.MaxValues
	if s.Column != None && !isOrdered(s.Function) {
		isInvalid = isInvalid || of[2].count().invalid > 0
		inner = of[3:]
	}
	switch {
	case isInvalid:
		return expression.Invalid
	case len(members) == 0:
		return expression.Null
	}
	results := NewResult(s.single(), len(members))
	order := make([]int, len(members))
	operands := make([]operand, len(inner))
	for i, member := range members {
		for j, each := range inner {
			operands[j] = each.States.(counted).innerOf(grouped, member, place)
		}
		order[i] = i
		results.States[i] = s.ofEvents(operands, results, i)
		if results.States[i] == expression.Invalid {
			return expression.Invalid
		}
	}
	compare := comparison(results)
	slices.SortStableFunc(order, func(a, b int) int { return compare(b, a) })
	for _, i := range order[:min(s.N, len(order))] {
		copyRow(out[0].Elements, results, i)
		grouped.put(members[i], out[1].Elements)
	}
	return expression.Present
}

// comparison compares rows of a column in R3's order.
func comparison(column *expression.Column) func(a, b int) int {
	if isText(column.Type) {
		return comparisonOf[string](column, texts{})
	}
	return comparisonOf[uint64](column, words{column.Type})
}

func comparisonOf[K key](column *expression.Column, c codec[K]) func(a, b int) int {
	return func(a, b int) int {
		if column.States[a] != expression.Present || column.States[b] != expression.Present {
			return cmp.Compare(column.States[b], column.States[a])
		}
		return cmp.Compare(c.of(column, a), c.of(column, b))
	}
}

// copyRow appends a row of a column to another one.
func copyRow(to, from *expression.Column, row int) {
	at := extend(to)
	if to.States[at] = from.States[row]; to.States[at] != expression.Present {
		return
	}
	if isText(from.Type) {
		to.Texts[at] = from.Texts[row]
		return
	}
	w := words{from.Type}
	w.put(to, at, w.of(from, row))
}
