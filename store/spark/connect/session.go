package connect

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
)

const (
	// maxMessage bounds a message in both directions, as in Spark's own clients.
	maxMessage = 128 << 20
	// stopping is how long the server has to confirm that it has stopped or released something that nobody waits for.
	stopping = 10 * time.Second
)

// Session is a session at a Spark server. It may be used by several goroutines at a time.
type Session struct {
	*target
	connection *grpc.ClientConn
	id         string
	// observed is the server's own id of the session. A server that has started anew has another.
	observed string
	version  string
	progress func(Progress)
}

// Dial connects to a server, waits until it answers, begins a session and makes its settings.
func Dial(ctx context.Context, c Config) (*Session, error) {
	s, err := connect(c, uuid.NewString())
	if err != nil {
		return nil, err
	}
	if err := s.begin(ctx, c.settings()); err != nil {
		return nil, errors.Join(err, s.connection.Close())
	}
	return s, nil
}

// Release ends a session that another process began with the same address and user: what it runs is stopped, and its
// temporary views are dropped. It is fine if the session has ended or never was.
func Release(ctx context.Context, c Config, sessionID string) error {
	s, err := connect(c, sessionID)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	return errors.Join(s.release(ctx, grpc.WaitForReady(true)), s.connection.Close())
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
		grpc.WithUserAgent(t.agent), grpc.WithDefaultCallOptions(grpc.ForceCodec(codec{}),
			grpc.MaxCallRecvMsgSize(maxMessage), grpc.MaxCallSendMsgSize(maxMessage)))
	if err != nil {
		return nil, wrong("remote", "is not an address: %v", err)
	}
	return &Session{target: t, connection: connection, id: id}, nil
}

// begin makes the session at the server.
func (s *Session) begin(ctx context.Context, settings []keyValue) error {
	ctx, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	var about analyzePlanResponse
	request := &analyzePlanRequest{SessionID: s.id, UserContext: s.caller(), ClientType: s.agent, SparkVersion: &struct{}{}}
	if err := s.call(ctx, "AnalyzePlan", request, &about, grpc.WaitForReady(true)); err != nil {
		return err
	}
	if about.SparkVersion == nil || about.ServerSideSessionID == "" {
		return s.damaged("it does not say its version or session")
	}
	s.version, s.observed = about.SparkVersion.Version, about.ServerSideSessionID
	if len(settings) == 0 {
		return nil
	}
	set := &configRequest{SessionID: s.id, UserContext: s.caller(), ClientType: s.agent,
		ClientObservedServerSideSessionID: s.observed,
		Operation:                         &configOperation{Set: &configSet{Pairs: settings}}}
	return s.call(ctx, "Config", set, &configResponse{})
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
// whether the server answers or not.
func (s *Session) Close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopping)
	defer cancel()
	return errors.Join(s.release(ctx), s.connection.Close())
}

func (s *Session) release(ctx context.Context, options ...grpc.CallOption) error {
	request := &releaseSessionRequest{SessionID: s.id, UserContext: s.caller(), ClientType: s.agent}
	return s.call(ctx, "ReleaseSession", request, &releaseSessionResponse{}, options...)
}

func (s *Session) caller() *userContext { return &userContext{UserID: s.user, UserName: s.user} }

func (s *Session) call(ctx context.Context, method string, request, reply any, options ...grpc.CallOption) error {
	return s.explain(ctx, s.connection.Invoke(s.outgoing(ctx), service+method, request, reply, options...))
}

// outgoing adds what is sent with each call.
func (s *Session) outgoing(ctx context.Context) context.Context {
	return metadata.NewOutgoingContext(ctx, s.metadata)
}
