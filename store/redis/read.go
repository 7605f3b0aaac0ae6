package redis

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	goredis "github.com/redis/go-redis/v9"

	"github.com/plumbstore/plumb/store/online"
)

// Read implements online.Store. It asks a single server for many keys with one MGET, which for the keys of a look-up is
// one round trip. If keys are spread over slots, it sends one MGET for each slot, concurrently.
func (s *Store) Read(ctx context.Context, gets []online.Get) ([][]byte, error) {
	values := make([][]byte, 0, len(gets))
	for chunk := range slices.Chunk(gets, readChunk) {
		var err error
		keys := redisKeys(chunk)
		if values, err = s.appendValues(ctx, values, keys); err == nil {
			err = s.checkAbsent(ctx, keys, values[len(values)-len(keys):])
		}
		if err != nil {
			return nil, s.explain(ctx, "read", err)
		}
	}
	return values, ctx.Err()
}

// readPrimary is a read that no replica answers, since it is a script that might write. A plain GET would go to a
// replica like every other read, and a replica may lag behind what was just written.
const readPrimary = "return redis.call('GET', KEYS[1])"

var _ online.PrimaryReader = (*Store)(nil)

// ReadPrimary implements online.PrimaryReader. Where replicas answer reads, each get is a command of its own, and all
// of them are sent at once.
func (s *Store) ReadPrimary(ctx context.Context, gets []online.Get) ([][]byte, error) {
	if !s.replicas {
		return s.Read(ctx, gets)
	}
	pipe := s.client.Pipeline()
	for _, key := range redisKeys(gets) {
		pipe.Eval(ctx, readPrimary, []string{key})
	}
	replies, err := pipe.Exec(ctx)
	if err != nil && !errors.Is(err, goredis.Nil) {
		return nil, s.explain(ctx, "read", err)
	}
	values := make([][]byte, len(gets))
	for i, reply := range replies {
		value, err := reply.(*goredis.Cmd).Result()
		if err != nil && !errors.Is(err, goredis.Nil) {
			return nil, s.explain(ctx, "read", err)
		}
		values[i] = bytesOf(value)
	}
	return values, nil
}

// checkAbsent makes sure that keys for which MGET found nothing do not exist: MGET also finds nothing if a key holds a
// hash or a list. GETRANGE reports that, and users have the right to it, since writes need it too.
func (s *Store) checkAbsent(ctx context.Context, keys []string, values [][]byte) error {
	var pipe goredis.Pipeliner
	for i, value := range values {
		if value != nil {
			continue
		}
		if pipe == nil {
			pipe = s.client.Pipeline()
		}
		pipe.GetRange(ctx, keys[i], 0, 0)
	}
	if pipe == nil {
		return nil
	}
	_, err := pipe.Exec(ctx)
	return err
}

// redisKeys are the keys of the rows, all in one piece of memory.
func redisKeys(gets []online.Get) []string {
	size := 0
	for _, get := range gets {
		size += len(get.Table.Project) + len(get.Key) + len(get.Table.View) + 8 // A guess if names are escaped.
	}
	buffer, ends := make([]byte, 0, size), make([]int, len(gets))
	for i, get := range gets {
		buffer = appendKey(buffer, get.Table, get.Key)
		ends[i] = len(buffer)
	}
	text, keys, start := string(buffer), make([]string, len(gets)), 0
	for i, end := range ends {
		keys[i], start = text[start:end], end
	}
	return keys
}

// appendValues reads keys by one command. The reply is taken as it comes and cut into values in place, which avoids a
// copy and two allocations for each. Other replies, such as errors, are left to the driver.
func (s *Store) appendValues(ctx context.Context, values [][]byte, keys []string) ([][]byte, error) {
	if s.spread {
		return s.appendParsed(ctx, values, keys)
	}
	args := make([]any, 1, 1+len(keys))
	args[0] = "mget"
	for i := range keys {
		args = append(args, &keys[i])
	}
	command := goredis.NewRawCmd(ctx, args...)
	if err := s.client.Process(ctx, command); err != nil {
		return nil, err
	}
	reply := command.Val()
	if len(reply) == 0 || reply[0] != list {
		return s.appendParsed(ctx, values, keys)
	}
	return cut(values, reply, len(keys))
}

// appendParsed is appendValues by the driver's own means.
func (s *Store) appendParsed(ctx context.Context, values [][]byte, keys []string) ([][]byte, error) {
	found, err := s.readKeys(ctx, keys)
	if err != nil {
		return nil, err
	}
	if len(found) != len(keys) {
		return nil, fmt.Errorf("%d of %d keys were answered", len(found), len(keys))
	}
	for _, value := range found {
		values = append(values, bytesOf(value))
	}
	return values, nil
}

func (s *Store) readKeys(ctx context.Context, keys []string) ([]any, error) {
	if s.spread {
		return s.readSlots(ctx, keys)
	}
	return s.client.MGet(ctx, keys...).Result()
}

// bytesOf returns nil if there is no value.
func bytesOf(value any) []byte {
	if text, ok := value.(string); ok {
		return []byte(text)
	}
	return nil
}

// The first bytes of replies.
const (
	list       = '*'
	bulkString = '$'
	null       = '_'
)

var errReply = errors.New("the reply is not one of values")

// cut appends the wanted number of values of a reply, which they keep referring to; nil if there is no value. The reply
// "*2\r\n$3\r\nabc\r\n$-1\r\n", for example, has the values abc and nil; in version 3 of the protocol a missing value
// is "_\r\n". The capacity of a value ends with it, so that appending to one cannot overwrite the next.
func cut(values [][]byte, reply []byte, wanted int) ([][]byte, error) {
	count, rest, err := header(reply)
	if err != nil {
		return nil, err
	}
	if count != wanted {
		return nil, fmt.Errorf("%d of %d keys were answered", count, wanted)
	}
	for range wanted {
		if len(rest) == 0 || rest[0] != bulkString && rest[0] != null {
			return nil, errReply
		}
		absent := rest[0] == null
		var length int
		if length, rest, err = header(rest); err != nil {
			return nil, err
		}
		if absent || length == -1 {
			values = append(values, nil)
			continue
		}
		if length < 0 || length > len(rest)-len(lineEnd) {
			return nil, errReply
		}
		values = append(values, rest[:length:length])
		rest = rest[length+len(lineEnd):]
	}
	return values, nil
}

const lineEnd = "\r\n"

// header returns the number on a line such as "$12", and what follows the line; 0 if there is none.
func header(reply []byte) (number int, rest []byte, err error) {
	end := bytes.IndexByte(reply, '\r')
	if end < 0 || len(reply) < end+len(lineEnd) {
		return 0, nil, errReply
	}
	if end > 1 {
		if number, err = strconv.Atoi(string(reply[1:end])); err != nil {
			return 0, nil, errReply
		}
	}
	return number, reply[end+len(lineEnd):], nil
}
