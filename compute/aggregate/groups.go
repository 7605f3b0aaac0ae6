package aggregate

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/plumbstore/plumb/compute/exact"
	"github.com/plumbstore/plumb/compute/expression"
)

// groups are states of a part for each value of another column. The states of all groups lie in one States, at inner
// places. The inner place 0 is never added to, so it is what a group has that is not there.
//
// A group whose state is empty, as written, is not there either: it may have been subtracted, or never have had a
// value.
type groups[K key] struct {
	by    int
	codec codec[K]
	inner States
	// empty is what inner appends for a state without events.
	empty []byte
	// at has the inner place of each group, and places those of each place, in no order. keys has the group of each inner
	// place. free are inner places that are not in use.
	at     map[member[K]]int32
	places [][]int32
	keys   []K
	free   []int32
	texts  int64
	buffer []byte
}

type member[K key] struct {
	place int32
	key   K
}

func newGroups[K key](by int, c codec[K], inner States) *groups[K] {
	inner.Grow(1)
	return &groups[K]{by: by, codec: c, inner: inner, empty: inner.Append(nil, 0), at: map[member[K]]int32{},
		keys: make([]K, 1)}
}

func (s *groups[K]) Grow(places int) { s.places = grown(s.places, places) }

func (s *groups[K]) Add(place int, events *Events, row int) {
	if column := events.Columns[s.by]; column.States[row] == expression.Present {
		s.inner.Add(s.make(place, s.codec.of(column, row)), events, row)
	}
}

// find returns the inner place of a group, or 0.
func (s *groups[K]) find(place int, key K) int { return int(s.at[member[K]{int32(place), key}]) }

// make returns the inner place of a group, which it makes if there is none.
func (s *groups[K]) make(place int, key K) int {
	if at := s.find(place, key); at > 0 {
		return at
	}
	key = s.codec.keep(key)
	s.texts += s.codec.size(key)
	at := int32(len(s.keys))
	if last := len(s.free) - 1; last >= 0 {
		at = s.free[last]
		s.free = s.free[:last]
		s.keys[at] = key
	} else {
		s.keys = append(s.keys, key)
		s.inner.Grow(len(s.keys))
	}
	s.at[member[K]{int32(place), key}] = at
	s.places[place] = append(s.places[place], at)
	return int(at)
}

func (s *groups[K]) Merge(place int, from States, at int) {
	other := from.(*groups[K])
	for _, each := range other.places[at] {
		s.inner.Merge(s.make(place, other.keys[each]), other.inner, int(each))
	}
}

func (s *groups[K]) Subtract(place int, from States, at int) {
	other := from.(*groups[K])
	for _, each := range other.places[at] {
		s.inner.Subtract(s.make(place, other.keys[each]), other.inner, int(each))
	}
	s.sweep(place)
}

// sweep removes groups whose states are empty.
func (s *groups[K]) sweep(place int) {
	s.places[place] = slices.DeleteFunc(s.places[place], func(each int32) bool {
		if !s.isEmpty(each) {
			return false
		}
		s.remove(place, each)
		return true
	})
}

func (s *groups[K]) isEmpty(inner int32) bool {
	s.buffer = s.inner.Append(s.buffer[:0], int(inner))
	return bytes.Equal(s.buffer, s.empty)
}

func (s *groups[K]) remove(place int, inner int32) {
	var none K
	s.texts -= s.codec.size(s.keys[inner])
	delete(s.at, member[K]{int32(place), s.keys[inner]})
	s.inner.Reset(int(inner))
	s.keys[inner] = none
	s.free = append(s.free, inner)
}

func (s *groups[K]) Reset(place int) {
	for _, each := range s.places[place] {
		s.remove(place, each)
	}
	s.places[place] = s.places[place][:0]
}

func (s *groups[K]) Bytes() int64 {
	return s.inner.Bytes() + s.texts + int64(24*cap(s.places)+4*cap(s.free)+80*len(s.keys))
}

// sorted are the inner places of the groups of a place, in the order of the groups.
func (s *groups[K]) sorted(place int) []int32 {
	slices.SortFunc(s.places[place], func(a, b int32) int { return cmp.Compare(s.keys[a], s.keys[b]) })
	return s.places[place]
}

// Append writes the number of groups that are not empty, and of each its key and its state.
func (s *groups[K]) Append(dst []byte, place int) []byte {
	s.sweep(place)
	dst = binary.AppendUvarint(dst, uint64(len(s.places[place])))
	for _, each := range s.sorted(place) {
		dst = s.codec.append(dst, s.keys[each])
		dst = s.inner.Append(dst, int(each))
	}
	return dst
}

func (s *groups[K]) MergeBytes(place int, src []byte) (rest []byte, err error) {
	length, src, ok := exact.Uvarint(src)
	if !ok || length > uint64(len(src)) {
		return nil, errDamaged
	}
	var before K
	for i := range length {
		key, state, ok := s.codec.read(src)
		if !ok || i > 0 && key <= before {
			return nil, errDamaged
		}
		if src, err = s.inner.MergeBytes(s.make(place, key), state); err != nil {
			return nil, err
		}
		if bytes.Equal(state[:len(state)-len(src)], s.empty) {
			return nil, errDamaged
		}
		before = key
	}
	return src, nil
}
