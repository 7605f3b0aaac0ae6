package redis

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"unsafe"

	goredis "github.com/redis/go-redis/v9"

	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/packed"
)

// Read implements online.Store. All rows of an entity are one HMGET, and those of all entities are one round trip,
// which other reads may share (batches.go).
func (s *Store) Read(ctx context.Context, gets []online.Get) ([][]byte, error) {
	values := make([][]byte, len(gets))
	for start := 0; start < len(gets); start += readChunk {
		end := min(start+readChunk, len(gets))
		if err := s.newReading(gets[start:end], values[start:end]).run(ctx, s.send); err != nil {
			return nil, s.explain(ctx, "read", err)
		}
	}
	return values, ctx.Err()
}

// reading is a read of some rows in one round trip.
type reading struct {
	store  *Store
	gets   []online.Get
	values [][]byte
	// hashes are the entities that are asked for.
	hashes []hashRead
	// older are the positions of gets whose rows may be in layout 1, and olderKeys their keys there.
	older     []int
	olderKeys []string
	// stale are the tables for which the directory has to be asked, by project.
	stale map[string][]*tableEntry
}

// hashRead asks one hash for the rows of an entity.
type hashRead struct {
	key string
	// from is the position of the first of its gets, which follow each other.
	from int
	// args are the command.
	args []any
}

// newReading makes the commands of a read. Gets of one entity follow each other, and are one command. All arguments are
// in one piece of memory.
func (s *Store) newReading(gets []online.Get, values [][]byte) *reading {
	const fieldsAt = 2 // The command and its key precede the fields.
	r := &reading{store: s, gets: gets, values: values}
	entities := r.entities()
	r.hashes = make([]hashRead, 0, entities)
	args := make([]any, 0, fieldsAt*entities+len(gets))
	tables := tableCache{store: s, known: make([]*tableEntry, 0, likelyTables)}
	now := s.now()
	var hash *hashRead
	var key []byte
	for i := range gets {
		get := &gets[i]
		entry, first := tables.entry(get.Table)
		if first && entry.isStale(now) {
			r.addStale(entry)
		}
		if i == 0 || !sameEntity(get, &gets[i-1]) {
			key = appendKey(key[:0], get.Table.Project, get.Key)
			r.hashes = append(r.hashes, hashRead{key: string(key), from: i})
			hash = &r.hashes[len(r.hashes)-1]
			args = append(args, "hmget", &hash.key)
			hash.args = args[len(args)-fieldsAt:]
		}
		args = append(args, &entry.field)
		hash.args = hash.args[:len(hash.args)+1]
		if entry.older() {
			r.older, r.olderKeys = append(r.older, i), append(r.olderKeys, string(key)+entry.name)
		}
	}
	return r
}

// entities is how many hashes are asked for.
func (r *reading) entities() int {
	count := 0
	for i := range r.gets {
		if i == 0 || !sameEntity(&r.gets[i], &r.gets[i-1]) {
			count++
		}
	}
	return count
}

func sameEntity(a, b *online.Get) bool {
	return a.Table.Project == b.Table.Project && bytes.Equal(a.Key, b.Key)
}

// likelyTables is how many tables a read asks for without another allocation.
const likelyTables = 8

// tableCache finds the entries of tables that are asked for by turns.
type tableCache struct {
	store *Store
	known []*tableEntry
	// at is where the table before the next one is expected.
	at int
}

// entry returns the entry of a table, and whether it is the first time.
func (c *tableCache) entry(table online.Table) (entry *tableEntry, first bool) {
	table.Retention = 0
	for i := range c.known {
		if at := (c.at + 1 + i) % len(c.known); c.known[at].table == table {
			c.at = at
			return c.known[at], false
		}
	}
	entry = c.store.entry(table)
	c.known, c.at = append(c.known, entry), len(c.known)
	return entry, true
}

func (r *reading) addStale(entry *tableEntry) {
	if r.stale == nil {
		r.stale = map[string][]*tableEntry{}
	}
	r.stale[entry.project] = append(r.stale[entry.project], entry)
}

// run reads through a function that sends commands and waits for all of their answers.
func (r *reading) run(ctx context.Context, send func(context.Context, []goredis.Cmder) error) error {
	commands := make([]goredis.Cmder, 0, len(r.hashes)+len(r.older)+len(r.stale))
	// Layout 1 is asked first. An upgrade writes a row to its hash before it removes the string, so a row whose string is
	// gone already is in the hash that is asked for later.
	for _, key := range r.olderKeys {
		// MGET finds nothing under a key that holds a fence, and GET would fail.
		commands = append(commands, goredis.NewSliceCmd(ctx, "mget", key))
	}
	for i := range r.hashes {
		commands = append(commands, goredis.NewSliceCmd(ctx, r.hashes[i].args...))
	}
	var directories [][]*tableEntry
	for _, entries := range r.stale {
		directories = append(directories, entries)
		commands = append(commands, newDirectoryRead(ctx, entries))
	}
	if err := send(ctx, commands); err != nil {
		return err
	}
	older, hashes := commands[:len(r.older)], commands[len(r.older):]
	for i, entries := range directories {
		if err := r.store.takeDirectory(hashes[len(r.hashes)+i].(*goredis.SliceCmd), entries); err != nil {
			return err
		}
	}
	for i := range r.hashes {
		if err := r.take(&r.hashes[i], hashes[i].(*goredis.SliceCmd)); err != nil {
			return err
		}
	}
	for i, command := range older {
		if err := r.takeOlder(r.older[i], command.(*goredis.SliceCmd)); err != nil {
			return err
		}
	}
	return nil
}

// take takes the values of a hash from the answer to its command.
func (r *reading) take(hash *hashRead, command *goredis.SliceCmd) error {
	found, err := command.Result()
	if err != nil {
		return err
	}
	if fields := len(command.Args()) - 2; len(found) != fields {
		return fmt.Errorf("%d of %d fields were answered", len(found), fields)
	}
	for i, value := range found {
		r.values[hash.from+i] = bytesOf(value)
	}
	return nil
}

// takeOlder adds a row in layout 1 to what layout 2 has, so that the newer one counts (R14).
func (r *reading) takeOlder(position int, command *goredis.SliceCmd) error {
	found, err := command.Result()
	if err != nil || len(found) == 0 || found[0] == nil {
		return err
	}
	older, err := packed.Upgrade(bytesOf(found[0]))
	if err != nil {
		return r.damaged(position, err)
	}
	if r.values[position], err = packed.Union(r.values[position], older); err != nil {
		return r.damaged(position, err)
	}
	return nil
}

func (r *reading) damaged(position int, err error) error {
	return fmt.Errorf("feature view %q: %w", r.gets[position].Table.View, err)
}

// bytesOf returns nil if there is no value. The bytes are those of the text, which the driver has made for this answer
// and which nobody else refers to.
func bytesOf(value any) []byte {
	if text, ok := value.(string); ok {
		return unsafe.Slice(unsafe.StringData(text), len(text))
	}
	return nil
}

// readPrimary is a read that no replica answers, since it is a script that might write. A plain HMGET would go to a
// replica like every other read, and a replica may lag behind what was just written.
const readPrimary = "return redis.call(ARGV[1], KEYS[1], unpack(ARGV, 2))"

var _ online.PrimaryReader = (*Store)(nil)

// ReadPrimary implements online.PrimaryReader. If replicas answer reads, each command is a script of its own, and all
// of them are sent at once.
func (s *Store) ReadPrimary(ctx context.Context, gets []online.Get) ([][]byte, error) {
	if !s.replicas {
		return s.Read(ctx, gets)
	}
	values := make([][]byte, len(gets))
	if err := s.newReading(gets, values).run(ctx, s.sendScripts); err != nil {
		return nil, s.explain(ctx, "read", err)
	}
	return values, nil
}

// sendScripts sends commands of reads as scripts.
func (s *Store) sendScripts(ctx context.Context, commands []goredis.Cmder) error {
	pipeline := s.client.Pipeline()
	scripts := make([]*goredis.Cmd, len(commands))
	for i, command := range commands {
		args := command.Args()
		scripts[i] = pipeline.Eval(ctx, readPrimary, []string{textOf(args[1])}, append([]any{args[0]}, args[2:]...)...)
	}
	if _, err := pipeline.Exec(ctx); err != nil && !errors.Is(err, goredis.Nil) {
		return err
	}
	for i, script := range scripts {
		answer, err := script.Slice()
		if err != nil {
			return err
		}
		commands[i].(*goredis.SliceCmd).SetVal(answer)
	}
	return nil
}

// textOf is an argument of a command that is a text or points to one.
func textOf(argument any) string {
	if text, ok := argument.(*string); ok {
		return *text
	}
	return argument.(string)
}
