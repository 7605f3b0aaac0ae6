package redis

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"unsafe"

	goredis "github.com/redis/go-redis/v9"

	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/packed"
)

// Read implements online.Store. The rows of an entity are one HMGET, and a single row is one HGET, which costs the
// server and the driver less. Those of all entities are one round trip, which other reads may share (batches.go).
func (s *Store) Read(ctx context.Context, gets []online.Get) ([][]byte, error) {
	values := make([][]byte, len(gets))
	for start := 0; start < len(gets); start += readChunk {
		end := min(start+readChunk, len(gets))
		if err := s.readTogether(ctx, gets[start:end], values[start:end]); err != nil {
			return nil, s.explain(ctx, "read", err)
		}
	}
	return values, ctx.Err()
}

// readTogether reads in one round trip. It does without HGET if the user may not, which older versions did not need.
func (s *Store) readTogether(ctx context.Context, gets []online.Get, values [][]byte) error {
	r := s.newReading(gets, values)
	r.mayHGet = !s.withoutHGet.Load()
	err := r.run(ctx, s.send)
	if err != nil && r.mayHGet && says(err, "NOPERM") && strings.Contains(err.Error(), "'hget'") {
		s.withoutHGet.Store(true)
		r.mayHGet = false
		return r.run(ctx, s.send)
	}
	return err
}

// reading is a read of some rows in one round trip.
type reading struct {
	store  *Store
	gets   []online.Get
	values [][]byte
	// hashes are the entities that are asked for, of which alone have one field.
	hashes []hashRead
	alone  int
	// mayHGet lets a hash of which one field is wanted be asked by HGET.
	mayHGet bool
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
	// args are the arguments of an HMGET. Those of an HGET are the same.
	args []any
}

// isAlone says that one field is wanted.
func (h *hashRead) isAlone() bool { return len(h.args) == fieldsAt+1 }

// fieldsAt is how many arguments precede the fields: the command and its key.
const fieldsAt = 2

// newReading makes the arguments of a read. Gets of one entity follow each other, and are one command. All keys are in
// one piece of memory, and all arguments in another.
func (s *Store) newReading(gets []online.Get, values [][]byte) *reading {
	r := &reading{store: s, gets: gets, values: values}
	entities, size := r.entities()
	r.hashes = make([]hashRead, 0, entities)
	args := make([]any, 0, fieldsAt*entities+len(gets))
	keys := make([]byte, 0, size)
	tables := tableCache{store: s, known: make([]*tableEntry, 0, likelyTables)}
	now := s.now()
	var hash *hashRead
	for i := range gets {
		get := &gets[i]
		entry, first := tables.entry(get.Table)
		if first && entry.isStale(now) {
			r.addStale(entry)
		}
		if i == 0 || !sameEntity(get, &gets[i-1]) {
			start := len(keys)
			keys = appendKey(keys, get.Table.Project, get.Key)
			key := keys[start:]
			r.hashes = append(r.hashes, hashRead{key: unsafe.String(unsafe.SliceData(key), len(key)), from: i})
			hash = &r.hashes[len(r.hashes)-1]
			args = append(args, nil, &hash.key)
			hash.args = args[len(args)-fieldsAt:]
		}
		args = append(args, &entry.field)
		hash.args = hash.args[:len(hash.args)+1]
		if entry.older() {
			r.older, r.olderKeys = append(r.older, i), append(r.olderKeys, hash.key+entry.name)
		}
	}
	for i := range r.hashes {
		if r.hashes[i].isAlone() {
			r.alone++
		}
	}
	return r
}

// entities is how many hashes are asked for, and about how long their keys are together.
func (r *reading) entities() (count, size int) {
	for i := range r.gets {
		get := &r.gets[i]
		if i == 0 || !sameEntity(get, &r.gets[i-1]) {
			count++
			size += len("{:}") + len(get.Table.Project) + len(get.Key)
		}
	}
	return count, size
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
	commands = r.appendCommands(ctx, commands)
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
		if err := r.take(&r.hashes[i], hashes[i]); err != nil {
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

// appendCommands appends the commands that ask the hashes, in their order. Those of a kind are in one piece of memory.
func (r *reading) appendCommands(ctx context.Context, commands []goredis.Cmder) []goredis.Cmder {
	alone := 0
	if r.mayHGet {
		alone = r.alone
	}
	single, several := make([]goredis.StringCmd, 0, alone), make([]goredis.SliceCmd, 0, len(r.hashes)-alone)
	for i := range r.hashes {
		hash := &r.hashes[i]
		if r.mayHGet && hash.isAlone() {
			hash.args[0] = "hget"
			single = append(single, *goredis.NewStringCmd(ctx, hash.args...))
			commands = append(commands, &single[len(single)-1])
		} else {
			hash.args[0] = "hmget"
			several = append(several, *goredis.NewSliceCmd(ctx, hash.args...))
			commands = append(commands, &several[len(several)-1])
		}
	}
	return commands
}

// take takes the values of a hash from the answer to its command.
func (r *reading) take(hash *hashRead, command goredis.Cmder) error {
	if single, ok := command.(*goredis.StringCmd); ok {
		text, err := single.Result()
		if errors.Is(err, goredis.Nil) {
			return nil
		}
		r.values[hash.from] = bytesOf(text)
		return err
	}
	found, err := command.(*goredis.SliceCmd).Result()
	if err != nil {
		return err
	}
	if fields := len(hash.args) - fieldsAt; len(found) != fields {
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
