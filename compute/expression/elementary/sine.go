package elementary

import "math"

// Sind is the sine of an angle in degrees. Multiples of 90 degrees have the exact one, which they cannot have in
// radians.
func Sind(degrees float64) float64 {
	switch {
	case degrees == 0:
		return degrees // keeps the sign of a zero
	case degrees-degrees != 0:
		return math.NaN() // of an infinity or NaN no angle can be made
	}
	return turn(degrees).sin()
}

// Cosd is the cosine of an angle in degrees.
func Cosd(degrees float64) float64 {
	if degrees-degrees != 0 {
		return math.NaN()
	}
	return turn(degrees).cos()
}

// turned is an angle of at most 45 degrees, in radians, and how many quarters of a turn are added to it.
type turned struct {
	angle    pair
	quarters int
}

// turn reduces degrees without rounding, which radians cannot be.
func turn(degrees float64) turned {
	degrees = math.Mod(degrees, 360)
	quarters := math.Floor(degrees/90 + 0.5)
	rest := degrees - float64(90*quarters)
	angle := multiply(rest, perDegree.hi)
	angle.lo += float64(rest * perDegree.lo)
	return turned{angle, int(quarters)}
}

func (t turned) sin() float64 {
	switch t.quarters & 3 {
	case 0:
		return sine(t.angle)
	case 1:
		return cosine(t.angle)
	case 2:
		return 0 - sine(t.angle) // a zero of it is not negative
	default:
		return -cosine(t.angle)
	}
}

func (t turned) cos() float64 { return turned{t.angle, t.quarters + 1}.sin() }

// ratios are 1/(n(n+1)), by which a term of the series of the sine or the cosine is greater than the next.
var ratios = makeRatios()

func makeRatios() [20]float64 {
	var table [20]float64
	for n := 1; n < len(table); n++ {
		table[n] = 1 / float64(n*(n+1))
	}
	return table
}

// sine is that of an angle of at most pi/4, by its series.
func sine(angle pair) float64 {
	x := angle.hi
	square := float64(x * x)
	sum := 0.0
	for n := 18; n >= 2; n -= 2 {
		sum = -float64(float64(square*ratios[n]) * (1 + sum))
	}
	return x + (float64(x*sum) + float64(angle.lo*(1-float64(square/2))))
}

// cosine is that of an angle of at most pi/4, by its series. What is rounded off 1 - x*x/2 is added to the smaller
// terms.
func cosine(angle pair) float64 {
	x := angle.hi
	square := multiply(x, x)
	sum := 0.0
	for n := 19; n >= 3; n -= 2 {
		sum = -float64(float64(square.hi*ratios[n]) * (1 + sum))
	}
	half := square.hi / 2
	most := 1 - half
	rest := (1 - most) - half
	return most + (rest - (float64(half*sum) + square.lo/2 + float64(x*angle.lo)))
}
