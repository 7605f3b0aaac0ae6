package connect

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
)

const (
	// maxMessage bounds a message in both directions, as in Spark's own clients.
	maxMessage = 128 << 20
	// longestEnd bounds how long the server has to confirm that it has stopped or released something.
	longestEnd = 10 * time.Second
	// idle is how long a connection may be silent before it is tested. Servers close one that is tested more often.
	idle = 6 * time.Minute
)

// retries is for the calls that are the same when they are done again. Streams are continued by execution.
const retries = `{"methodConfig": [{
	"name": [
		{"service": "spark.connect.SparkConnectService", "method": "AnalyzePlan"},
		{"service": "spark.connect.SparkConnectService", "method": "Config"},
		{"service": "spark.connect.SparkConnectService", "method": "ReleaseSession"}
	],
	"retryPolicy": {"maxAttempts": 5, "initialBackoff": "0.05s", "maxBackoff": "1s", "backoffMultiplier": 3,
		"retryableStatusCodes": ["UNAVAILABLE"]}
}]}`

// Session is a session at a Spark server. It may be used by several goroutines at a time.
type Session struct {
	*target
	connection *grpc.ClientConn
	id         string
	// observed is the server's own id of the session. A server that has started anew has another.
	observed string
	version  string
	// silence is how long the server may say nothing of a statement before it is asked whether it is there.
	silence  time.Duration
	progress func(Progress)
}

// Dial connects to a server, waits until it answers, begins a session and makes its settings.
func Dial(ctx context.Context, c Config) (*Session, error) {
	s, err := connect(c, uuid.NewString())
	if err != nil {
		return nil, err
	}
	if err = s.begin(ctx, c.settings()); err == nil {
		return s, nil
	}
	if s.observed != "" { // The server has the session.
		return nil, errors.Join(err, s.Close(ctx))
	}
	return nil, errors.Join(err, s.connection.Close())
}

// Release ends a session that another process began with the same address and user: what it runs is stopped, and its
// temporary views are dropped. It is fine if the session has ended or never was.
func Release(ctx context.Context, c Config, sessionID string) error {
	s, err := connect(c, sessionID)
	if err != nil {
		return err
	}
	return errors.Join(s.releaseSession(ctx, s.patience, grpc.WaitForReady(true)), s.connection.Close())
}

func connect(c Config, id string) (*Session, error) {
	t, err := c.target()
	if err != nil {
		return nil, err
	}
	transport := insecure.NewCredentials()
	if t.secure {
		transport = credentials.NewTLS(t.tls)
	}
	connection, err := grpc.NewClient("dns:///"+t.address, grpc.WithTransportCredentials(transport),
		grpc.WithUserAgent(t.agent), grpc.WithDisableServiceConfig(), grpc.WithDefaultServiceConfig(retries),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: idle, Timeout: longestEnd}),
		grpc.WithConnectParams(grpc.ConnectParams{MinConnectTimeout: longestEnd, Backoff: backoff.Config{
			BaseDelay: shortestPause, Multiplier: 2, Jitter: 0.2, MaxDelay: longestPause}}),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(codec{}), grpc.MaxCallRecvMsgSize(t.limit),
			grpc.MaxCallSendMsgSize(t.limit)))
	if err != nil {
		return nil, wrong("remote", "is not an address: %v", err)
	}
	return &Session{target: t, connection: connection, id: id, silence: t.patience}, nil
}

// begin makes the session at the server.
func (s *Session) begin(ctx context.Context, settings []keyValue) error {
	var about analyzePlanResponse
	err := s.call(ctx, s.patience, "AnalyzePlan", s.aboutServer(), &about, grpc.WaitForReady(true))
	if err != nil {
		return err
	}
	switch {
	case about.SessionID != s.id || about.SparkVersion == nil:
		return s.damaged("it does not say its version or session")
	case about.ServerSideSessionID == "": // Then a statement might run in a session that has lost its settings.
		return wrong("remote", "leads to Spark %s, which does not say when it has started anew; use a newer one",
			about.SparkVersion.Version)
	}
	s.version, s.observed = about.SparkVersion.Version, about.ServerSideSessionID
	if len(settings) == 0 {
		return nil
	}
	set := &configRequest{SessionID: s.id, UserContext: s.caller(), ClientType: s.agent,
		ClientObservedServerSideSessionID: s.observed,
		Operation:                         &configOperation{Set: &configSet{Pairs: settings}}}
	err = s.call(ctx, s.patience, "Config", set, &configResponse{})
	if said := (*Error)(nil); errors.As(err, &said) && said.Class != "" {
		return wrong("settings", "is refused by Spark: %s", said.Message)
	}
	return err
}

func (s *Session) aboutServer() *analyzePlanRequest {
	return &analyzePlanRequest{SessionID: s.id, UserContext: s.caller(), ClientType: s.agent, SparkVersion: &struct{}{},
		ClientObservedServerSideSessionID: s.observed}
}

// ID is the session's id, which is new with each Dial. Release takes it.
func (s *Session) ID() string { return s.id }

// Version is that of the server, such as 4.3.0.
func (s *Session) Version() string { return s.version }

// Watched is the same session, whose statements call progress from time to time while they run. It is called by the
// goroutine that runs the statement or reads its rows.
func (s *Session) Watched(progress func(Progress)) *Session {
	watched := *s
	watched.progress = progress
	return &watched
}

// Close releases the session: what runs in it is stopped, and its temporary views are dropped. It takes a bounded time,
// whether the server answers or not, and goes on if the context has ended.
func (s *Session) Close(ctx context.Context) error {
	return errors.Join(s.releaseSession(context.WithoutCancel(ctx), s.ending()), s.connection.Close())
}

func (s *Session) releaseSession(ctx context.Context, patience time.Duration, options ...grpc.CallOption) error {
	request := &releaseSessionRequest{SessionID: s.id, UserContext: s.caller(), ClientType: s.agent}
	return s.call(ctx, patience, "ReleaseSession", request, &releaseSessionResponse{}, options...)
}

// ending is how long the end of something may take.
func (s *Session) ending() time.Duration { return min(s.patience, longestEnd) }

func (s *Session) caller() *userContext { return &userContext{UserID: s.user, UserName: s.user} }

// call is a call with one answer, for which it waits so long.
func (s *Session) call(ctx context.Context, patience time.Duration, method string, request, reply any,
	options ...grpc.CallOption,
) error {
	bounded, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return s.explain(ctx, s.connection.Invoke(s.outgoing(bounded), service+method, request, reply, options...))
}

// outgoing adds what is sent with each call.
func (s *Session) outgoing(ctx context.Context) context.Context {
	return metadata.NewOutgoingContext(ctx, s.metadata)
}

// Run runs a statement and returns once the server has said that it is complete. What the statement returns is read and
// dropped. If the context ends, the server has stopped the statement when Run returns, unless it cannot be reached.
func (s *Session) Run(ctx context.Context, sql string) error {
	e, err := s.execute(ctx, sql)
	if err != nil {
		return err
	}
	defer e.close()
	for {
		response, err := e.next()
		if err != nil {
			return err
		}
		if response.ResultComplete != nil {
			return nil
		}
		if response.ArrowBatch != nil {
			e.received()
		}
	}
}
