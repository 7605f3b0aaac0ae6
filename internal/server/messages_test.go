package server_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"net/http"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/plumbstore/plumb/internal/server"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// frame is a message as gRPC puts it into HTTP/2.
func frame(compressed bool, content []byte) []byte {
	framed := make([]byte, 5, 5+len(content))
	if compressed {
		framed[0] = 1
	}
	binary.BigEndian.PutUint32(framed[1:], uint32(len(content))) //nolint:gosec // Tests send a few bytes.
	return append(framed, content...)
}

// zipped is content as gzip compresses it.
func zipped(t testing.TB, content io.Reader) []byte {
	var to bytes.Buffer
	writer := gzip.NewWriter(&to)
	must(io.Copy(writer, content))(t)
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return to.Bytes()
}

// zeros returns n zero bytes.
func zeros(n int64) io.Reader { return io.LimitReader(zeroReader{}, n) }

type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// raw calls a method over bare HTTP/2, with any bytes for its messages, and returns the status.
func (r *running) raw(method, token string, body io.Reader, headers ...string) *status.Status {
	r.t.Helper()
	request := must(http.NewRequestWithContext(r.t.Context(), http.MethodPost, "http://"+r.address+method, body))(r.t)
	for i, name := range []string{"Content-Type", "Te"} {
		request.Header.Set(name, []string{"application/grpc", "trailers"}[i])
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	protocols := &http.Protocols{}
	protocols.SetUnencryptedHTTP2(true)
	over := &http.Transport{Protocols: protocols}
	defer over.CloseIdleConnections()
	response, err := over.RoundTrip(request)
	if err != nil {
		r.t.Fatal(err)
	}
	defer response.Body.Close()
	must(io.Copy(io.Discard, response.Body))(r.t)
	told := response.Trailer
	if told.Get("Grpc-Status") == "" {
		told = response.Header // There was nothing but a status.
	}
	code := must(strconv.ParseUint(told.Get("Grpc-Status"), 10, 32))(r.t)
	return status.New(codes.Code(code), must(url.PathUnescape(told.Get("Grpc-Message")))(r.t))
}

const lookup = plumbv1.ServingService_GetOnlineFeatures_FullMethodName

// Compressed messages are inflated only for callers that may call, and for no caller beyond the limit.
func TestMessagesThatInflateBeyondTheLimitAreRefusedAndInflatedForNoStranger(t *testing.T) {
	r, tokens := guarded(t)
	bomb := frame(true, zipped(t, zeros(62<<20)))
	for name, c := range map[string]struct {
		token string
		code  codes.Code
		words string
	}{
		"nobody":   {"", codes.Unauthenticated, "token"},
		"a reader": {tokens["read"], codes.ResourceExhausted, "more than 1048576 bytes once it is inflated"},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		got := r.raw(lookup, c.token, bytes.NewReader(bomb), "Grpc-Encoding", "gzip")
		runtime.ReadMemStats(&after)
		if got.Code() != c.code || !strings.Contains(got.Message(), c.words) {
			t.Errorf("%s: got %v, want %s with %q", name, got, c.code, c.words)
		}
		if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 8<<20 {
			t.Errorf("%s: %d bytes were allocated", name, allocated)
		}
	}
}

// What a client sent is its own mistake, on each kind of method.
func TestMessagesThatCannotBeReadAreTheirSendersMistake(t *testing.T) {
	r := startShops(t)
	request := must(proto.Marshal(prices(texts("shop", "a"))))(t)
	short := zipped(t, bytes.NewReader(request))
	for name, c := range map[string]struct {
		content []byte
		words   string
	}{
		"zeros":                    {zipped(t, zeros(1<<20)), "the message cannot be read"},
		"zeros beyond the limit":   {zipped(t, zeros(1<<20+1)), "more than 1048576 bytes once it is inflated"},
		"what gzip does not make":  {request, "says that it is compressed with gzip"},
		"what gzip has not ended":  {short[:len(short)-9], "says that it is compressed with gzip"},
		"a message of other bytes": {zipped(t, strings.NewReader("\xff\xff\xff")), "the message cannot be read"},
	} {
		for _, method := range []string{
			lookup, plumbv1.ServingService_Push_FullMethodName, plumbv1.RegistryService_Plan_FullMethodName,
			"/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch",
			"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
		} {
			want := codes.InvalidArgument
			if strings.Contains(c.words, "more than") {
				want = codes.ResourceExhausted
			}
			got := r.raw(method, "", bytes.NewReader(frame(true, c.content)), "Grpc-Encoding", "gzip")
			if got.Code() != want || !strings.Contains(got.Message(), c.words) {
				t.Errorf("%s to %s: got %v", name, method, got)
			}
		}
	}
	if got := r.raw(lookup, "", bytes.NewReader(frame(true, short)), "Grpc-Encoding", "gzip"); got.Code() != codes.OK {
		t.Errorf("a message that gzip made: %v", got)
	}
}

// A look-up beyond the limit is refused when it says its size, though label rows over Flight may be larger.
func TestMessagesBeyondTheLimitOfTheirMethodAreRefusedUnread(t *testing.T) {
	r := startShops(t)
	huge := frame(false, nil)
	binary.BigEndian.PutUint32(huge[1:], 60<<20)
	for _, method := range []string{
		lookup, plumbv1.ServingService_Push_FullMethodName, plumbv1.RegistryService_Apply_FullMethodName,
		"/grpc.health.v1.Health/Watch",
	} {
		body, writer := io.Pipe() // The message has not come when it is refused.
		go func() { _, _ = writer.Write(huge) }()
		got := r.raw(method, "", body)
		if got.Code() != codes.ResourceExhausted || !strings.Contains(got.Message(), strconv.Itoa(4<<20)) {
			t.Errorf("%s: got %v", method, got)
		}
		_ = writer.Close()
	}
}

// A caller that stalls in the middle of its message, with no deadline or a late one, does not keep its place.
func TestAMessageThatDoesNotComeToItsEndLosesItsPlace(t *testing.T) {
	r := startShops(t, func(c *server.Config) { c.MaxConcurrent, c.MessageTimeout = 1, 50*time.Millisecond })
	request := frame(false, must(proto.Marshal(prices(texts("shop", "a"))))(t))
	for _, method := range []string{lookup, "/grpc.health.v1.Health/Watch"} {
		for range 3 { // There is room for two.
			body, writer := io.Pipe()
			go func() { _, _ = writer.Write(request[:len(request)-1]) }()
			if got := r.raw(method, "", body, "Grpc-Timeout", "1000H"); got.Code() != codes.Canceled {
				t.Errorf("%s: got %v", method, got)
			}
			_ = writer.Close()
		}
	}
	r.get(prices(texts("shop", "a")))
}

// Health is watched for as long as a client lives, which must not keep others from calling.
func TestThoseWhoWatchTheHealthTakeNoPlaceFromCalls(t *testing.T) {
	r := startShops(t, func(c *server.Config) { c.MaxConcurrent = 1 })
	for range 5 {
		watch := must(r.health.Watch(t.Context(), &healthpb.HealthCheckRequest{}))(t)
		must(watch.Recv())(t)
	}
	r.get(prices(texts("shop", "a")))
}
