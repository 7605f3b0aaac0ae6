package elementary

// pair is the unevaluated sum of two doubles, of which the second is at most half a unit in the last place of the
// first. So it has some 106 bits.
type pair struct{ hi, lo float64 }

// add is the exact sum of two doubles.
func add(x, y float64) pair {
	sum := x + y
	part := sum - x
	return pair{sum, (x - (sum - part)) + (y - part)}
}

// addOrdered is the exact sum of two doubles of which the first is not the smaller one.
func addOrdered(x, y float64) pair {
	sum := x + y
	return pair{sum, y - (sum - x)}
}

// split divides a double into two of at most 26 bits, whose products are exact.
func split(x float64) pair {
	scaled := float64(x * (1<<27 + 1))
	hi := scaled - (scaled - x)
	return pair{hi, x - hi}
}

// multiply is the exact product of two doubles, unless it is so small or so great that bits fall off.
func multiply(x, y float64) pair {
	product := float64(x * y)
	a, b := split(x), split(y)
	rest := float64(a.hi*b.hi) - product
	rest += float64(a.hi * b.lo)
	rest += float64(a.lo * b.hi)
	return pair{product, rest + float64(a.lo*b.lo)}
}

func (p pair) plus(q pair) pair {
	sum, rest := add(p.hi, q.hi), add(p.lo, q.lo)
	sum = addOrdered(sum.hi, sum.lo+rest.hi)
	return addOrdered(sum.hi, sum.lo+rest.lo)
}

func (p pair) times(q pair) pair {
	product := multiply(p.hi, q.hi)
	return addOrdered(product.hi, product.lo+(float64(p.hi*q.lo)+float64(p.lo*q.hi)))
}

func (p pair) over(q pair) pair {
	first := p.hi / q.hi
	rest := p.plus(q.times(pair{-first, 0}))
	second := rest.hi / q.hi
	rest = rest.plus(q.times(pair{-second, 0}))
	result := addOrdered(first, second)
	return addOrdered(result.hi, result.lo+rest.hi/q.hi)
}

// The constants that are no doubles.
var (
	ln2       = pair{0x1.62e42fefa39efp-1, 0x1.abc9e3b39803fp-56}
	perLn10   = pair{0x1.bcb7b1526e50ep-2, 0x1.95355baaafad3p-57}
	perDegree = pair{0x1.1df46a2529d39p-6, 0x1.5c1d8becdd291p-62}
)
