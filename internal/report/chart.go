package report

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Bars is a chart of amounts by name, one bar below the other.
type Bars struct {
	Title string
	Bars  []Bar
}

// Bar is one amount, not negative. Text is how it is written at the bar's end.
type Bar struct {
	Label string
	Value float64
	Text  string
	Tone  Tone
}

// Lines is a chart of one or a few lines over a common axis.
type Lines struct {
	Title string
	X, Y  Axis
	Lines []Line
}

// Line is drawn through its points in order.
type Line struct {
	Name   string
	Tone   Tone
	Points []Point
}

// Point is a place in a chart.
type Point struct{ X, Y float64 }

// Axis says what runs along it, and how a value of it is written; where Write is nil, as a number.
type Axis struct {
	Name  string
	Write func(float64) string
}

// Histogram counts values by bins of equal width: bin i reaches from Edges[i] to Edges[i+1].
type Histogram struct {
	Title  string
	X      Axis
	Edges  []float64
	Counts []int64
}

// NewHistogram counts values in bins from the least to the greatest. Values that are not finite are left out.
func NewHistogram(title string, x Axis, values []float64, bins int) Histogram {
	h := Histogram{Title: title, X: x}
	low, high := math.Inf(1), math.Inf(-1)
	for _, value := range values {
		if !math.IsInf(value, 0) && !math.IsNaN(value) {
			low, high = min(low, value), max(high, value)
		}
	}
	if low > high || bins < 1 {
		return h
	}
	if low == high {
		high = low + 1
	}
	for i := range bins + 1 {
		h.Edges = append(h.Edges, low+(high-low)*float64(i)/float64(bins))
	}
	h.Counts = make([]int64, bins)
	for _, value := range values {
		if value >= low && value <= high {
			h.Counts[min(int(float64(bins)*((value-low)/(high-low))), bins-1)]++
		}
	}
	return h
}

func (a Axis) write(value float64) string {
	if a.Write != nil {
		return a.Write(value)
	}
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.3f", value), "0"), ".")
}

// What a chart measures, in units of its drawing. Text is 12 units high.
const (
	barHeight   = 26
	labelWidth  = 260
	barWidth    = 340
	textWidth   = 260
	plotWidth   = 640
	plotHeight  = 180
	marginLeft  = 90
	marginTop   = 12
	legendWidth = 200
)

type drawnBar struct {
	Bar
	Y, TextY, Width, TextX float64
}

func (b Bars) draw() drawn {
	most := 0.0
	for _, bar := range b.Bars {
		most = max(most, bar.Value)
	}
	data := struct {
		Title         string
		Width, Height int
		LabelX, BarX  int
		Bars          []drawnBar
	}{b.Title, labelWidth + barWidth + textWidth, barHeight*len(b.Bars) + 4, labelWidth - 10, labelWidth, nil}
	for i, bar := range b.Bars {
		d := drawnBar{Bar: bar, Y: float64(i*barHeight) + 4}
		if most > 0 {
			d.Width = barWidth * bar.Value / most
		}
		if bar.Value > 0 {
			d.Width = max(d.Width, 2) // What is there is seen.
		}
		d.TextY, d.TextX = d.Y+14, labelWidth+d.Width+8
		data.Bars = append(data.Bars, d)
	}
	return drawn{"bars", data}
}

// plot is the frame of a chart with two axes. Coordinates are those of the drawing, y downwards.
type plot struct {
	Title, XName, YName      string
	Width, Height            int
	Left, Top, Right, Bottom float64
	// The texts at the ends of the axes, and where they stand.
	XLow, XHigh, YLow, YHigh               string
	XTextY, XNameX, YTextX, YHighY, YNameY float64
	LegendX, LegendTextX                   float64
	Boxes                                  []box
	Paths                                  []path

	low, high Point
}

// box is a bar of a histogram.
type box struct {
	X, Y, Width, Height float64
	Hint                string
}

// path is a line, with its entry in the legend.
type path struct {
	Name                 string
	Tone                 Tone
	Number               int
	D                    string
	LegendY, LegendTextY float64
}

func newPlot(title string, x, y Axis, low, high Point) plot {
	p := plot{
		Title: title, XName: x.Name, YName: y.Name,
		Width: marginLeft + plotWidth + legendWidth, Height: marginTop + plotHeight + 28,
		Left: marginLeft, Top: marginTop, Right: marginLeft + plotWidth, Bottom: marginTop + plotHeight,
		low: low, high: high,
	}
	p.XLow, p.XHigh, p.YLow, p.YHigh = x.write(low.X), x.write(high.X), y.write(low.Y), y.write(high.Y)
	p.XTextY, p.XNameX = p.Bottom+20, (p.Left+p.Right)/2
	p.YTextX, p.YHighY, p.YNameY = p.Left-8, p.Top+10, (p.Top+p.Bottom)/2
	p.LegendX, p.LegendTextX = p.Right+16, p.Right+46
	return p
}

// place is where a point stands in the drawing.
func (p plot) place(at Point) Point {
	share := func(value, low, high float64) float64 {
		if high == low {
			return 0
		}
		return (value - low) / (high - low)
	}
	return Point{p.Left + plotWidth*share(at.X, p.low.X, p.high.X), p.Bottom - plotHeight*share(at.Y, p.low.Y, p.high.Y)}
}

func (l Lines) draw() drawn {
	low, high := Point{math.Inf(1), 0}, Point{math.Inf(-1), 0}
	for _, line := range l.Lines {
		for _, point := range line.Points {
			low = Point{min(low.X, point.X), min(low.Y, point.Y)}
			high = Point{max(high.X, point.X), max(high.Y, point.Y)}
		}
	}
	if low.X > high.X {
		low, high = Point{}, Point{}
	}
	p := newPlot(l.Title, l.X, l.Y, low, high)
	for i, line := range l.Lines {
		drawn := path{Name: line.Name, Tone: line.Tone, Number: i % 4, LegendY: p.Top + 10 + 20*float64(i)}
		drawn.LegendTextY = drawn.LegendY + 4
		var d strings.Builder
		for j, point := range line.Points {
			at := p.place(point)
			fmt.Fprintf(&d, "%c%.1f %.1f", "ML"[min(j, 1)], at.X, at.Y)
		}
		drawn.D = d.String()
		p.Paths = append(p.Paths, drawn)
	}
	return drawn{"plot", p}
}

func (h Histogram) draw() drawn {
	if len(h.Counts) == 0 {
		return drawn{"plot", newPlot(h.Title, h.X, Axis{Name: "count"}, Point{}, Point{})}
	}
	most := float64(slices.Max(h.Counts))
	low, high := Point{h.Edges[0], 0}, Point{h.Edges[len(h.Edges)-1], most}
	p := newPlot(h.Title, h.X, Axis{Name: "count"}, low, high)
	for i, count := range h.Counts {
		from, to := p.place(Point{h.Edges[i], float64(count)}), p.place(Point{h.Edges[i+1], 0})
		p.Boxes = append(p.Boxes, box{
			X: from.X + 0.5, Y: from.Y, Width: max(to.X-from.X-1, 0.5), Height: to.Y - from.Y,
			Hint: fmt.Sprintf("%s to %s: %d", h.X.write(h.Edges[i]), h.X.write(h.Edges[i+1]), count),
		})
	}
	return drawn{"plot", p}
}
