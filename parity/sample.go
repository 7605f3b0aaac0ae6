package parity

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/plumbstore/plumb/compute/windows"
	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/offline"
)

// What is sampled, in parts of the label rows.
const (
	edgeShare   = 0.3
	unseenShare = 0.06
	nullShare   = 0.04
)

// Instants cost windows, so that label rows share them: each base instant is for a number of label rows, and so is each
// row that is aimed at. There are enough of both for a few rows, and not too many for a lot.
const (
	rowsPerBase  = 100
	fewestBases  = 12
	mostBases    = 48
	rowsPerEdge  = 100
	fewestEdges  = 12
	mostEdges    = 20
	basesPerPart = 10
	// mostWindowEdges is how many edges there are at the most so that each kind of edge of each window has one.
	mostWindowEdges = 40
)

func bound(count, per, fewest, most int) int { return min(max(count/per, fewest), most) }

// sampler draws the label rows of one target.
type sampler struct {
	*target
	random *rand.Rand
	rows   int
	bases  []feature.Instant
	// keys are the entity keys to draw from, of each use.
	keys [][]string
}

// sample draws label rows for each target that was given none.
func (v *verification) sample(ctx context.Context) error {
	began := v.Now()
	var samplers []*sampler
	var bases []feature.Instant
	for number, t := range v.targets {
		if t.Labels != "" {
			continue
		}
		for _, u := range t.uses {
			if err := v.look(ctx, u.view); err != nil {
				return err
			}
		}
		random := rand.New(rand.NewPCG(v.Seed, uint64(number))) //nolint:gosec // Reproducible, not secret.
		s := newSampler(t, random, v.Rows, bases)
		samplers, bases = append(samplers, s), s.bases
	}
	for _, s := range samplers {
		if err := s.draw(ctx, v); err != nil {
			return err
		}
		if err := s.writeLabels(); err != nil {
			return err
		}
	}
	v.report.Seconds.Sampling = v.since(began)
	return nil
}

// look reads what sampling has to know of a view, once.
func (v *verification) look(ctx context.Context, view *sandboxView) error {
	if view.found != nil {
		return nil
	}
	v.Progress(offline.Progress{Step: "sampling the source of view " + view.Name})
	found, err := find(ctx, v.Witness, view, v.Seed)
	if err != nil {
		return err
	}
	view.found = found
	return found.near.read(ctx, v.Witness, view.View)
}

func newSampler(t *target, random *rand.Rand, rows int, before []feature.Instant) *sampler {
	s := &sampler{target: t, random: random, rows: rows}
	for _, u := range t.uses {
		var tuples []string
		for _, row := range u.view.found.keys.all() {
			tuples = append(tuples, row.tuple)
		}
		s.keys = append(s.keys, tuples)
	}
	s.bases = s.drawBases(before)
	return s
}

// drawBases draws instants, uniform over the time of one view or another. Views whose rows are all of one instant say
// nothing of time, unless there are no others. The instants of the target before are drawn again if they lie in the
// time of the view, since each instant costs a window of each view.
func (s *sampler) drawBases(before []feature.Instant) []feature.Instant {
	var views []*sandboxView
	for _, u := range s.uses {
		if u.view.found.rows > 0 && !slices.Contains(views, u.view) {
			views = append(views, u.view)
		}
	}
	moving := slices.DeleteFunc(slices.Clone(views), func(v *sandboxView) bool { return v.found.first == v.found.last })
	if len(moving) > 0 {
		views = moving
	}
	if len(views) == 0 {
		return []feature.Instant{0} // There are no rows, and every instant is as good.
	}
	bases := make([]feature.Instant, bound(s.rows, rowsPerBase, min(fewestBases, s.rows), mostBases))
	for i := range bases {
		view := views[i%len(views)]
		first, last := view.found.span(view)
		if i < len(before) && first <= before[i] && before[i] < last {
			bases[i] = before[i]
			continue
		}
		bases[i] = first + feature.Instant(s.random.Uint64N(uint64(last-first)))
	}
	return bases
}

// draw draws all label rows: first those around base instants, whose place in time depends on what the witness sees of
// their keys, then those that are aimed at edges.
func (s *sampler) draw(ctx context.Context, v *verification) error {
	s.drawEdges(int(edgeShare * float64(s.rows)))
	if slices.ContainsFunc(s.uses, func(u use) bool { return u.view.isWindowed() }) {
		s.drawBehind(v.Sandbox.behind())
		return nil
	}
	edges := len(s.labels)
	var watched []*sandboxView
	watches := map[*sandboxView]*sourceStates{}
	for i := edges; i < s.rows; i++ {
		l := s.drawUniform(s.bases[i%len(s.bases)])
		s.labels = append(s.labels, l)
		for _, u := range s.uses {
			if watches[u.view] == nil {
				watched, watches[u.view] = append(watched, u.view), newSourceStates()
			}
			if tuple, ok := u.tuple(&l); ok {
				watches[u.view].add(tuple, l.at)
			}
		}
	}
	for _, view := range watched {
		if err := watches[view].read(ctx, v.Witness, view.View); err != nil {
			return err
		}
	}
	for i := edges; i < len(s.labels); i++ {
		s.move(&s.labels[i], watches)
	}
	return nil
}

// drawBehind draws the label rows around base instants of a target that has windows. At another instant a window has
// other events, so these label rows stay where one materialization does for all of them: at the base, at the first
// instant at which states that are complete through the base can be looked up (R27), and between the two.
func (s *sampler) drawBehind(behind feature.Instant) {
	for i := len(s.labels); i < s.rows; i++ {
		base := s.bases[i%len(s.bases)]
		floor := max(base, math.MinInt64+behind) - behind
		l := s.drawUniform(base)
		switch choice := s.random.IntN(basesPerPart); {
		case choice == 0 && floor < base:
			l.at = floor
			l.became(AtFloor)
		case choice < basesPerPart/2:
			l.at = floor + feature.Instant(s.random.Int64N(int64(base-floor)+1))
		}
		s.labels = append(s.labels, l)
	}
}

// drawUniform draws keys of a label row, some of them null or such that no row has. The shares are of all label rows,
// and those that are aimed at edges have been drawn without such keys, so chance is scaled to the others.
func (s *sampler) drawUniform(at feature.Instant) label {
	l := label{at: at, keys: s.drawKeys(-1, ""), kind: Uniform}
	if s.inputs == 0 {
		return l
	}
	column := s.random.IntN(s.inputs)
	switch chance := s.random.Float64() * (1 - edgeShare); {
	case chance < nullShare:
		l.keys[column], l.kind = part{isNull: true}, NullKey
	case chance < nullShare+unseenShare:
		l.keys[column], l.kind = s.madeUp(s.target.keys[column].Type), UnseenKey
	}
	return l
}

// move takes a label row from its base instant to one at which its keys see the same rows, so that it costs no window:
// some to the very instant of the newest of these rows, some to the microsecond after it, the others anywhere between.
func (s *sampler) move(l *label, watches map[*sandboxView]*sourceStates) {
	base, newest, found := l.at, l.at, false
	for _, u := range s.uses {
		tuple, ok := u.tuple(l)
		if !ok {
			continue
		}
		if seen := watches[u.view].at(tuple, base); seen.rows > 0 && (!found || seen.event > newest) {
			newest, found = seen.event, true
		}
	}
	if !found {
		return
	}
	room := uint64(base) - uint64(newest)
	switch choice := s.random.IntN(basesPerPart); {
	case choice == 0:
		l.at = newest
		l.became(AtRow)
	case choice == 1 && room > 0:
		l.at = newest + microsecond
		l.became(AfterRow)
	default:
		l.at = newest + feature.Instant(s.random.Uint64N(room+1))
	}
}

func (l *label) became(kind Kind) {
	if l.kind == Uniform {
		l.kind = kind
	}
}

// edge is what to aim at, of the view of one use: a row, or rows that have the same aims.
type edge struct {
	use    int
	family edgeFamily
	rows   []seedRow
	// span is the window, of a family of windows.
	span windows.Span
}

// drawEdges draws label rows that are aimed at rows of the sources: of each use and family in turn, as long as it has
// any. So a source with many ties does not crowd out the ends of a ttl. Each row gets its first aim before any gets its
// second, and then all of them over again with other keys for the other uses.
func (s *sampler) drawEdges(count int) {
	var edges []edge
	pools := s.pools()
	most := bound(count, rowsPerEdge, min(max(fewestEdges, min(len(pools), mostWindowEdges)), count), mostEdges)
	for round := 0; len(edges) < most; round++ {
		before := len(edges)
		for _, pool := range pools {
			if round < len(pool) && len(edges) < most {
				edges = append(edges, pool[round])
			}
		}
		if len(edges) == before {
			break
		}
	}
	for i := 0; len(edges) > 0 && i < count; i++ {
		e := edges[i%len(edges)]
		ttl, turn := feature.Instant(s.uses[e.use].view.TTL.Microseconds()), i/len(edges)
		aims := e.family.aims(e.rows[0], ttl, e.span)
		chosen, row := aims[turn%len(aims)], e.rows[turn/len(aims)%len(e.rows)]
		s.labels = append(s.labels, label{chosen.at, s.drawKeys(e.use, row.tuple), chosen.kind})
	}
}

// pools are what to aim at, by family, use and window. None of them is empty.
func (s *sampler) pools() [][]edge {
	var pools [][]edge
	add := func(pool []edge) {
		if len(pool) > 0 {
			pools = append(pools, pool)
		}
	}
	for family := range edgeFamilies {
		for i, u := range s.uses {
			switch {
			case !family.ofWindows():
				var pool []edge
				for _, row := range u.view.found.edges(u.view, family) {
					pool = append(pool, edge{use: i, family: family, rows: []seedRow{row}})
				}
				add(pool)
			case u.view.isWindowed():
				for _, span := range spansOf(u.view.View) {
					var pool []edge
					for _, rows := range u.view.found.windowEdges(family, span) {
						pool = append(pool, edge{i, family, rows, span})
					}
					add(pool)
				}
			}
		}
	}
	return pools
}

// drawKeys draws the keys and request inputs of a label row. One use of a view may be given its key; the others get one
// of their views', as far as they agree on the columns that they share.
func (s *sampler) drawKeys(given int, tuple string) []part {
	keys := make([]part, len(s.target.keys))
	known := make([]bool, len(keys))
	fill := func(use int, tuple string) {
		for i, raw := range partsOf(tuple) {
			if column := s.uses[use].columns[i]; !known[column] {
				keys[column], known[column] = part{raw: raw}, true
			}
		}
	}
	if given >= 0 {
		fill(given, tuple)
	}
	for _, use := range s.random.Perm(len(s.uses)) {
		if drawn, ok := s.drawTuple(use, keys, known); ok {
			fill(use, drawn)
		}
	}
	for i, key := range s.target.keys {
		switch {
		case i >= s.inputs:
			keys[i] = s.drawInput(key.Type)
		case !known[i]:
			keys[i] = s.madeUp(key.Type)
		}
	}
	return keys
}

// drawTuple draws an entity key of a use's view that agrees with what is known already, if there is one. Views that
// share a label column would otherwise hardly ever both have a row for a label, and most comparisons would be of
// NOT_FOUND with NOT_FOUND.
func (s *sampler) drawTuple(use int, keys []part, known []bool) (string, bool) {
	tuples, columns := s.keys[use], s.uses[use].columns
	if len(tuples) == 0 {
		return "", false
	}
	start := s.random.IntN(len(tuples))
	shared := slices.ContainsFunc(columns, func(column int) bool { return known[column] })
	if !shared {
		return tuples[start], true
	}
	for i := range tuples {
		tuple := tuples[(start+i)%len(tuples)]
		agrees := true
		for j, raw := range partsOf(tuple) {
			agrees = agrees && (!known[columns[j]] || keys[columns[j]].raw == raw)
		}
		if agrees {
			return tuple, true
		}
	}
	return "", false
}

// partsOf takes a tuple apart.
func partsOf(tuple string) []string {
	var parts []string
	for rest := []byte(tuple); len(rest) > 0; {
		end := 4 + binary.BigEndian.Uint32(rest)
		parts, rest = append(parts, string(rest[4:end])), rest[end:]
	}
	return parts
}

// madeUp is a value that hardly any source has. A BOOL has only two.
func (s *sampler) madeUp(t plumbv1.Type) part {
	number := s.random.Uint64()
	switch t {
	case plumbv1.Type_BOOL:
		return part{raw: string([]byte{byte(number % 2)})}
	case plumbv1.Type_INT32:
		return part{raw: string(binary.BigEndian.AppendUint32(nil, uint32(number)))}
	case plumbv1.Type_INT64:
		return part{raw: string(binary.BigEndian.AppendUint64(nil, number))}
	}
	return part{raw: fmt.Sprintf("unseen-%x", number)}
}
