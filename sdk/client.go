package plumb

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// DefaultTimeout bounds a call whose context has no deadline.
const DefaultTimeout = 5 * time.Second

// pingInterval is how long a connection may be silent before the client asks whether the server is still there.
const pingInterval = 30 * time.Second

// serviceConfig spreads calls over all addresses of a name, and repeats a look-up that no server could take. Nothing
// else is repeated: only the caller knows whether a push that got no answer should be sent again. Throttling keeps
// repeated calls from adding to the load of a server in trouble.
const serviceConfig = `{
	"loadBalancingConfig": [{"round_robin": {}}],
	"methodConfig": [{
		"name": [{"service": "plumb.v1.ServingService", "method": "GetOnlineFeatures"}],
		"retryPolicy": {
			"maxAttempts": 3, "initialBackoff": "0.01s", "maxBackoff": "0.1s", "backoffMultiplier": 2,
			"retryableStatusCodes": ["UNAVAILABLE"]
		}
	}],
	"retryThrottling": {"maxTokens": 10, "tokenRatio": 0.1}
}`

// Client calls one project's server. It is safe for concurrent use.
type Client struct {
	connection *grpc.ClientConn
	serving    plumbv1.ServingServiceClient
	registry   plumbv1.RegistryServiceClient
	layouts    layouts
}

// Option changes how a client connects.
type Option func(*options)

type options struct {
	tls     *tls.Config
	token   string
	timeout time.Duration
	dial    []grpc.DialOption
}

// WithTLS sets the certificates to trust and to show. The target has to be grpcs://…, which uses the system's
// certificates unless this says otherwise.
func WithTLS(config *tls.Config) Option { return func(o *options) { o.tls = config } }

// WithToken sends the bearer token with each call. It is refused for a target that is neither TLS nor this machine,
// since others could read it there.
func WithToken(token string) Option { return func(o *options) { o.token = token } }

// WithTimeout bounds each call whose context has no deadline, instead of [DefaultTimeout].
func WithTimeout(timeout time.Duration) Option { return func(o *options) { o.timeout = timeout } }

// WithDialOptions adds options of gRPC, such as interceptors that trace calls. Those see the reply to a look-up as the
// bytes that came, a *[]byte: the client decodes them itself.
func WithDialOptions(dial ...grpc.DialOption) Option {
	return func(o *options) { o.dial = append(o.dial, dial...) }
}

// Connect makes a client of the server at grpc://host:port or, over TLS, grpcs://host:port. It returns at once and
// connects with the first call, so that a service can start before its feature server does; a call fails with
// UNAVAILABLE while the server is away, and reconnecting is the client's business. The caller closes the client.
func Connect(target string, with ...Option) (*Client, error) {
	var o options
	for _, option := range with {
		option(&o)
	}
	address, transport, err := o.transport(target)
	if err != nil {
		return nil, fmt.Errorf("connect to %q: %w", target, err)
	}
	dial := []grpc.DialOption{
		grpc.WithTransportCredentials(transport),
		grpc.WithDefaultServiceConfig(serviceConfig),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: pingInterval}),
		grpc.WithUnaryInterceptor(bounded(cmp.Or(o.timeout, DefaultTimeout))),
	}
	if o.token != "" {
		dial = append(dial, grpc.WithPerRPCCredentials(bearer(o.token)))
	}
	connection, err := grpc.NewClient(address, append(dial, o.dial...)...)
	if err != nil {
		return nil, fmt.Errorf("connect to %q: %w", target, err)
	}
	return &Client{
		connection: connection,
		serving:    plumbv1.NewServingServiceClient(connection),
		registry:   plumbv1.NewRegistryServiceClient(connection),
	}, nil
}

// Close ends the connection. Calls in flight fail with CANCELED.
func (c *Client) Close() error { return c.connection.Close() }

func (o *options) transport(target string) (string, credentials.TransportCredentials, error) {
	scheme, address, found := strings.Cut(target, "://")
	host, _, err := net.SplitHostPort(address)
	switch {
	case !found || err != nil || scheme != "grpc" && scheme != "grpcs":
		return "", nil, errors.New("write grpc://host:port, or grpcs://host:port for TLS")
	case scheme == "grpcs":
		config := o.tls
		if config == nil {
			config = &tls.Config{MinVersion: tls.VersionTLS12}
		}
		return address, credentials.NewTLS(config), nil
	case o.tls != nil:
		return "", nil, errors.New("TLS is configured, so write grpcs://host:port")
	case o.token != "" && !isLoopback(host):
		return "", nil, errors.New("a token would be readable on the way; use TLS, grpcs://host:port")
	}
	return address, insecure.NewCredentials(), nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// bearer is a token that goes with each call. Whether the way is safe has been checked by then.
type bearer string

func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + string(b)}, nil
}

func (b bearer) RequireTransportSecurity() bool { return false }

// bounded gives calls without a deadline one.
func bounded(timeout time.Duration) grpc.UnaryClientInterceptor {
	return func(ctx context.Context, method string, request, reply any, connection *grpc.ClientConn,
		invoke grpc.UnaryInvoker, with ...grpc.CallOption,
	) error {
		if _, ok := ctx.Deadline(); !ok {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, timeout)
			defer cancel()
		}
		return invoke(ctx, method, request, reply, connection, with...)
	}
}
