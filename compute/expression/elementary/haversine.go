package elementary

import "math"

// Radius is the mean radius of the earth in kilometres.
const Radius = 6371.0088

// Haversine is the distance in kilometres of two points, given in degrees, on a sphere of the earth's mean radius. It
// is NaN if a latitude is beyond a pole, which happens if latitude and longitude are confused.
func Haversine(lat1, lon1, lat2, lon2 float64) float64 {
	for _, degrees := range [...]float64{lat1, lon1, lat2, lon2} {
		if degrees-degrees != 0 {
			return math.NaN() // an infinity or NaN, of which no angle can be made
		}
	}
	if math.Abs(lat1) > 90 || math.Abs(lat2) > 90 {
		return math.NaN()
	}
	byLatitude, byLongitude := turn((lat2-lat1)/2).sin(), turn((lon2-lon1)/2).sin()
	cosines := float64(turn(lat1).cos() * turn(lat2).cos())
	h := float64(byLatitude*byLatitude) + float64(cosines*float64(byLongitude*byLongitude))
	h = min(h, 1) // Rounding may make h slightly greater.
	return float64(2 * Radius * arc(math.Sqrt(h), math.Sqrt(1-h)))
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

// inverses are 1/n.
var inverses = makeInverses()

func makeInverses() [16]float64 {
	var table [16]float64
	for n := 1; n < len(table); n++ {
		table[n] = 1 / float64(n)
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
	at := float64(float64(j) / 8)
	rest := (x - at) / (1 + float64(x*at))
	square := float64(rest * rest)
	sum := 0.0
	for n := 15; n >= 3; n -= 2 {
		sum = float64(square * (inverses[n] - sum))
	}
	return arcs[j] + (rest - float64(rest*sum))
}
