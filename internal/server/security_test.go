package server_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	arrowflight "github.com/apache/arrow-go/v18/arrow/flight"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"

	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/server"
	"github.com/plumbstore/plumb/internal/server/auth"
	"github.com/plumbstore/plumb/internal/server/certificates"
	"github.com/plumbstore/plumb/internal/server/certificates/certtest"
	feastserving "github.com/plumbstore/plumb/proto/feast/serving"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/duckdb"
	"github.com/plumbstore/plumb/store/storetest"
)

// newGuard is a guard of the shops that knows one token of each role, by its name, and one of another project.
func newGuard(t testing.TB, logger *slog.Logger) (guard *auth.Guard, tokens map[string]string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tokens.yaml")
	tokens = map[string]string{}
	add := func(name string, role auth.Role, project string) {
		token, hash := auth.NewToken()
		entry := auth.Entry{Name: name, Hash: hash, Role: role, Projects: []string{project}}
		if err := auth.AppendToken(disk.Real(), path, entry); err != nil {
			t.Fatal(err)
		}
		tokens[name] = token
	}
	for role := auth.Read; role <= auth.Admin; role++ {
		add(role.String(), role, "shops")
	}
	add("stranger", auth.Admin, "myshops")
	config := auth.Config{Project: "shops", TokensFile: path, Now: atNoon, Logger: logger}
	return must(auth.Open(config))(t), tokens
}

func atNoon() time.Time { return noon }

// guarded runs a server of the shops that wants tokens.
func guarded(t testing.TB, changes ...func(*server.Config)) (r *running, tokens map[string]string) {
	t.Helper()
	r = start(t, append(changes, func(c *server.Config) { c.Guard, tokens = newGuard(t, c.Logger) })...)
	r.apply(storetest.StateOf(shops()))
	r.waitFor(healthpb.HealthCheckResponse_SERVING)
	return r, tokens
}

func bearing(ctx context.Context, token string) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
}

func TestEachMethodAsksForItsRole(t *testing.T) {
	offline := must(duckdb.Open(duckdb.Config{ProjectDir: t.TempDir(), Roots: []string{"."}}))(t)
	t.Cleanup(func() { offline.Close() })
	r, tokens := guarded(t, func(c *server.Config) { c.Offline = offline })
	registered, flight := plumbv1.NewRegistryServiceClient(r.conn), arrowflight.NewFlightServiceClient(r.conn)
	project := plumbv1.NewProjectServiceClient(r.conn)
	// Each call is wrong or finds nothing, which is reported only to callers that are let in.
	for name, c := range map[string]struct {
		least auth.Role
		call  func(context.Context) error
	}{
		"look up": {auth.Read, func(ctx context.Context) error {
			_, err := r.client.GetOnlineFeatures(ctx, &plumbv1.GetOnlineFeaturesRequest{})
			return err
		}},
		"push": {auth.Write, func(ctx context.Context) error {
			_, err := r.client.Push(ctx, &plumbv1.PushRequest{})
			return err
		}},
		"read the registry": {auth.Read, func(ctx context.Context) error {
			_, err := registered.GetEntity(ctx, &plumbv1.GetEntityRequest{Name: "none"})
			return err
		}},
		"plan": {auth.Admin, func(ctx context.Context) error {
			_, err := registered.Plan(ctx, &plumbv1.PlanRequest{})
			return err
		}},
		"apply": {auth.Admin, func(ctx context.Context) error {
			_, err := registered.Apply(ctx, &plumbv1.ApplyRequest{})
			return err
		}},
		"join": {auth.Read, func(ctx context.Context) error {
			stream, err := flight.DoGet(ctx, &arrowflight.Ticket{})
			if err == nil {
				_, err = stream.Recv()
			}
			return err
		}},
		"an upload, which nobody may": {auth.Admin + 1, func(ctx context.Context) error {
			stream, err := flight.DoAction(ctx, &arrowflight.Action{Type: "anything"})
			if err == nil {
				_, err = stream.Recv()
			}
			return err
		}},
		"follow an operation": {auth.Read, func(ctx context.Context) error {
			_, err := project.GetOperation(ctx, &plumbv1.GetOperationRequest{Id: "none"})
			return err
		}},
		"watch an operation": {auth.Read, func(ctx context.Context) error {
			stream, err := project.WatchOperation(ctx, &plumbv1.WatchOperationRequest{Id: "none"})
			if err == nil {
				_, err = stream.Recv()
			}
			return err
		}},
		"list training sets": {auth.Read, func(ctx context.Context) error {
			_, err := project.ListTrainingSets(ctx, &plumbv1.ListTrainingSetsRequest{})
			return err
		}},
		"start an operation": {auth.Write, func(ctx context.Context) error {
			_, err := project.StartVerification(ctx, &plumbv1.StartVerificationRequest{})
			return err
		}},
		"start a materialization": {auth.Write, func(ctx context.Context) error {
			_, err := project.StartMaterialization(ctx, &plumbv1.StartMaterializationRequest{})
			return err
		}},
		"cancel an operation": {auth.Write, func(ctx context.Context) error {
			_, err := project.CancelOperation(ctx, &plumbv1.CancelOperationRequest{Id: "none"})
			return err
		}},
		"verify a plan": {auth.Admin, func(ctx context.Context) error {
			_, err := project.StartPlanVerification(ctx, &plumbv1.StartPlanVerificationRequest{})
			return err
		}},
		"reflection": {auth.Read, func(ctx context.Context) error {
			stream, err := reflectionpb.NewServerReflectionClient(r.conn).ServerReflectionInfo(ctx)
			if err == nil {
				err = errors.Join(stream.Send(&reflectionpb.ServerReflectionRequest{}), stream.CloseSend())
			}
			if err == nil || errors.Is(err, io.EOF) { // The call has ended already, and Recv says why.
				_, err = stream.Recv()
			}
			return err
		}},
	} {
		if err := c.call(t.Context()); status.Code(err) != codes.Unauthenticated {
			t.Errorf("%s without a token: want Unauthenticated, got %v", name, err)
		}
		if err := c.call(bearing(t.Context(), "plumb_guessed")); status.Code(err) != codes.Unauthenticated {
			t.Errorf("%s with a guess: want Unauthenticated, got %v", name, err)
		}
		if err := c.call(bearing(t.Context(), tokens["stranger"])); status.Code(err) != codes.PermissionDenied {
			t.Errorf("%s with a role in another project: want PermissionDenied, got %v", name, err)
		}
		for role := auth.Read; role <= auth.Admin; role++ {
			code := status.Code(c.call(bearing(t.Context(), tokens[role.String()])))
			if denied := code == codes.PermissionDenied || code == codes.Unauthenticated; denied != (role < c.least) {
				t.Errorf("%s as %s: %s", name, role, code)
			}
		}
	}
	if _, err := r.health.Check(t.Context(), &healthpb.HealthCheckRequest{}); err != nil {
		t.Errorf("health needs no token: %v", err)
	}
}

// A method that is added has to be thought of, or nobody can call it.
func TestEveryMethodOfOursHasItsRole(t *testing.T) {
	for _, service := range []grpc.ServiceDesc{
		plumbv1.ServingService_ServiceDesc, plumbv1.RegistryService_ServiceDesc, plumbv1.ProjectService_ServiceDesc,
		feastserving.ServingService_ServiceDesc,
	} {
		names := []string{}
		for _, method := range service.Methods {
			names = append(names, method.MethodName)
		}
		for _, stream := range service.Streams {
			names = append(names, stream.StreamName)
		}
		for _, name := range names {
			if role, ok := auth.Needs("/" + service.ServiceName + "/" + name); !ok || role == auth.None {
				t.Errorf("%s of %s needs no role", name, service.ServiceName)
			}
		}
	}
}

func TestWhoAppliedIsWhomTheTokenNames(t *testing.T) {
	var tokens map[string]string
	r := startFleet(t, func(c *server.Config) { c.Guard, tokens = newGuard(t, c.Logger) })
	ctx := bearing(t.Context(), tokens["admin"])
	for _, request := range []*plumbv1.ApplyRequest{
		{Files: fleet(planes)},
		{Files: fleet(shorterTTL), Author: "ann@laptop", AllowHazards: true},
	} {
		must(r.definitions().Apply(ctx, request))(t)
	}
	history := must(r.definitions().History(ctx, &plumbv1.HistoryRequest{}))(t)
	var by []string
	for _, revision := range history.GetRevisions() {
		by = append(by, revision.GetBy())
	}
	if want := []string{"ann@laptop as admin", "admin"}; !slices.Equal(by, want) {
		t.Errorf("the history has %q, want %q", by, want)
	}
}

func TestATokenTravelsOverTLSAloneWhereOthersReachTheServer(t *testing.T) {
	authority := certtest.NewAuthority(t)
	cert, key := authority.Issue("server")
	opened := must(certificates.Open(certificates.Files{Cert: cert, Key: key}, atNoon, slog.Default()))(t)
	guard, _ := newGuard(t, slog.Default())
	for name, c := range map[string]struct {
		config server.Config
		want   string
	}{
		"nothing":             {server.Config{}, "there is no authentication"},
		"TLS alone":           {server.Config{Certificates: opened}, "there is no authentication"},
		"tokens alone":        {server.Config{Guard: guard}, "without TLS tokens can be read on the way"},
		"both":                {server.Config{Guard: guard, Certificates: opened}, ""},
		"nothing, by request": {server.Config{Insecure: true}, ""},
	} {
		c.config.Address = "0.0.0.0:0"
		s, err := server.Listen(t.Context(), c.config)
		if err == nil {
			err = s.Close()
		}
		var input *fault.InputError
		refused := errors.As(err, &input) && strings.Contains(err.Error(), c.want)
		if c.want == "" && err != nil || c.want != "" && !refused {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
		c.config.Address = "127.0.0.1:0"
		if s, err = server.Listen(t.Context(), c.config); err != nil {
			t.Errorf("%s, on loopback: %v", name, err)
			continue
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// dial connects with the transport, and has the client send a token.
func (r *running) dial(transport credentials.TransportCredentials) plumbv1.ServingServiceClient {
	r.t.Helper()
	conn := must(grpc.NewClient(r.address, grpc.WithTransportCredentials(transport)))(r.t)
	r.t.Cleanup(func() { conn.Close() })
	return plumbv1.NewServingServiceClient(conn)
}

func TestMutualTLSIsInAdditionToTokens(t *testing.T) {
	ours, theirs := certtest.NewAuthority(t), certtest.NewAuthority(t)
	cert, key := ours.Issue("server")
	files := certificates.Files{Cert: cert, Key: key, ClientCA: ours.File}
	var tokens map[string]string
	r := start(t, func(c *server.Config) {
		c.Certificates = must(certificates.Open(files, atNoon, c.Logger))(t)
		c.Guard, tokens = newGuard(t, c.Logger)
	})
	with := func(certificates ...tls.Certificate) plumbv1.ServingServiceClient {
		return r.dial(credentials.NewTLS(&tls.Config{RootCAs: ours.Pool, Certificates: certificates, Time: atNoon}))
	}
	right := bearing(t.Context(), tokens["read"])
	for name, c := range map[string]struct {
		client plumbv1.ServingServiceClient
		ctx    context.Context
		code   codes.Code
	}{
		// It is let in, and the answer says that its request is empty.
		"both":                  {with(ours.Pair("client")), right, codes.InvalidArgument},
		"a certificate alone":   {with(ours.Pair("client")), t.Context(), codes.Unauthenticated},
		"a token alone":         {with(), right, codes.Unavailable},
		"another's certificate": {with(theirs.Pair("client")), right, codes.Unavailable},
		"neither, and no TLS":   {r.dial(insecure.NewCredentials()), t.Context(), codes.Unavailable},
		"a token, and no TLS":   {r.dial(insecure.NewCredentials()), right, codes.Unavailable},
	} {
		if _, err := c.client.GetOnlineFeatures(c.ctx, &plumbv1.GetOnlineFeaturesRequest{}); status.Code(err) != c.code {
			t.Errorf("%s: want %s, got %v", name, c.code, err)
		}
	}
}
