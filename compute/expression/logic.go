package expression

import "math"

// decide makes a kernel of && or ||: an operand with the deciding value decides, whatever the other one is. Otherwise
// the result is Invalid if an operand is, else Null if one is (R25).
func decide(deciding bool) kernel {
	return func(c *call, rows int) {
		a, b, out := c.args[0], c.args[1], c.out.bools[:rows]
		if a.present && b.present {
			c.out.present = true
			decideBools(deciding, a.bools[:rows], b.bools[:rows], out)
			return
		}
		c.out.present = false
		states := c.out.states[:rows]
		for i := range out {
			first, second := a.at(i), b.at(i)
			if first == Present && a.bools[i] == deciding || second == Present && b.bools[i] == deciding {
				out[i], states[i] = deciding, Present
			} else {
				out[i], states[i] = !deciding, max(first, second)
			}
		}
	}
}

func decideBools(deciding bool, a, b, out []bool) {
	if deciding {
		for i, x := range a {
			y := b[i]
			out[i] = x || y
		}
		return
	}
	for i, x := range a {
		y := b[i]
		out[i] = x && y
	}
}

// choice makes the kernel of ?:. The states of the branch that a row chooses are the row's.
func choice(s site) (kernel, error) {
	choose := pickers[s.types[1].class()]
	return func(c *call, rows int) {
		condition, yes, no := c.args[0], c.args[1], c.args[2]
		c.out.present = condition.present && yes.present && no.present
		if !c.out.present {
			chooseStates(c.out.states[:rows], condition, yes, no)
		}
		choose(c.out, condition.bools[:rows], yes, no)
	}, nil
}

func chooseStates(out []State, condition, yes, no *vector) {
	for i := range out {
		switch {
		case condition.at(i) != Present:
			out[i] = condition.at(i)
		case condition.bools[i]:
			out[i] = yes.at(i)
		default:
			out[i] = no.at(i)
		}
	}
}

// pickers take, for each row, the value of one of two vectors.
var pickers = map[class]func(out *vector, condition []bool, yes, no *vector){
	boolClass:  pickBools,
	intClass:   pickInts,
	floatClass: pickFloats,
	textClass:  pickTexts,
	listClass:  pickLists,
}

func pickBools(out *vector, condition []bool, yes, no *vector) {
	a, b, to := yes.bools[:len(condition)], no.bools[:len(condition)], out.bools[:len(condition)]
	for i, c := range condition {
		to[i] = c && a[i] || !c && b[i]
	}
}

// mask has all bits set if the condition holds. Numbers are chosen by masks because a processor cannot foretell the
// conditions of real data, and each one that it gets wrong costs more than the whole expression.
func mask(condition bool) uint64 {
	var bit uint64
	if condition {
		bit = 1
	}
	return -bit
}

func pickInts(out *vector, condition []bool, yes, no *vector) {
	a, b, to := yes.ints[:len(condition)], no.ints[:len(condition)], out.ints[:len(condition)]
	for i, c := range condition {
		m := mask(c)
		to[i] = int64(uint64(a[i])&m | uint64(b[i])&^m)
	}
}

func pickFloats(out *vector, condition []bool, yes, no *vector) {
	a, b, to := yes.floats[:len(condition)], no.floats[:len(condition)], out.floats[:len(condition)]
	for i, c := range condition {
		m := mask(c)
		to[i] = math.Float64frombits(math.Float64bits(a[i])&m | math.Float64bits(b[i])&^m)
	}
}

func pickTexts(out *vector, condition []bool, yes, no *vector) {
	for i, c := range condition {
		if c {
			out.texts[i] = yes.texts[i]
		} else {
			out.texts[i] = no.texts[i]
		}
	}
}

func pickLists(out *vector, condition []bool, yes, no *vector) {
	out.clearElements()
	for i, c := range condition {
		switch {
		case out.at(i) != Present:
			out.endList(i, len(out.elements.states))
		case c:
			out.setList(i, yes, i)
		default:
			out.setList(i, no, i)
		}
	}
}

// firstPresent makes the kernel of coalesce of two: the first operand decides unless it is null.
func firstPresent(s site) (kernel, error) {
	choose := pickers[s.types[0].class()]
	return func(c *call, rows int) {
		first, second := c.args[0], c.args[1]
		c.chosen = resized(c.chosen, rows)
		c.out.present = first.present
		for i := range rows {
			c.chosen[i] = first.at(i) != Null
		}
		if !first.present {
			for i := range rows {
				c.out.states[i] = first.at(i)
				if !c.chosen[i] {
					c.out.states[i] = second.at(i)
				}
			}
		}
		choose(c.out, c.chosen, first, second)
	}, nil
}

// isNull is the kernel of a comparison with the literal null.
func isNull(c *call, rows int) {
	of := c.args[0]
	c.out.present = of.present
	for i := range rows {
		state := of.at(i)
		c.out.bools[i] = state == Null
		if !of.present {
			c.out.states[i] = Present
			if state == Invalid {
				c.out.states[i] = Invalid
			}
		}
	}
}

// The functions that only macros call.
const (
	nullFunction     = "@null"
	coalesceFunction = "@coalesce"
)

func logic() []function {
	return []function{
		{name: "_&&_", overloads: []overload{on(decide(false), boolT, boolT, boolT).seesStates()}},
		{name: "_||_", overloads: []overload{on(decide(true), boolT, boolT, boolT).seesStates()}},
		{name: "!_", overloads: []overload{on(mapOne(boolsOf, boolsOf, func(x bool) bool { return !x }), boolT, boolT)}},
		{name: "_?_:_", overloads: []overload{chosen(choice, anyT, boolT, anyT, anyT).seesStates()}},
		{name: nullFunction, overloads: []overload{on(isNull, boolT, anyT).seesStates()}},
		{name: coalesceFunction, overloads: []overload{chosen(firstPresent, anyT, anyT, anyT).seesStates()}},
	}
}
