package server

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"slices"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
)

// maxInflated bounds what a message becomes that is compressed with gzip. A message of that size is not worth it, and
// Arrow compresses its own buffers.
const maxInflated = 1 << 20

func init() {
	encoding.RegisterCompressor(boundedGzip{encoding.GetCompressor(gzip.Name)})
}

// boundedGzip is gzip for messages of a bounded size. It never fails, since gRPC itself would answer INTERNAL: what it
// cannot inflate becomes one of the marks below.
//
// gzip compresses zeros to about a thousandth. Without the bound a message of label rows, which may have 64 MiB, could
// take some 60 GiB once it is inflated (stream.go).
type boundedGzip struct{ encoding.Compressor }

// The marks stand for messages that were not inflated. They hold random bytes, so that no caller can send one.
var tooLarge, damaged = newMark(), newMark()

func newMark() []byte {
	mark := make([]byte, 32)
	_, _ = rand.Read(mark) // It never fails.
	return mark
}

// Decompress implements encoding.Compressor.
func (g boundedGzip) Decompress(r io.Reader) (io.Reader, error) {
	return bytes.NewReader(g.inflate(r)), nil
}

func (g boundedGzip) inflate(r io.Reader) []byte {
	inflated, err := g.Compressor.Decompress(r)
	if err != nil {
		return damaged
	}
	content, err := io.ReadAll(io.LimitReader(inflated, maxInflated+1))
	switch {
	case err != nil:
		return damaged
	case len(content) > maxInflated:
		return tooLarge
	}
	return content
}

// received is a message, or what is wrong with what came in its place.
type received struct {
	message any
	err     error
}

// Unmarshal implements encoding.CodecV2. For a received it never fails, since gRPC itself would answer INTERNAL to what
// is its sender's mistake.
func (c codec) Unmarshal(data mem.BufferSlice, into any) error {
	to, ok := into.(*received)
	if !ok {
		return c.CodecV2.Unmarshal(data, into)
	}
	switch {
	case is(data, tooLarge):
		to.err = status.Errorf(codes.ResourceExhausted, "the message has more than %d bytes once it is inflated; send it "+
			"without gzip, or send a smaller one", maxInflated)
	case is(data, damaged):
		to.err = status.Error(codes.InvalidArgument, "the message cannot be read: it says that it is compressed with gzip, "+
			"and is not")
	default:
		if err := c.CodecV2.Unmarshal(data, to.message); err != nil {
			to.err = status.Error(codes.InvalidArgument, shortened(fmt.Sprintf("the message cannot be read: %v", err),
				maxMessage))
		}
	}
	return nil
}

func is(data mem.BufferSlice, mark []byte) bool {
	return data.Len() == len(mark) && slices.Equal(data.Materialize(), mark)
}

// receive reads a message with read, which is gRPC's way to do so.
func receive(read func(any) error, message any) error {
	into := &received{message: message}
	if err := read(into); err != nil {
		return err
	}
	return into.err
}
