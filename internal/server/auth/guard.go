package auth

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
)

// Config says whom a guard knows. Project, Now and Logger are required, and TokensFile or Issuer.
type Config struct {
	// Project is the one that is guarded.
	Project string
	// TokensFile is the path of the file of static tokens; empty if there are none.
	TokensFile string
	// Issuer signs JWTs; its URL is empty if there are none.
	Issuer Issuer
	Now    func() time.Time
	Logger *slog.Logger
}

// Identity is a caller that is known.
type Identity struct {
	// Name is the token's name, or the JWT's subject.
	Name string
	// Role is the one in the guarded project; None if it has none there.
	Role Role
}

// DeniedError says that a call is refused.
type DeniedError struct {
	// Known says that the caller is known and lacks the role: trying again with the same token is of no use.
	Known   bool
	Message string
}

func (e *DeniedError) Error() string { return e.Message }

// Call is what a guard decides on.
type Call struct {
	// Method is the full name of the gRPC method, as in /plumb.v1.ServingService/Push, however the call came.
	Method string
	// Authorization holds the values of the header of that name.
	Authorization []string
	// Peer is the address that the call came from, for the log.
	Peer string
}

// Guard decides on calls. It is safe for concurrent use.
type Guard struct {
	config Config
	tokens *tokens
	issuer *issuer
}

// Open makes a guard. A *fault.InputError or *spec.Problems says what is wrong with the file of tokens. An issuer
// that cannot be reached is asked again when its keys are needed.
func Open(config Config) (*Guard, error) {
	g := &Guard{config: config}
	if config.Issuer.URL != "" {
		g.issuer = newIssuer(config)
	}
	if config.TokensFile == "" {
		return g, nil
	}
	var err error
	g.tokens, err = openTokens(config.TokensFile, config.Project, config.Now, config.Logger)
	return g, err
}

// Check returns the identity of the caller. It returns a *DeniedError if the call is refused, and an error that wraps
// ErrNoKeys if it cannot be decided; either is logged.
func (g *Guard) Check(ctx context.Context, call Call) (Identity, error) {
	if isOpen(call.Method) {
		return Identity{}, nil
	}
	caller, err := g.identify(ctx, call.Authorization)
	if err == nil {
		err = g.permit(caller, call.Method)
	}
	if err != nil {
		g.config.Logger.WarnContext(ctx, "a call was refused", "method", call.Method, "peer", call.Peer,
			"caller", caller.Name, "project", g.config.Project, "reason", err.Error())
	}
	return caller, err
}

// callerKey is the key of the caller in the context of a call.
type callerKey struct{}

// WithCaller returns a context that has the caller.
func WithCaller(ctx context.Context, caller Identity) context.Context {
	return context.WithValue(ctx, callerKey{}, caller)
}

// CallerOf returns the caller, and false if no token was asked for.
func CallerOf(ctx context.Context) (Identity, bool) {
	caller, ok := ctx.Value(callerKey{}).(Identity)
	return caller, ok
}

// CheckIncoming is Check for a call over gRPC.
func (g *Guard) CheckIncoming(ctx context.Context, method string) (Identity, error) {
	call := Call{Method: method, Authorization: metadata.ValueFromIncomingContext(ctx, "authorization")}
	if from, ok := peer.FromContext(ctx); ok && from.Addr != nil {
		call.Peer = from.Addr.String()
	}
	return g.Check(ctx, call)
}

func (g *Guard) permit(caller Identity, method string) error {
	needed, known := Needs(method)
	switch {
	case !known:
		return &DeniedError{Known: true, Message: "nobody may call this method"}
	case caller.Role == None:
		return &DeniedError{Known: true, Message: fmt.Sprintf("%q has no role in project %q", caller.Name, g.config.Project)}
	case caller.Role < needed:
		return &DeniedError{Known: true, Message: fmt.Sprintf("%q has the role %s in project %q; this needs %s",
			caller.Name, caller.Role, g.config.Project, needed)}
	}
	return nil
}

// maxToken bounds a token; JWTs of known issuers take less than a quarter of it.
const maxToken = 16 << 10

func (g *Guard) identify(ctx context.Context, authorization []string) (Identity, error) {
	token, err := bearer(authorization)
	if err != nil {
		return Identity{}, err
	}
	if g.issuer != nil && looksLikeJWT(token) {
		return g.issuer.identify(ctx, token)
	}
	if g.tokens != nil {
		if caller, ok := g.tokens.find(token); ok {
			return caller, nil
		}
	}
	return Identity{}, &DeniedError{Message: "the token is not one that this server knows"}
}

func bearer(authorization []string) (string, error) {
	switch len(authorization) {
	case 0:
		return "", &DeniedError{Message: "no token came with the call; send one in the header authorization: Bearer TOKEN"}
	case 1:
	default:
		return "", &DeniedError{Message: "the header authorization came more than once; send one token"}
	}
	scheme, token, _ := strings.Cut(authorization[0], " ")
	switch {
	case !strings.EqualFold(scheme, "bearer") || token == "":
		return "", &DeniedError{Message: "the header authorization has no token; send it as authorization: Bearer TOKEN"}
	case len(token) > maxToken:
		return "", &DeniedError{Message: fmt.Sprintf("the token has %d bytes; at most %d are taken", len(token), maxToken)}
	}
	return token, nil
}

// looksLikeJWT says whether a token is of the form header.payload.signature. No static token has a dot.
func looksLikeJWT(token string) bool { return strings.Count(token, ".") == 2 }
