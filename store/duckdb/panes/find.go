package panes

import (
	"github.com/plumbstore/plumb/compute/expression"
)

// Place is where the results of a label are: a shard, and a row of its columns. Shard is NoShard for a label whose key
// has no event in any window.
type Place struct{ Shard, Row int32 }

// NoShard is no shard.
const NoShard = -1

// Find gives the places of labels, by hashes and times that the index was built from. Settle must have run before. Find
// is safe for concurrent use.
func (x *Index) Find(hashes []uint64, times []int64, places []Place) {
	for i, hash := range hashes {
		places[i] = x.placeOf(hash, times[i])
	}
}

func (x *Index) placeOf(hash uint64, time int64) Place {
	at := hash >> x.shift
	for number := x.starts[at]; number < x.starts[at+1]; number++ {
		if x.keys[number].hash != hash {
			continue
		}
		if slot, ok := x.slotFrom(number, time); ok && x.slots[slot] == time {
			place := Place{Shard: int32(hash >> x.shardShift)}
			place.Row = int32(slot - x.shards[place.Shard].firstSlot)
			if x.EventTime(place) != none {
				return place
			}
		}
	}
	return Place{Shard: NoShard}
}

// Matched counts the label rows that have a row.
func (x *Index) Matched() int64 {
	var matched int64
	for i := range x.shards {
		s := &x.shards[i]
		for slot, time := range s.rows.times {
			if time != none {
				matched += int64(x.counts[int(s.firstSlot)+slot])
			}
		}
	}
	return matched
}

// EventTime is the event time of a row.
func (x *Index) EventTime(p Place) int64 { return x.shards[p.Shard].rows.times[p.Row] }

// Extent is how many events the widest window has, and the time of the earliest if there is one.
func (x *Index) Extent(p Place) (count, earliest int64) {
	rows := &x.shards[p.Shard].rows
	return rows.counts[p.Row], rows.earliest[p.Row]
}

// Results are those of an aggregate in a shard, by row.
func (x *Index) Results(aggregate int, shard int32) []*expression.Column {
	return x.shards[shard].results[aggregate]
}
