package server

import (
	"context"
	"encoding/binary"
	"errors"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"

	"github.com/plumbstore/plumb/internal/server/flight"
)

// flightMethods is what the names of Flight's methods begin with.
const flightMethods = "/arrow.flight.protocol.FlightService/"

// exchange is the method whose messages may be larger than those of all others.
const exchange = flightMethods + "DoExchange"

// checkedStream is a stream whose caller has been checked, and whose messages are those of its method: within its limit
// and readable, or refused with what is wrong with them.
type checkedStream struct {
	grpc.ServerStream
	ctx  context.Context
	read func(message any) error
}

func newCheckedStream(ctx context.Context, stream grpc.ServerStream, method string) *checkedStream {
	read := stream.RecvMsg
	if method == exchange {
		read = (&labelMessages{stream: transportOf(ctx), codec: newCodec()}).read
	}
	return &checkedStream{stream, ctx, read}
}

// Context implements grpc.ServerStream.
func (s *checkedStream) Context() context.Context { return s.ctx }

// RecvMsg implements grpc.ServerStream. A stream may last, so it arrives with its first message.
func (s *checkedStream) RecvMsg(message any) error {
	err := receive(s.read, message)
	if err == nil {
		call := arrivalOf(s.ctx)
		call.arrived()
		call.leave()
	}
	return err
}

// transport is what gRPC reads messages from.
type transport interface {
	ReadMessageHeader(header []byte) error
	Read(n int) (mem.BufferSlice, error)
	RecvCompress() string
}

// transportOf is that of a call. gRPC does not promise that it can be read from; a version in which it cannot fails the
// tests of every join over Flight.
func transportOf(ctx context.Context) transport {
	return grpc.ServerTransportStreamFromContext(ctx).(transport)
}

// labelMessages reads the messages of DoExchange. gRPC has one limit for the messages of all methods, so the size that
// label rows need would otherwise be accepted from every look-up too.
type labelMessages struct {
	stream transport
	codec  codec
}

func (l *labelMessages) read(message any) error {
	content, err := l.next()
	if err != nil {
		return l.readError(err)
	}
	defer content.Free()
	return l.codec.Unmarshal(content, message)
}

// next is the content of the next message. What is too large is refused unread.
func (l *labelMessages) next() (mem.BufferSlice, error) {
	var header [5]byte // Whether it is compressed, and how many bytes it has.
	if err := l.stream.ReadMessageHeader(header[:]); err != nil {
		return nil, err
	}
	if size := int64(binary.BigEndian.Uint32(header[1:])); size > flight.MaxLabelMessage {
		return nil, status.Errorf(codes.ResourceExhausted, "the message has %d bytes; at most %d are taken: send batches "+
			"of fewer rows", size, flight.MaxLabelMessage)
	}
	content, err := l.stream.Read(int(binary.BigEndian.Uint32(header[1:])))
	if err != nil || header[0] == 0 {
		return content, err
	}
	defer content.Free()
	return inflated(content, l.stream.RecvCompress())
}

// inflated is a compressed message as it was before.
func inflated(content mem.BufferSlice, by string) (mem.BufferSlice, error) {
	compressor := encoding.GetCompressor(by)
	if compressor == nil {
		return nil, status.Errorf(codes.InvalidArgument, "the message says that it is compressed, but the call does not say "+
			"with what that is known here: grpc-encoding is %q", by)
	}
	compressed := content.Reader()
	defer compressed.Close()
	plain, err := compressor.Decompress(compressed)
	if err != nil {
		return nil, err
	}
	return mem.ReadAll(plain, mem.DefaultBufferPool())
}

// readError turns an error of the transport into io.EOF at the end of the stream, or into a status.
func (l *labelMessages) readError(err error) error {
	if _, ok := status.FromError(err); ok || errors.Is(err, io.EOF) {
		return err
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return status.Error(codes.InvalidArgument, "the last message ends before its end")
	}
	return status.Error(codes.Canceled, "the connection ended in the middle of a message")
}
