package aggregate

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/plumbstore/plumb/compute/exact"
	"github.com/plumbstore/plumb/compute/expression"
)

// lasts are the values of the last events, or of the first ones, up to a number.
type lasts[K key] struct {
	column, most int
	codec        codec[K]
	// sign is -1 if the first events are kept.
	sign int
	// of are the events of each place, of which the one that leaves first is in front. If there is at most one, it is in
	// single instead, so that no place has memory of its own.
	of     [][]slot[K]
	single []slot[K]
}

// slot is an event with its value. An invalid value is below a null, and a null below all others.
type slot[K key] struct {
	time, created int64
	rank          rank
	value         K
}

// rank orders the states of values. A slot that is not in use has none.
type rank uint8

const (
	rankInvalid rank = iota + 1
	rankNull
	rankPresent
)

var ranks = [...]rank{expression.Present: rankPresent, expression.Null: rankNull, expression.Invalid: rankInvalid}

var states = [...]expression.State{rankInvalid: expression.Invalid, rankNull: expression.Null,
	rankPresent: expression.Present}

func newLasts[K key](part Part, c codec[K]) *lasts[K] {
	s := &lasts[K]{column: part.Column, most: max(part.N, 1), codec: c, sign: 1}
	if part.Kind == PartFirst {
		s.sign = -1
	}
	return s
}

func (s *lasts[K]) compare(a, b slot[K]) int {
	order := cmp.Compare(a.time, b.time)
	if order == 0 {
		order = cmp.Compare(a.created, b.created)
	}
	if order == 0 {
		order = cmp.Compare(a.rank, b.rank)
	}
	if order == 0 {
		order = cmp.Compare(a.value, b.value)
	}
	return order * s.sign
}

func (s *lasts[K]) Grow(places int) {
	if s.most == 1 {
		s.single = grown(s.single, places)
	} else {
		s.of = grown(s.of, places)
	}
}

// events are those of a place.
func (s *lasts[K]) events(place int) []slot[K] {
	switch {
	case s.most > 1:
		return s.of[place]
	case s.single[place].rank == 0:
		return nil
	}
	return s.single[place : place+1]
}

func (s *lasts[K]) Add(place int, events *Events, row int) {
	column := events.Columns[s.column]
	added := slot[K]{time: events.Times[row], created: NoCreated, rank: ranks[column.States[row]]}
	if events.Created != nil {
		added.created = events.Created[row]
	}
	if added.rank == rankPresent {
		added.value = s.codec.of(column, row)
	}
	s.insert(place, added, true)
}

// insert adds an event if it is among those that are kept. Its value is kept if it might not live on.
func (s *lasts[K]) insert(place int, added slot[K], mortal bool) {
	of := s.events(place)
	full := len(of) == s.most
	if full && s.compare(added, of[0]) <= 0 {
		return
	}
	if mortal {
		added.value = s.codec.keep(added.value)
	}
	at := len(of)
	for at > 0 && s.compare(of[at-1], added) > 0 {
		at--
	}
	switch {
	case full:
		copy(of, of[1:at])
		of[at-1] = added
	case s.most == 1:
		s.single[place] = added
	default:
		s.of[place] = slices.Insert(of, at, added)
	}
}

func (s *lasts[K]) Merge(place int, from States, at int) {
	for _, other := range from.(*lasts[K]).events(at) {
		s.insert(place, other, false)
	}
}

// Subtract does not exist: the part is not invertible.
func (s *lasts[K]) Subtract(int, States, int) {}

func (s *lasts[K]) Reset(place int) {
	of := s.events(place)
	clear(of)
	if s.most > 1 {
		s.of[place] = of[:0]
	}
}

func (s *lasts[K]) Bytes() int64 {
	total := int64(24*cap(s.of) + 48*cap(s.single))
	for i := range s.single {
		total += s.codec.size(s.single[i].value)
	}
	for _, of := range s.of {
		total += int64(48 * cap(of))
		for i := range of {
			total += s.codec.size(of[i].value)
		}
	}
	return total
}

// Append writes the number of events, and of each its state with whether it has a created time, its time, the created
// time less the time, and the value.
func (s *lasts[K]) Append(dst []byte, place int) []byte {
	of := s.events(place)
	dst = binary.AppendUvarint(dst, uint64(len(of)))
	for i := range of {
		each := &of[i]
		head := byte(each.rank-rankInvalid) << 1
		if each.created != NoCreated {
			head |= 1
		}
		dst = binary.AppendVarint(append(dst, head), each.time)
		if each.created != NoCreated {
			dst = binary.AppendVarint(dst, each.created-each.time)
		}
		if each.rank == rankPresent {
			dst = s.codec.append(dst, each.value)
		}
	}
	return dst
}

func (s *lasts[K]) MergeBytes(place int, src []byte) (rest []byte, err error) {
	count, src, ok := exact.Uvarint(src)
	if !ok || count > uint64(s.most) {
		return nil, errDamaged
	}
	var before slot[K]
	for i := range count {
		each, rest, ok := s.read(src)
		if !ok || i > 0 && s.compare(before, each) > 0 {
			return nil, errDamaged
		}
		s.insert(place, each, false)
		before, src = each, rest
	}
	return src, nil
}

func (s *lasts[K]) read(src []byte) (each slot[K], rest []byte, ok bool) {
	if len(src) == 0 || src[0] > byte(rankPresent-rankInvalid)<<1|1 {
		return each, nil, false
	}
	head := src[0]
	each.rank, each.created = rankInvalid+rank(head>>1), NoCreated
	if each.time, src, ok = varint(src[1:]); !ok {
		return each, nil, false
	}
	if head&1 != 0 {
		since, rest, ok := varint(src)
		each.created, src = each.time+since, rest
		if !ok || each.created == NoCreated {
			return each, nil, false
		}
	}
	if each.rank == rankPresent {
		each.value, src, ok = s.codec.read(src)
	}
	return each, src, ok
}

// varint reads an integer as binary.AppendVarint writes it.
func varint(src []byte) (value int64, rest []byte, ok bool) {
	zigzag, rest, ok := exact.Uvarint(src)
	return int64(zigzag>>1) ^ -int64(zigzag&1), rest, ok
}
