package server

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
)

// maxInflated bounds what a message becomes that is compressed with gzip. A message of that size is not worth it, and
// Arrow compresses its own buffers.
const maxInflated = 1 << 20

// tooLarge is what is said of a message that becomes more.
var tooLarge = fmt.Sprintf("the message has more than %d bytes once it is inflated; send it without gzip, or a "+
	"smaller one",
	maxInflated)

func init() {
	encoding.RegisterCompressor(boundedGzip{encoding.GetCompressor(gzip.Name)})
}

// boundedGzip is gzip for messages of a bounded size.
type boundedGzip struct{ encoding.Compressor }

// refused begins what stands for a message that cannot be inflated: no message of protobuf begins with it. gRPC calls
// every error of a decompressor INTERNAL, and an error of the codec can be told apart.
const refused = 0

// Decompress implements encoding.Compressor.
func (g boundedGzip) Decompress(r io.Reader) (io.Reader, error) {
	inflated, err := g.Compressor.Decompress(r)
	if err != nil {
		//nolint:nilerr // The refusal tells the caller.
		return refusal("the message is not what gzip makes: " + err.Error()), nil
	}
	content, err := io.ReadAll(io.LimitReader(inflated, maxInflated+1))
	switch {
	case err != nil:
		//nolint:nilerr // The refusal tells the caller.
		return refusal("the message is not what gzip makes: " + err.Error()), nil
	case len(content) > maxInflated:
		return refusal(tooLarge), nil
	}
	return bytes.NewReader(content), nil
}

func refusal(why string) io.Reader { return strings.NewReader(string(rune(refused)) + why) }

// Unmarshal implements encoding.CodecV2.
func (c codec) Unmarshal(data mem.BufferSlice, message any) error {
	content := data.Reader()
	defer content.Close()
	if first, err := content.ReadByte(); err == nil && first == refused {
		why, _ := io.ReadAll(io.LimitReader(content, 200))
		return fmt.Errorf("%s", strings.ToValidUTF8(string(why), "?"))
	}
	return c.CodecV2.Unmarshal(data, message)
}

// sent is the error of a message that could not be decoded: its sender's, and none of the server's.
func sent(err error) error {
	found, ok := status.FromError(err)
	if !ok || found.Code() != codes.Internal {
		return err
	}
	switch text := found.Message(); {
	case strings.Contains(text, tooLarge):
		return status.Error(codes.ResourceExhausted, tooLarge)
	case strings.Contains(text, "unmarshal"):
		return status.Error(codes.InvalidArgument, "the message cannot be read: "+text)
	}
	return err
}

// tolerant is a service whose methods tell callers that their message cannot be read.
func tolerant(desc *grpc.ServiceDesc) *grpc.ServiceDesc {
	tolerant := *desc
	tolerant.Methods = slices.Clone(desc.Methods)
	for i, method := range tolerant.Methods {
		tolerant.Methods[i].Handler = func(service any, ctx context.Context, decode func(any) error,
			intercept grpc.UnaryServerInterceptor,
		) (any, error) {
			return method.Handler(service, ctx, func(message any) error { return sent(decode(message)) }, intercept)
		}
	}
	return &tolerant
}

// RecvMsg implements grpc.ServerStream.
func (s *endingStream) RecvMsg(message any) error { return sent(s.ServerStream.RecvMsg(message)) }
