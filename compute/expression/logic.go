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
		decideStates(deciding, a, b, c.out, rows)
	}
}

func decideStates(deciding bool, a, b, out *vector, rows int) {
	first, second, states := a.known(rows), b.known(rows), out.states[:rows]
	x, y, results := a.bools[:rows], b.bools[:rows], out.bools[:rows]
	other := bit(!deciding)
	for i := range results {
		decided := (bit(x[i])^other)&first[i].isPresent() | (bit(y[i])^other)&second[i].isPresent()
		states[i] = worst(first[i], second[i]) &^ State(-decided)
		results[i] = decided^other == 1
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
	rows := len(out)
	unknown, of, states, others := condition.known(rows), condition.bools[:rows], yes.known(rows), no.known(rows)
	for i := range out {
		chosen := State(-bit(of[i]))
		counts := State(-bit(unknown[i] == Present))
		out[i] = unknown[i] | (states[i]&chosen|others[i]&^chosen)&counts
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

// bit is 1 if a condition holds. Masks are made of bits because a processor cannot foretell the conditions of real
// data, and each one that it gets wrong costs more than a whole expression.
func bit(condition bool) uint8 {
	var b uint8
	if condition {
		b = 1
	}
	return b
}

// mask has all bits set if a condition holds.
func mask(condition bool) uint64 { return -uint64(bit(condition)) }

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
		states := first.known(rows)
		for i, state := range states {
			c.chosen[i] = state != Null
		}
		c.out.present = first.present
		if !first.present {
			others, out := second.known(rows), c.out.states[:rows]
			for i, state := range states {
				null := State(-bit(state == Null))
				out[i] = state&^null | others[i]&null
			}
		}
		choose(c.out, c.chosen, first, second)
	}, nil
}

// isNull is the kernel of a comparison with the literal null.
func isNull(c *call, rows int) {
	of := c.args[0]
	states := of.known(rows)
	c.out.present = of.present
	for i, state := range states {
		c.out.bools[i] = state == Null
	}
	if !of.present {
		for i, state := range states {
			c.out.states[i] = state &^ Null
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
