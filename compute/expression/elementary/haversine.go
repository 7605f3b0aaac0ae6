package elementary

import "math"

// Radius is the mean radius of the earth in kilometres.
const Radius = 6371.0088

// Haversine is the distance in kilometres of two points, given in degrees, on a sphere of the earth's mean radius.
func Haversine(lat1, lon1, lat2, lon2 float64) float64 {
	byLatitude, _ := sinCos((lat2 - lat1) / 2)
	byLongitude, _ := sinCos((lon2 - lon1) / 2)
	_, cos1 := sinCos(lat1)
	_, cos2 := sinCos(lat2)
	h := float64(byLatitude*byLatitude) + float64(float64(cos1*cos2)*float64(byLongitude*byLongitude))
	// Rounding may bring h just beyond 1. A latitude beyond a pole may bring it anywhere, and is no place.
	if !(h >= 0 && h < 1+1e-9) {
		return math.NaN()
	}
	h = min(h, 1)
	return float64(2 * Radius * arc(math.Sqrt(h), math.Sqrt(1-h)))
}

// sinCos returns the sine and the cosine of an angle in degrees. Degrees are reduced to [-45, 45] without rounding,
// which radians cannot be.
func sinCos(degrees float64) (sin, cos float64) {
	if math.IsInf(degrees, 0) || degrees != degrees {
		return math.NaN(), math.NaN()
	}
	degrees = math.Mod(degrees, 360)
	quarters := math.Floor(degrees/90 + 0.5)
	rest := degrees - float64(90*quarters)
	angle := multiply(rest, perDegree.hi)
	angle.lo += float64(rest * perDegree.lo)
	sin, cos = sine(angle), cosine(angle)
	switch int(quarters) & 3 {
	case 1:
		return cos, -sin
	case 2:
		return -sin, -cos
	case 3:
		return -cos, sin
	default:
		return sin, cos
	}
}

// sine is that of an angle of at most pi/4, by its series.
func sine(angle pair) float64 {
	x := angle.hi
	square := float64(x * x)
	sum := 0.0
	for n := 18.0; n >= 2; n -= 2 {
		sum = -float64(square*(1+sum)) / float64(n*(n+1))
	}
	return x + (float64(x*sum) + float64(angle.lo*(1-square/2)))
}

// cosine is that of an angle of at most pi/4, by its series.
func cosine(angle pair) float64 {
	x := angle.hi
	square := float64(x * x)
	sum := 0.0
	for n := 19.0; n >= 3; n -= 2 {
		sum = -float64(square*(1+sum)) / float64(n*(n+1))
	}
	return 1 - (float64(square/2*(1+sum)) + float64(x*angle.lo))
}

var arcs = makeArcs()

// makeArcs computes the arc tangent of j/8 by Euler's series, whose terms halve at least.
func makeArcs() [9]float64 {
	var table [9]float64
	for j := range table {
		x := pair{float64(j) / 8, 0}
		more := x.times(x).plus(pair{1, 0})
		ratio := x.times(x).over(more)
		term := x.over(more)
		sum := term
		for n := 1.0; n <= 100; n++ {
			term = term.times(ratio).times(pair{2 * n, 0}).over(pair{2*n + 1, 0})
			sum = sum.plus(term)
		}
		table[j] = sum.hi
	}
	return table
}

// arc is the angle in [0, pi/2] whose sine and cosine are in the ratio of two numbers that are not negative.
func arc(sin, cos float64) float64 {
	if sin > cos {
		return math.Pi/2 - tangent(cos/sin)
	}
	return tangent(sin / cos)
}

// tangent is the arc tangent of a number in [0, 1].
func tangent(x float64) float64 {
	j := int(float64(x*8) + 0.5)
	at := float64(j) / 8
	rest := (x - at) / (1 + float64(x*at))
	square := float64(rest * rest)
	sum := 0.0
	for n := 15; n >= 3; n -= 2 {
		sum = float64(square * (1/float64(n) - sum))
	}
	return arcs[j] + (rest - float64(rest*sum))
}
