package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"

	goredis "github.com/redis/go-redis/v9"
	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
)

const floorMethod = "/bench.Floor/Get"

// bytesCodec hands bytes on as they are.
type bytesCodec struct{}

func (bytesCodec) Name() string { return "bytes" }

func (bytesCodec) Marshal(v any) ([]byte, error) { return *v.(*[]byte), nil }

func (bytesCodec) Unmarshal(data []byte, v any) error {
	*v.(*[]byte) = data
	return nil
}

var _ encoding.Codec = bytesCodec{}

// A request to the floor is the number of views and the length of the answer, as 4 bytes each, and 4 bytes for each
// entity.
const floorHeader = 8

// floorServer is what one would write by hand.
type floorServer struct {
	redis    *goredis.Client
	keyBytes int
}

// serveFloor prints its address to stdout and serves until its context is done.
func serveFloor(ctx context.Context, address string, keyBytes int) error {
	f := &floorServer{redis: goredis.NewClient(&goredis.Options{Addr: address}), keyBytes: keyBytes}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	server := grpc.NewServer(grpc.ForceServerCodec(bytesCodec{}))
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "bench.Floor", HandlerType: (*any)(nil),
		Methods: []grpc.MethodDesc{{MethodName: "Get", Handler: func(
			_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor,
		) (any, error) {
			var request []byte
			if err := decode(&request); err != nil {
				return nil, err
			}
			return f.answer(ctx, request)
		}}},
	}, f)
	context.AfterFunc(ctx, server.Stop)
	if _, err := fmt.Fprintln(os.Stdout, listener.Addr()); err != nil {
		return err
	}
	return errors.Join(server.Serve(listener), f.redis.Close())
}

func (f *floorServer) answer(ctx context.Context, request []byte) (*[]byte, error) {
	views := int(binary.LittleEndian.Uint32(request))
	answer := make([]byte, 0, binary.LittleEndian.Uint32(request[4:]))
	users := request[floorHeader:]
	keys := make([]string, 0, len(users)/4*views)
	for view := range views {
		for at := 0; at < len(users); at += 4 {
			keys = append(keys, floorKey(view, int64(binary.LittleEndian.Uint32(users[at:])), f.keyBytes))
		}
	}
	values, err := f.redis.MGet(ctx, keys...).Result()
	if err != nil {
		return nil, err
	}
	for _, value := range values {
		text, ok := value.(string)
		if !ok {
			return nil, errors.New("a row is not there")
		}
		answer = append(answer, text[:min(len(text), cap(answer)-len(answer))]...)
	}
	answer = answer[:cap(answer)]
	return &answer, nil
}

// floorKey is as long as plumb's keys.
func floorKey(view int, user int64, length int) string {
	key := make([]byte, length)
	binary.LittleEndian.PutUint32(key, uint32(user))
	key[4] = byte(view)
	return string(key)
}

// writeFloor writes values of this length for each entity and view.
func writeFloor(ctx context.Context, client *goredis.Client, views, keyBytes, valueBytes int) error {
	value := make([]byte, valueBytes)
	for view := range views {
		_, err := client.Pipelined(ctx, func(pipe goredis.Pipeliner) error {
			for user := range entities {
				pipe.Set(ctx, floorKey(view, int64(user), keyBytes), value, 0)
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("write the floor's rows: %w", err)
		}
	}
	return nil
}

// floorCaller asks the floor for as much as plumb is asked for.
type floorCaller struct {
	conn  *grpc.ClientConn
	shape shape
	// answer is the length of plumb's answers.
	answer int
	random *rand.Rand
}

func (c *floorCaller) call(ctx context.Context) error {
	request := binary.LittleEndian.AppendUint32(nil, uint32(c.shape.views))
	request = binary.LittleEndian.AppendUint32(request, uint32(c.answer))
	for range c.shape.rows {
		request = binary.LittleEndian.AppendUint32(request, c.random.Uint32N(entities))
	}
	var answer []byte
	if err := c.conn.Invoke(ctx, floorMethod, &request, &answer, grpc.ForceCodec(bytesCodec{})); err != nil {
		return fmt.Errorf("ask the floor: %w", err)
	}
	if len(answer) != c.answer {
		return fmt.Errorf("the floor answered %d bytes, not %d", len(answer), c.answer)
	}
	return nil
}

func (c *floorCaller) close() error { return c.conn.Close() }
