// Package server answers online look-ups over gRPC and HTTP and training jobs over Arrow Flight, and reads and changes
// the registry for its clients.
//
// A server reads the registry once per revision, not per request: it holds an immutable snapshot with ready-made
// look-up plans, asks the registry at intervals whether the revision moved, and swaps the snapshot when it did. If the
// registry cannot be reached, that is logged and the snapshot becomes stale; the server goes on with what it knows. If
// the online store cannot be reached, the server is not ready until it answers again. Condition reports both.
//
// A server is started in two steps, so that the caller can find out where it listens: Listen binds the address, Serve
// answers until its context is done and then drains.
//
// A call over gRPC passes these in order, so that nothing is done for a caller before it is known to be allowed:
//
//   - admit.go checks the caller and that there is room, before a byte of the message is read.
//   - arrival.go bounds how long the message may take, inflate.go what it may become if it is compressed.
//   - intercept.go sets a deadline, checks the fields of the message, and turns a panic into an error.
//   - A service answers: serving.go and push.go, definitions.go and apply.go, project.go and what it names. Look-ups
//     and pushes are counted, and refused beyond MaxConcurrent (limit.go).
//   - errors.go turns an error into a status.
//
// A call over HTTP is checked by the same interceptor (http.go), so that permissions, limits and errors are the same.
package server

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"time"

	"buf.build/go/protovalidate"
	arrowflight "github.com/apache/arrow-go/v18/arrow/flight/gen/flight"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"

	"github.com/plumbstore/plumb/audit/auditlog"
	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/background"
	"github.com/plumbstore/plumb/internal/lineage"
	"github.com/plumbstore/plumb/internal/operations"
	"github.com/plumbstore/plumb/internal/server/auth"
	"github.com/plumbstore/plumb/internal/server/certificates"
	"github.com/plumbstore/plumb/internal/server/feast"
	"github.com/plumbstore/plumb/internal/server/flight"
	"github.com/plumbstore/plumb/internal/telemetry"
	"github.com/plumbstore/plumb/materialize"
	feastserving "github.com/plumbstore/plumb/proto/feast/serving"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/push"
	"github.com/plumbstore/plumb/registry"
	"github.com/plumbstore/plumb/registry/spec"
	"github.com/plumbstore/plumb/store/online"
)

// pingInterval is how often a client may ask whether the connection still stands, idle ones too. The default of five
// minutes cuts off clients behind load balancers, which forget idle connections sooner.
const pingInterval = 10 * time.Second

// goneInterval is after how much silence a client is asked whether it is still there, and how long its answer is waited
// for. One whose machine is gone would otherwise keep its join.
const goneInterval = 30 * time.Second

// arrivals is how many calls may arrive for each that is answered: beyond that they are refused unread.
const arrivals = 2

// streamWorkers are goroutines that keep the stacks which calls have grown. If all are busy a call gets one of its own.
const streamWorkers = 32

// Ledger is what a server needs of a registry.Ledger.
type Ledger interface {
	materialize.Records
	Progress(ctx context.Context, project string) (map[string]registry.Progress, error)
}

// Config says what a server serves, where, and within which bounds. Project, Registry, Online, Address and Now are
// required; the owner of Registry, Online and Offline closes them once Serve has returned. Every bound has a default
// that applies if it is zero.
type Config struct {
	Project  string
	Registry registry.Registry
	Online   online.Store
	// Ledger has what was materialized: the log names the views that never were, and the server notices if the online
	// store has lost their rows. If nil, it does neither.
	Ledger Ledger
	// UseCases and LongUseCases answer ProjectService. Those that are nil are not implemented.
	UseCases     UseCases
	LongUseCases LongUseCases
	// Operations bounds those that run LongUseCases.
	Operations operations.Limits
	// OperationTicks says when the progress of an operation is sent to those that watch it; if nil, each second.
	OperationTicks <-chan time.Time
	// Inspector looks into the sources of definitions that clients plan or apply, one plan at a time. If nil, sources are
	// accepted without being inspected.
	Inspector spec.Inspector
	// Offline is what Arrow Flight joins with. If it is nil, Flight is not served.
	Offline flight.Engine
	// Pusher takes the rows that clients push. If nil, one is made that writes to Online, with the default clock skew and
	// retention.
	Pusher *push.Pusher
	// ReadOnly refuses Apply and Push.
	ReadOnly bool
	// Address is host:port; port 0 picks a free one.
	Address string
	// FlightAddress is a second one, for clients that know Flight by a port of its own; may be empty. Both addresses
	// answer every service.
	FlightAddress string
	// HTTPAddress is where HTTP is answered; empty if it is not.
	HTTPAddress string
	// FeastAddress is where the HTTP API of Feast's feature server is answered. If it is empty, none of Feast's protocols
	// is; otherwise, those of gRPC are answered at the other addresses.
	FeastAddress string
	// Version is that of the program, which clients of Feast may ask for.
	Version string
	// Hosts are the names that HTTP is asked by, besides loopback and the address itself; "*" for any.
	Hosts []string
	// Certificates are what every address speaks TLS with; nil for none.
	Certificates *certificates.Certificates
	// Guard decides which caller may call what. If it is nil everybody may call everything: read features, and apply
	// definitions unless ReadOnly is set.
	Guard *auth.Guard
	// Insecure allows an address that is not loopback without Certificates or Guard.
	Insecure bool
	// Now is the clock that ttl is evaluated at if a request names no instant (R2).
	Now func() time.Time
	// RefreshInterval is how often to ask the registry for its revision and the store whether it is there: 1 s. If Refresh
	// is not nil, it says when instead.
	RefreshInterval time.Duration
	Refresh         <-chan time.Time
	Logger          *slog.Logger
	// Metrics count what is answered; if nil, nobody reads them.
	Metrics *telemetry.Metrics
	// Audit logs what look-ups are answered with; if nil, nothing is logged. Its owner runs it, beyond the end of Serve.
	Audit *auditlog.Recorder
	// Tracing makes the spans of calls; if nil, there are none.
	Tracing trace.TracerProvider
	// AdminAddress, if set, answers Prometheus and profilers over HTTP.
	AdminAddress string

	// MaxConcurrent bounds the look-ups and pushes that are answered at a time: 1024. Those beyond it are refused with
	// RESOURCE_EXHAUSTED.
	MaxConcurrent int
	// MaxRows bounds the rows of one request: 10,000.
	MaxRows int
	// MaxRequestBytes and MaxResponseBytes bound messages: 4 MiB and 64 MiB. Label rows over Flight have a bound of their
	// own.
	MaxRequestBytes, MaxResponseBytes int
	// Joins bounds what is joined over Flight.
	Joins flight.Limits
	// Manifests makes the manifests that joins over Flight are asked for; if nil, none is made.
	Manifests *flight.Manifests
	// Lineage records each join; nil records nothing.
	Lineage *lineage.Recorder
	// JoinTicks says when a join sends its progress; if nil, each second.
	JoinTicks <-chan time.Time
	// Timeout bounds a call whose client sets no deadline, but for a join: 5 s. PlanTimeout does so for Plan, Apply and
	// StartPlanVerification, which look into sources, and for ListTrainingSets: 2 min. GetOperation has as long besides as
	// it may wait.
	Timeout, PlanTimeout time.Duration
	// MessageTimeout bounds how long the message of a call may take to come, whatever its client's deadline: 30 s.
	MessageTimeout time.Duration
	// DrainTimeout bounds how long calls in flight are waited for at the end: 10 s.
	DrainTimeout time.Duration
}

func (c Config) withDefaults() Config {
	c.RefreshInterval = cmp.Or(c.RefreshInterval, time.Second)
	c.MaxConcurrent = cmp.Or(c.MaxConcurrent, 1024)
	c.MaxRows = cmp.Or(c.MaxRows, 10_000)
	c.MaxRequestBytes = cmp.Or(c.MaxRequestBytes, 4<<20)
	c.MaxResponseBytes = cmp.Or(c.MaxResponseBytes, 64<<20)
	c.Timeout = cmp.Or(c.Timeout, 5*time.Second)
	c.PlanTimeout = cmp.Or(c.PlanTimeout, 2*time.Minute)
	c.MessageTimeout = cmp.Or(c.MessageTimeout, bodyTime)
	c.DrainTimeout = cmp.Or(c.DrainTimeout, 10*time.Second)
	c.Logger = cmp.Or(c.Logger, slog.Default())
	if c.Metrics == nil {
		c.Metrics = telemetry.New(c.Now)
	}
	if c.Pusher == nil {
		c.Pusher = push.New(push.Config{
			Online: c.Online, Now: c.Now, ClockSkew: push.DefaultClockSkew,
		})
	}
	return c
}

// Server serves one project.
type Server struct {
	config Config
	// listeners are for Address and, if there is one, FlightAddress.
	listeners []net.Listener
	admin     *admin
	grpc      *grpc.Server
	// web and feast are nil if they are not served.
	web, feast *web
	health     *health.Server
	validator  protovalidate.Validator
	following  *follower
	limit      limiter
	// arriving counts the calls whose message may be in memory.
	arriving   limiter
	operations *operations.Operations
	// watching counts the calls that wait for what operations do.
	watching limiter
	// draining is done once streams, which have no end of their own, must end.
	draining   context.Context
	endStreams context.CancelFunc
}

// Listen binds the addresses. It returns a *fault.InputError for an address that is none, or that is not loopback
// while Insecure is not set. The caller calls Serve or Close.
func Listen(ctx context.Context, config Config) (*Server, error) {
	config = config.withDefaults()
	validator, err := protovalidate.New(protovalidate.WithMessages(&plumbv1.GetOnlineFeaturesRequest{}))
	if err != nil {
		return nil, err
	}
	listeners, err := listenAll(ctx, config)
	if err != nil {
		return nil, err
	}
	admin, err := listenAdmin(ctx, config)
	if err != nil {
		return nil, errors.Join(err, closeAll(listeners))
	}
	s := &Server{config: config, listeners: listeners, admin: admin, health: health.NewServer(), validator: validator}
	s.draining, s.endStreams = context.WithCancel(context.Background())
	s.following, s.limit.most = newFollower(config), int64(config.MaxConcurrent)
	s.arriving.most, s.watching.most = arrivals*int64(config.MaxConcurrent), int64(config.MaxConcurrent)
	s.operations = operations.New(operations.Config{
		Limits: config.Operations, Now: config.Now, Explain: s.explain, Logger: config.Logger,
	})
	config.Metrics.RegisterRegistry(s.revision, s.stale)
	config.Metrics.RegisterLosses(s.lost)
	s.grpc = grpc.NewServer(append(config.observed(),
		s.credentials(),
		grpc.InTapHandle(s.admit),
		grpc.ForceServerCodecV2(newCodec()),
		grpc.MaxRecvMsgSize(config.MaxRequestBytes),
		grpc.MaxSendMsgSize(config.MaxResponseBytes),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: pingInterval, PermitWithoutStream: true}),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: goneInterval, Timeout: goneInterval}),
		grpc.NumStreamWorkers(streamWorkers),
		grpc.WaitForHandlers(true), // Once Serve has returned, the stores may be closed.
		grpc.UnaryInterceptor(s.interceptUnary),
		grpc.StreamInterceptor(s.interceptStream),
	)...)
	service, definitions := &serving{server: s}, newDefinitions(s)
	cases := newUseCases(s, definitions)
	s.register(service, definitions, cases)
	if err := errors.Join(s.listenHTTP(ctx, service, definitions, cases), s.listenFeast(ctx, service)); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.setHealth(healthpb.HealthCheckResponse_NOT_SERVING)
	// What has to be applied before there is something to serve is applied through this one.
	s.health.SetServingStatus(plumbv1.RegistryService_ServiceDesc.ServiceName, healthpb.HealthCheckResponse_SERVING)
	s.health.SetServingStatus(plumbv1.ProjectService_ServiceDesc.ServiceName, healthpb.HealthCheckResponse_SERVING)
	return s, nil
}

// register makes the services known.
func (s *Server) register(service *serving, definitions *definitions, cases *useCases) {
	to := tolerant{s.grpc}
	to.RegisterService(servingDesc(), service)
	plumbv1.RegisterRegistryServiceServer(to, definitions)
	plumbv1.RegisterProjectServiceServer(to, cases)
	if s.config.Offline != nil {
		arrowflight.RegisterFlightServiceServer(to, flight.New(flight.Config{
			Engine:     s.config.Offline,
			Snapshot:   s.snapshot,
			Validator:  s.validator,
			Now:        s.config.Now,
			Limits:     s.config.Joins,
			Manifests:  s.config.Manifests,
			Lineage:    s.config.Lineage,
			MaxMessage: s.config.MaxResponseBytes,
			Ticks:      s.config.JoinTicks,
		}))
	}
	if s.config.FeastAddress != "" {
		answering := &backend{Server: s, service: service}
		feastserving.RegisterServingServiceServer(to, feast.NewServing(answering, s.config.Version))
	}
	healthpb.RegisterHealthServer(to, s.health)
	reflection.Register(to)
}

// snapshot is the newest revision that the server has seen.
func (s *Server) snapshot() (*feature.Snapshot, error) {
	current, err := s.following.served()
	if err != nil {
		return nil, err
	}
	return current.snapshot, nil
}

// revision is that of the snapshot which is served; 0 if there is none.
func (s *Server) revision() int64 {
	if e := s.following.newest.Load(); e != nil {
		return e.snapshot.Revision
	}
	return 0
}

// stale says whether the registry cannot be read now.
func (s *Server) stale() bool { return s.Condition().StaleSince != nil }

// lost are the views of which the online store has lost rows.
func (s *Server) lost() []string {
	current := s.Condition()
	return slices.Concat(current.LostRows, current.LostRuns)
}

// Address is where the server listens, with the actual port.
func (s *Server) Address() string { return s.listeners[0].Addr().String() }

// FlightAddress is where Flight clients are expected: FlightAddress of the configuration, or else Address. It is empty
// if Flight is not served.
func (s *Server) FlightAddress() string {
	if s.config.Offline == nil {
		return ""
	}
	return s.listeners[len(s.listeners)-1].Addr().String()
}

// Close releases the addresses of a server that is not to serve after all.
func (s *Server) Close() error {
	s.endStreams()
	s.operations.Close()
	s.grpc.Stop()
	listeners := slices.Clone(s.listeners)
	for _, web := range s.webs() {
		listeners = append(listeners, web.listener)
	}
	return errors.Join(closeAll(listeners), s.admin.close())
}

// Serve answers calls until ctx is done. Then it reports itself as not serving, takes no more calls, waits for those in
// flight up to DrainTimeout, and cuts off what is left. It cancels operations, and waits until they have removed what
// they made. Operators are answered, and the registry is followed, until that is over. Serve returns nil after that, or
// the fault that ended it.
func (s *Server) Serve(ctx context.Context) error {
	return background.Run(ctx,
		background.Service{Name: "the admin address", Run: s.admin.serve},
		background.Service{Name: "following the registry", Run: s.follow},
		background.Service{Name: "answering calls", Run: s.answerCalls, Patience: s.config.DrainTimeout + time.Minute},
	)
}

func (s *Server) follow(ctx context.Context) error {
	s.following.run(ctx, s.setReady)
	return nil
}

// answerCalls answers calls until ctx is done, and then drains.
func (s *Server) answerCalls(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, listener := range s.listeners {
		group.Go(func() error { return s.accept(listener) })
	}
	for _, web := range s.webs() {
		group.Go(web.accept)
	}
	group.Go(func() error { <-ctx.Done(); s.drain(); return nil })
	return group.Wait()
}

func (s *Server) accept(listener net.Listener) error {
	err := s.grpc.Serve(listener)
	if errors.Is(err, grpc.ErrServerStopped) { // It was drained before it had begun.
		return nil
	}
	return err
}
