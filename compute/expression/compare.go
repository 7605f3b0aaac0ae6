package expression

import "cmp"

// The comparisons of doubles are IEEE's: NaN equals nothing, and every comparison with it is false.

func equal[T comparable](of values[T]) kernel {
	return func(c *call, rows int) {
		a, b, out := of(c.args[0])[:rows], of(c.args[1])[:rows], c.out.bools[:rows]
		for i, x := range a {
			out[i] = x == b[i]
		}
	}
}

func unequal[T comparable](of values[T]) kernel {
	return func(c *call, rows int) {
		a, b, out := of(c.args[0])[:rows], of(c.args[1])[:rows], c.out.bools[:rows]
		for i, x := range a {
			out[i] = x != b[i]
		}
	}
}

func less[T cmp.Ordered](of values[T]) kernel {
	return func(c *call, rows int) {
		a, b, out := of(c.args[0])[:rows], of(c.args[1])[:rows], c.out.bools[:rows]
		for i, x := range a {
			out[i] = x < b[i]
		}
	}
}

func lessOrEqual[T cmp.Ordered](of values[T]) kernel {
	return func(c *call, rows int) {
		a, b, out := of(c.args[0])[:rows], of(c.args[1])[:rows], c.out.bools[:rows]
		for i, x := range a {
			out[i] = x <= b[i]
		}
	}
}

// exchanged runs a kernel with its two operands exchanged: a > b is b < a.
func exchanged(k kernel) kernel {
	return func(c *call, rows int) {
		c.args[0], c.args[1] = c.args[1], c.args[0]
		k(c, rows)
		c.args[0], c.args[1] = c.args[1], c.args[0]
	}
}

func lessBool(a, b bool) bool        { return !a && b }
func lessOrEqualBool(a, b bool) bool { return !a || b }

// compareLists compares lists element by element. A pair that differs decides; otherwise the answer is null if a pair
// has an element that is null.
func compareLists(whenEqual bool) func(site) (kernel, error) {
	return func(s site) (kernel, error) {
		same := sameElement(s.types[0].element().class())
		return func(c *call, rows int) {
			for i := range rows {
				if c.out.at(i) != Present {
					continue
				}
				equal, state := equalLists(c.args[0], c.args[1], i, same)
				c.out.bools[i] = equal == whenEqual
				if state != Present {
					c.out.put(i, rows, state)
				}
			}
		}, nil
	}
}

func equalLists(a, b *vector, row int, same func(a, b *vector, i, j int) bool) (bool, State) {
	size := a.ends[row] - a.begins[row]
	if size != b.ends[row]-b.begins[row] {
		return false, Present
	}
	state := Present
	for k := range size {
		i, j := a.begins[row]+k, b.begins[row]+k
		switch {
		case a.elements.at(i) != Present || b.elements.at(j) != Present:
			state = Null
		case !same(a.elements, b.elements, i, j):
			return false, Present
		}
	}
	return true, state
}

// sameElement compares one element of a vector with one of another.
func sameElement(of class) func(a, b *vector, i, j int) bool {
	switch of {
	case boolClass:
		return func(a, b *vector, i, j int) bool { return a.bools[i] == b.bools[j] }
	case intClass:
		return func(a, b *vector, i, j int) bool { return a.ints[i] == b.ints[j] }
	case floatClass:
		return func(a, b *vector, i, j int) bool { return a.floats[i] == b.floats[j] }
	default:
		return func(a, b *vector, i, j int) bool { return a.texts[i] == b.texts[j] }
	}
}

// ordering makes the overloads of < and its like, which every scalar type has.
func ordering(bools, ints, floats, texts kernel) []overload {
	return []overload{
		on(bools, boolT, boolT, boolT), on(ints, boolT, intT, intT), on(floats, boolT, doubleT, doubleT),
		on(texts, boolT, stringT, stringT), on(texts, boolT, bytesT, bytesT),
		on(ints, boolT, timestampT, timestampT), on(ints, boolT, durationT, durationT),
	}
}

// equality makes the overload of == or !=.
func equality(whenEqual bool, scalars map[class]kernel) []overload {
	lists := compareLists(whenEqual)
	return []overload{chosen(func(s site) (kernel, error) {
		if s.types[0].list {
			return lists(s)
		}
		return scalars[s.types[0].class()], nil
	}, boolT, anyT, anyT)}
}

func comparisons() []function {
	lessBools := mapTwo(boolsOf, boolsOf, boolsOf, lessBool)
	lessOrEqualBools := mapTwo(boolsOf, boolsOf, boolsOf, lessOrEqualBool)
	return []function{
		{name: "_==_", overloads: equality(true, map[class]kernel{
			boolClass: equal(boolsOf), intClass: equal(intsOf), floatClass: equal(floatsOf), textClass: equal(textsOf),
		})},
		{name: "_!=_", overloads: equality(false, map[class]kernel{
			boolClass: unequal(boolsOf), intClass: unequal(intsOf), floatClass: unequal(floatsOf),
			textClass: unequal(textsOf),
		})},
		{name: "_<_", overloads: ordering(lessBools, less(intsOf), less(floatsOf), less(textsOf))},
		{name: "_<=_", overloads: ordering(
			lessOrEqualBools, lessOrEqual(intsOf), lessOrEqual(floatsOf), lessOrEqual(textsOf))},
		{name: "_>_", overloads: ordering(
			exchanged(lessBools), exchanged(less(intsOf)), exchanged(less(floatsOf)), exchanged(less(textsOf)))},
		{name: "_>=_", overloads: ordering(exchanged(lessOrEqualBools), exchanged(lessOrEqual(intsOf)),
			exchanged(lessOrEqual(floatsOf)), exchanged(lessOrEqual(textsOf)))},
	}
}
