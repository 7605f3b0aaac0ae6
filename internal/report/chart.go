package report

import (
	"fmt"
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

// Point is a place in a chart.
type Point struct{ X, Y float64 }

// Axis has the name of what runs along it, and how a value of it is written. If Write is nil, a value is written as a
// number.
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
	marginRight = 200
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
	// The texts at the ends of the axes, and their positions.
	XLow, XHigh, YLow, YHigh               string
	XTextY, XNameX, YTextX, YHighY, YNameY float64
	Boxes                                  []box

	low, high Point
}

// box is a bar of a histogram.
type box struct {
	X, Y, Width, Height float64
	Hint                string
}

func newPlot(title string, x, y Axis, low, high Point) plot {
	p := plot{
		Title: title, XName: x.Name, YName: y.Name,
		Width: marginLeft + plotWidth + marginRight, Height: marginTop + plotHeight + 28,
		Left: marginLeft, Top: marginTop, Right: marginLeft + plotWidth, Bottom: marginTop + plotHeight,
		low: low, high: high,
	}
	p.XLow, p.XHigh, p.YLow, p.YHigh = x.write(low.X), x.write(high.X), y.write(low.Y), y.write(high.Y)
	p.XTextY, p.XNameX = p.Bottom+20, (p.Left+p.Right)/2
	p.YTextX, p.YHighY, p.YNameY = p.Left-8, p.Top+10, (p.Top+p.Bottom)/2
	return p
}

// place returns the position of a point in the drawing.
func (p plot) place(at Point) Point {
	share := func(value, low, high float64) float64 {
		if high == low {
			return 0
		}
		return (value - low) / (high - low)
	}
	return Point{p.Left + plotWidth*share(at.X, p.low.X, p.high.X), p.Bottom - plotHeight*share(at.Y, p.low.Y, p.high.Y)}
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
