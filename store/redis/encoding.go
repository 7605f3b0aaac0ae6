package redis

import (
	"context"
	"errors"
	"fmt"
	"math/bits"

	goredis "github.com/redis/go-redis/v9"

	"github.com/plumbstore/plumb/store/online"
)

// A server keeps a hash as one piece of memory, a listpack, as long as it has few fields and no value is longer than
// hash-max-listpack-value, which is 64 bytes by default. A hash of packed rows takes far less memory as a listpack than
// as a hash table, but is read from its beginning to find a field. Plumb does not change the server's settings; it says
// what they cost.

var _ online.StorageAdvisor = (*Store)(nil)

const (
	// adviseOn is how many hashes are looked at.
	adviseOn = 1000
	// settingStep is what a recommended setting is a multiple of.
	settingStep = 64
	// fewFields is how many fields a hash may have and still be better kept as a listpack (docs/upkeep.md).
	fewFields = 64
)

// Storage implements online.StorageAdvisor. It looks at some entities of the first pages of a scan.
func (s *Store) Storage(ctx context.Context, project string) (online.Storage, error) {
	a := &advice{store: s, project: project}
	err := s.scan(ctx, project, func(_ *goredis.Client, keys []string) error { return a.page(ctx, keys) })
	if err != nil && !errors.Is(err, errFound) {
		return online.Storage{}, s.explain(ctx, "look at how rows are kept", err)
	}
	return a.storage(), nil
}

// advice is a run of Storage.
type advice struct {
	store   *Store
	project string
	// longest is the longest value of a hash that should be a listpack.
	longest int64
	found   online.Storage
}

// looked is a hash that is looked at.
type looked struct {
	key      string
	encoding *goredis.StringCmd
	memory   *goredis.IntCmd
	fields   *goredis.StringSliceCmd
	lengths  []*goredis.IntCmd
}

// page looks at the hashes of a page of keys.
func (a *advice) page(ctx context.Context, keys []string) error {
	var hashes []*looked
	pipeline := a.store.client.Pipeline()
	for _, key := range keys {
		if entity, ok := entityOf(key, a.project); ok && isEntity(entity) && a.found.Entities+int64(len(hashes)) < adviseOn {
			hashes = append(hashes, &looked{key: key, encoding: pipeline.ObjectEncoding(ctx, key),
				memory: pipeline.MemoryUsage(ctx, key), fields: pipeline.HKeys(ctx, key)})
		}
	}
	_, _ = pipeline.Exec(ctx) // Each command has its own error.
	for _, hash := range hashes {
		for _, field := range hash.fields.Val() {
			hash.lengths = append(hash.lengths, pipeline.HStrLen(ctx, hash.key, field))
		}
	}
	_, _ = pipeline.Exec(ctx) // As above.
	for _, hash := range hashes {
		if err := a.take(hash); err != nil {
			return err
		}
	}
	if a.found.Entities >= adviseOn {
		return errFound
	}
	return nil
}

// take takes what was found of a hash.
func (a *advice) take(hash *looked) error {
	for _, err := range []error{hash.encoding.Err(), hash.memory.Err(), hash.fields.Err()} {
		switch {
		case errors.Is(err, goredis.Nil), goredis.HasErrorPrefix(err, "WRONGTYPE"):
			return nil // It has gone in the meantime, or is somebody else's.
		case err != nil:
			return err
		}
	}
	encoding := hash.encoding.Val()
	compact := encoding == "listpack" || encoding == "listpackex" || encoding == "ziplist"
	a.found.Entities++
	if compact {
		a.found.Compact++
	}
	if len(hash.lengths) <= fewFields {
		return a.measure(hash, compact)
	}
	if compact {
		a.found.Searched++
	}
	return nil
}

// measure adds up what a hash takes that should be a listpack.
func (a *advice) measure(hash *looked, compact bool) error {
	var content int64
	for i, length := range hash.lengths {
		size, err := length.Result()
		if err != nil {
			return err
		}
		a.longest = max(a.longest, size)
		content += entrySize(int64(len(hash.fields.Val()[i]))) + entrySize(size)
	}
	if !compact {
		a.found.Larger++
		a.found.Bytes += hash.memory.Val()
		a.found.CompactBytes += compactSize(int64(len(hash.key)), content)
	}
	return nil
}

// entrySize is what a text takes in a listpack: its bytes, its length before it, and the size of both behind it.
func entrySize(length int64) int64 {
	before := int64(1)
	switch {
	case length >= 4096:
		before = 5
	case length >= 64:
		before = 2
	}
	behind := int64(bits.Len64(uint64(before+length))+6) / 7
	return before + length + behind
}

// compactSize estimates the memory of a key that holds a listpack, as MEMORY USAGE counts it: the key, the objects
// around it, and the listpack with its header, rounded up as an allocator does.
func compactSize(key, content int64) int64 {
	const objects, keyHeader, listpackHeader = 56, 4, 7
	return objects + allocated(key+keyHeader) + allocated(content+listpackHeader)
}

// allocated rounds up to the next of four steps between two powers of two.
func allocated(size int64) int64 {
	step := int64(8)
	if size > 64 {
		step = 1 << (bits.Len64(uint64(size-1)) - 3)
	}
	return (size + step - 1) / step * step
}

func (a *advice) storage() online.Storage {
	found := a.found
	if found.Larger > 0 {
		longest := (a.longest + settingStep - 1) / settingStep * settingStep
		found.Settings = append(found.Settings, fmt.Sprintf("hash-max-listpack-value %d", longest))
	}
	if found.Searched > 0 {
		found.Settings = append(found.Settings, fmt.Sprintf("hash-max-listpack-entries %d", fewFields))
	}
	return found
}
