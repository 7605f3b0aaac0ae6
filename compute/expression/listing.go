package expression

import (
	"math"

	"github.com/plumbstore/plumb/compute/exact"
)

// within makes the kernel of "in". A null element may be the value, so that it makes null of what is not found.
func within(s site) (kernel, error) {
	switch s.types[0].class() {
	case boolClass:
		return search(boolsOf), nil
	case intClass:
		return among(intsOf, s.constants[1]), nil
	case floatClass:
		return among(floatsOf, s.constants[1]), nil
	default:
		return among(textsOf, s.constants[1]), nil
	}
}

// among is search, with a set of the elements if they are constant and many.
func among[T comparable](of values[T], list *vector) kernel {
	const many = 12
	if list == nil || !list.elements.present || list.ends[0]-list.begins[0] < many {
		return search(of)
	}
	set := map[T]struct{}{}
	for _, element := range of(list.elements)[list.begins[0]:list.ends[0]] {
		set[element] = struct{}{}
	}
	return func(c *call, rows int) {
		for i, x := range of(c.args[0])[:rows] {
			_, c.out.bools[i] = set[x]
		}
	}
}

func search[T comparable](of values[T]) kernel {
	return func(c *call, rows int) {
		lists := c.args[1]
		elements := of(lists.elements)
		for i, x := range of(c.args[0])[:rows] {
			if c.out.at(i) != Present {
				continue
			}
			found, unknown := false, false
			for j := lists.begins[i]; j < lists.ends[i] && !found; j++ {
				absent := lists.elements.at(j) != Present
				unknown = unknown || absent
				found = !absent && elements[j] == x
			}
			c.out.bools[i] = found
			if !found && unknown {
				c.out.put(i, rows, Null)
			}
		}
	}
}

// element makes the kernel of list[index]. A null element gives null.
func element(s site) (kernel, error) {
	switch s.types[0].element().class() {
	case boolClass:
		return elementAt(boolsOf), nil
	case intClass:
		return elementAt(intsOf), nil
	case floatClass:
		return elementAt(floatsOf), nil
	default:
		return elementAt(textsOf), nil
	}
}

func elementAt[T any](of values[T]) kernel {
	return func(c *call, rows int) {
		lists, out := c.args[0], of(c.out)
		elements := of(lists.elements)
		for i, index := range c.args[1].ints[:rows] {
			if c.out.at(i) != Present {
				continue
			}
			if index < 0 || index >= int64(lists.ends[i]-lists.begins[i]) {
				c.invalid(i, rows)
				continue
			}
			j := lists.begins[i] + int(index)
			out[i] = elements[j]
			if lists.elements.at(j) != Present {
				c.out.put(i, rows, Null)
			}
		}
	}
}

func listSize(c *call, rows int) {
	lists := c.args[0]
	for i := range rows {
		c.out.ints[i] = int64(lists.ends[i] - lists.begins[i])
	}
}

// makeList is the kernel of a list literal. A null operand becomes a null element, since null is a value of arrays.
func makeList(c *call, rows int) {
	c.out.clearElements()
	c.out.present = true
	for i := range rows {
		begin := len(c.out.elements.states)
		state := Present
		for _, operand := range c.args {
			if operand.at(i) == Invalid {
				state = Invalid
			}
		}
		if state != Present {
			c.out.put(i, rows, state)
		} else {
			for _, operand := range c.args {
				c.out.elements.add(operand, i, i+1)
			}
			if !c.out.present {
				c.out.states[i] = Present
			}
		}
		c.out.endList(i, begin)
	}
}

// hasNull says whether a row's list has an element that is null.
func (v *vector) hasNull(row int) bool {
	return !v.elements.present && !allPresent(v.elements.states[v.begins[row]:v.ends[row]])
}

// overFloats makes the kernel of a function of one or two lists of doubles. A null element makes the result null. The
// function says by its state that lists have no value.
func overFloats(f func(sum *exact.Sum, a, b []float64) (float64, State)) kernel {
	return func(c *call, rows int) {
		first, second := c.args[0], c.args[len(c.args)-1]
		if c.exact == nil {
			c.exact = exact.NewSum()
		}
		for i := range rows {
			switch {
			case c.out.at(i) != Present:
				continue
			case first.hasNull(i) || second.hasNull(i):
				c.out.put(i, rows, Null)
				continue
			}
			result, state := f(c.exact, first.floatList(i), second.floatList(i))
			c.out.floats[i] = result
			if state != Present {
				c.out.put(i, rows, state)
			}
		}
	}
}

func (v *vector) floatList(row int) []float64 { return v.elements.floats[v.begins[row]:v.ends[row]] }

func sumFloats(sum *exact.Sum, a, _ []float64) (float64, State) {
	sum.Reset()
	for _, x := range a {
		sum.Add(x)
	}
	return sum.Rounded(), Present
}

func meanFloats(sum *exact.Sum, a, _ []float64) (float64, State) {
	if len(a) == 0 {
		return 0, Null
	}
	total, state := sumFloats(sum, a, nil)
	return total / float64(len(a)), state
}

// dotFloats rounds each product once, and their exact sum once.
func dotFloats(sum *exact.Sum, a, b []float64) (float64, State) {
	if len(a) != len(b) {
		return 0, Invalid
	}
	sum.Reset()
	for i, x := range a {
		sum.Add(float64(x * b[i]))
	}
	return sum.Rounded(), Present
}

// cosineFloats is dot(a, b) / (sqrt(dot(a, a)) * sqrt(dot(b, b))), each operation rounded once.
func cosineFloats(sum *exact.Sum, a, b []float64) (float64, State) {
	ab, state := dotFloats(sum, a, b)
	aa, _ := dotFloats(sum, a, a)
	bb, _ := dotFloats(sum, b, b)
	return ab / float64(math.Sqrt(aa)*math.Sqrt(bb)), state
}

// sumInts adds in 128 bits, so that only the total may be outside INT64.
func sumInts(c *call, rows int) {
	lists := c.args[0]
	for i := range rows {
		if c.out.at(i) != Present {
			continue
		}
		if lists.hasNull(i) {
			c.out.put(i, rows, Null)
			continue
		}
		var total exact.Int
		for _, x := range lists.elements.ints[lists.begins[i]:lists.ends[i]] {
			total.Add(x)
		}
		value, ok := total.Int64()
		c.out.ints[i] = value
		if !ok {
			c.invalid(i, rows)
		}
	}
}

// meanInts divides the exact sum, rounded to a double, by the count.
func meanInts(c *call, rows int) {
	lists := c.args[0]
	for i := range rows {
		if c.out.at(i) != Present {
			continue
		}
		count := lists.ends[i] - lists.begins[i]
		if count == 0 || lists.hasNull(i) {
			c.out.put(i, rows, Null)
			continue
		}
		var sum exact.Int
		for _, x := range lists.elements.ints[lists.begins[i]:lists.ends[i]] {
			sum.Add(x)
		}
		c.out.floats[i] = sum.Rounded() / float64(count)
	}
}

// roundList and narrowList bring the elements of a list to FLOAT32 and INT32.
func roundList(c *call, rows int) {
	copyLists(c, rows)
	for i, x := range c.out.elements.floats {
		c.out.elements.floats[i] = toFloat32(x)
	}
}

func narrowList(c *call, rows int) {
	copyLists(c, rows)
	elements := c.out.elements
	for i := range rows {
		for j := c.out.begins[i]; j < c.out.ends[i]; j++ {
			if _, fits := toInt32(elements.ints[j]); !fits && elements.at(j) == Present {
				c.invalid(i, rows)
			}
		}
	}
}

func copyLists(c *call, rows int) {
	c.out.clearElements()
	for i := range rows {
		if c.out.at(i) == Present {
			c.out.setList(i, c.args[0], i)
		} else {
			c.out.endList(i, len(c.out.elements.states))
		}
	}
}

func listing() []function {
	return []function{
		{name: "@in", overloads: []overload{chosen(within, boolT, anyT, listT)}},
		{name: "_[_]", overloads: []overload{chosen(element, anyT, listT, intT)}},
		{name: "size", overloads: []overload{
			on(listSize, intT, listT), on(mapOne(textsOf, intsOf, codePoints), intT, stringT),
			on(mapOne(textsOf, intsOf, byteCount), intT, bytesT),
			on(listSize, intT, listT).asMember(), on(mapOne(textsOf, intsOf, codePoints), intT, stringT).asMember(),
			on(mapOne(textsOf, intsOf, byteCount), intT, bytesT).asMember(),
		}},
		{name: "sum", overloads: []overload{on(sumInts, intT, intsT), on(overFloats(sumFloats), doubleT, doublesT)}},
		{name: "mean", overloads: []overload{
			on(meanInts, doubleT, intsT), on(overFloats(meanFloats), doubleT, doublesT),
		}},
		{name: "dot", overloads: []overload{on(overFloats(dotFloats), doubleT, doublesT, doublesT)}},
		{name: "cosine", overloads: []overload{on(overFloats(cosineFloats), doubleT, doublesT, doublesT)}},
	}
}
