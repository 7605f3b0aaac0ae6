package redis

import (
	"context"
	"strings"

	goredis "github.com/redis/go-redis/v9"
)

// slotCount is the number of slots that every cluster has. Each node has some of them. A command whose keys lie in
// several slots is refused, even if one node has them all, so commands are made slot by slot.
const slotCount = 16384

// slotOf is the slot of a cluster that a key lies in: the CRC-16 (XMODEM) of its hash tag, which is what is between the
// first '{' and the '}' that follows it. Keys of rows have one, at their beginning.
func slotOf(key string) int {
	tag := key[1:]
	if end := strings.IndexByte(tag, '}'); end >= 0 {
		tag = tag[:end]
	}
	var crc uint16
	for i := range len(tag) {
		crc = crc<<8 ^ crcTable[byte(crc>>8)^tag[i]]
	}
	return int(crc % slotCount)
}

// crcTable has the remainder of each byte by the polynomial x^16 + x^12 + x^5 + 1.
var crcTable = func() (table [256]uint16) {
	for i := range table {
		crc := uint16(i) << 8
		for range 8 {
			high := crc & 0x8000
			if crc <<= 1; high != 0 {
				crc ^= 0x1021
			}
		}
		table[i] = crc
	}
	return table
}()

// bySlot returns the positions of the keys of each slot, in order.
func bySlot(keys []string) [][]int {
	groups := make([][]int, 0, len(keys))
	group := make(map[int]int, len(keys))
	for i, key := range keys {
		slot := slotOf(key)
		at, ok := group[slot]
		if !ok {
			at = len(groups)
			group[slot] = at
			groups = append(groups, nil)
		}
		groups[at] = append(groups[at], i)
	}
	return groups
}

func pick(keys []string, positions []int) []string {
	picked := make([]string, len(positions))
	for i, at := range positions {
		picked[i] = keys[at]
	}
	return picked
}

// isMoving says that a command was refused since some of its keys have been moved to another node and others not yet. A
// command of one key is always answered by one of the two.
func isMoving(err error) bool { return goredis.HasErrorPrefix(err, "TRYAGAIN") }

// writeSlots runs the script for the keys of each slot, all on their way at a time. args are the settings, then a
// value for each key.
func (s *Store) writeSlots(ctx context.Context, keys []string, args []any) (int64, error) {
	groups := bySlot(keys)
	commands := make([]*goredis.Cmd, len(groups))
	pipeline := s.client.Pipeline()
	for i, group := range groups {
		commands[i] = newestWins.EvalSha(ctx, pipeline, pick(keys, group), pickArgs(args, group)...)
	}
	_, _ = pipeline.Exec(ctx) // Each command has its own error.
	if err := s.sendWhole(ctx, commands, groups, keys, args); err != nil {
		return 0, err
	}
	var written int64
	for i, group := range groups {
		count, err := commands[i].Int64()
		if isMoving(err) {
			count, err = s.writeOneByOne(ctx, pick(keys, group), pickArgs(args, group))
		}
		if err != nil {
			return written, err
		}
		written += count
	}
	return written, nil
}

// sendWhole sends the script itself to nodes that did not know it by its digest. Outside of a pipeline Script.Run does
// so. In a pipeline it cannot, since the answers come after all commands have been sent.
func (s *Store) sendWhole(ctx context.Context, commands []*goredis.Cmd, groups [][]int, keys []string, args []any,
) error {
	pipeline := s.client.Pipeline()
	for i, group := range groups {
		if goredis.HasErrorPrefix(commands[i].Err(), "NOSCRIPT") {
			commands[i] = newestWins.Eval(ctx, pipeline, pick(keys, group), pickArgs(args, group)...)
		}
	}
	if pipeline.Len() > 0 {
		_, _ = pipeline.Exec(ctx) // Each command has its own error.
	}
	return ctx.Err()
}

// pickArgs takes the settings and the values at some positions.
func pickArgs(args []any, positions []int) []any {
	picked := append(make([]any, 0, settings+len(positions)), args[:settings]...)
	for _, at := range positions {
		picked = append(picked, args[settings+at])
	}
	return picked
}

// writeOneByOne stores rows whose slot is being moved. That it may store a row a second time does no harm: a row that
// is as new as the stored one replaces it with itself (R14).
func (s *Store) writeOneByOne(ctx context.Context, keys []string, args []any) (int64, error) {
	var written int64
	for i, key := range keys {
		count, err := newestWins.Run(ctx, s.client, []string{key}, pickArgs(args, []int{i})...).Int64()
		if err != nil {
			return written, err
		}
		written += count
	}
	return written, nil
}
