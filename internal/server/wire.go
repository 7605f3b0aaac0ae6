package server

import (
	"bytes"
	"context"
	"slices"

	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/lookup"
)

// wireReply is the reply of a look-up on its way to gRPC. It is the pool that its own bytes go back to: once gRPC has
// written them, the reply is released.
//
// gRPC returns a buffer to its pool when the transport has written it. That is the only sign that the bytes may be used
// again, so the reply takes the part of the pool. Without it, a reply would be copied or its memory left to the
// collector.
type wireReply struct {
	*lookup.Reply

	wire []byte
}

// Get implements mem.BufferPool. Nobody asks for it.
func (*wireReply) Get(int) *[]byte { return nil }

// Put implements mem.BufferPool.
func (r *wireReply) Put(*[]byte) { r.Release() }

// buffers are the bytes of the message. gRPC does not tell when it is done with few of them, so these are copied.
func (r *wireReply) buffers() mem.BufferSlice {
	if mem.IsBelowBufferPoolingThreshold(cap(r.wire)) {
		defer r.Release()
		return mem.BufferSlice{mem.SliceBuffer(bytes.Clone(r.wire))}
	}
	return mem.BufferSlice{mem.NewBuffer(&r.wire, r)}
}

// codec is gRPC's for protobuf, but that the replies of look-ups are the bytes which they are.
type codec struct{ encoding.CodecV2 }

func newCodec() codec { return codec{encoding.GetCodecV2(proto.Name)} }

// Marshal implements encoding.CodecV2.
func (c codec) Marshal(message any) (mem.BufferSlice, error) {
	if reply, ok := message.(*wireReply); ok {
		return reply.buffers(), nil
	}
	return c.CodecV2.Marshal(message)
}

// servingDesc is the description of the service, but that look-ups are answered in bytes.
func servingDesc() *grpc.ServiceDesc {
	desc := plumbv1.ServingService_ServiceDesc
	desc.Methods = slices.Clone(desc.Methods)
	for i := range desc.Methods {
		if desc.Methods[i].MethodName == getOnlineFeatures {
			desc.Methods[i].Handler = func(service any, ctx context.Context, decode func(any) error,
				intercept grpc.UnaryServerInterceptor,
			) (any, error) {
				return service.(*serving).handleLookup(ctx, decode, intercept)
			}
		}
	}
	return &desc
}

const getOnlineFeatures = "GetOnlineFeatures"

// handleLookup is what is generated for the method, with another reply.
func (s *serving) handleLookup(ctx context.Context, decode func(any) error, intercept grpc.UnaryServerInterceptor) (
	any, error,
) {
	request := new(plumbv1.GetOnlineFeaturesRequest)
	if err := decode(request); err != nil {
		return nil, err
	}
	info := &grpc.UnaryServerInfo{
		Server: s, FullMethod: plumbv1.ServingService_GetOnlineFeatures_FullMethodName,
	}
	return intercept(ctx, request, info, func(ctx context.Context, _ any) (any, error) {
		reply, err := s.lookUp(ctx, request)
		if err != nil {
			return nil, err
		}
		wire, err := reply.Wire()
		if err != nil {
			reply.Release()
			return nil, err
		}
		return &wireReply{reply, wire}, nil
	})
}
