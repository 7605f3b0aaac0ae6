package auth

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// DefaultRoleClaim is the claim that roles are read from by default.
const DefaultRoleClaim = "plumb_roles"

// Issuer is an OpenID Connect issuer.
type Issuer struct {
	// URL is what the claim iss has to be, and the address at which the issuer is discovered.
	URL string
	// Audience has to be among the claim aud.
	Audience string
	// KeysURL is where the issuer's keys are (JWKS); empty to discover it.
	KeysURL string
	// RoleClaim holds the roles: a list, or text with spaces in between, of PROJECT:ROLE. Empty: DefaultRoleClaim.
	RoleClaim string
	// Client asks for the keys; nil for one that only connects to what issuerurl allows.
	Client *http.Client
}

// leeway is how far the clocks of the issuer and of this server may be apart.
const leeway = 30 * time.Second

// maxSubject is what OpenID Connect allows a subject to be, in bytes.
const maxSubject = 255

// algorithms are those of public keys. A symmetric algorithm would let anyone with the public key sign, and the
// algorithm none needs no key at all.
var algorithms = []jose.SignatureAlgorithm{
	jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512, jose.ES256, jose.ES384, jose.ES512, jose.EdDSA,
}

// issuer judges JWTs.
type issuer struct {
	Issuer
	project string
	now     func() time.Time
	keys    *keySet
	judged  *judged
}

func newIssuer(config Config) *issuer {
	i := &issuer{Issuer: config.Issuer, project: config.Project, now: config.Now, judged: newJudged()}
	i.RoleClaim = cmp.Or(i.RoleClaim, DefaultRoleClaim)
	i.keys = newKeySet(i.Issuer, config.Now, config.Logger)
	return i
}

// identify returns whose token it is.
func (i *issuer) identify(ctx context.Context, token string) (Identity, error) {
	hash := sha256.Sum256([]byte(token))
	now := i.now()
	if caller, ok := i.judged.find(hash, now); ok {
		return caller, nil
	}
	parsed, err := jwt.ParseSigned(token, algorithms)
	if err != nil {
		return Identity{}, &DeniedError{Message: "the token is no JWT that is signed with a public key's algorithm"}
	}
	var claims jwt.Claims
	var others map[string]any
	if err := i.verify(ctx, parsed, &claims, &others); err != nil {
		return Identity{}, err
	}
	caller := Identity{Name: claims.Subject, Role: roleIn(i.project, others[i.RoleClaim])}
	if err := i.validate(claims, now); err != nil {
		return caller, err
	}
	i.judged.keep(hash, caller, now, claims.Expiry.Time())
	return caller, nil
}

// verify checks the signature, and reads the claims.
func (i *issuer) verify(ctx context.Context, token *jwt.JSONWebToken, claims ...any) error {
	header := token.Headers[0] // ParseSigned takes no other number of them.
	keys, err := i.keys.find(ctx, header.KeyID)
	if err != nil {
		return err
	}
	for _, key := range keys {
		if key.Algorithm != "" && key.Algorithm != header.Algorithm {
			continue
		}
		if err := token.Claims(key.Key, claims...); err == nil {
			return nil
		}
	}
	return &DeniedError{Message: "the token is not signed with a key of " + i.URL}
}

// validate holds the claims of a token, whose signature is right, against what is wanted of them.
func (i *issuer) validate(claims jwt.Claims, now time.Time) error {
	subject := claims.Subject
	if subject == "" || len(subject) > maxSubject || strings.ContainsFunc(subject, unicode.IsControl) {
		return &DeniedError{Message: "the token has no sub that says whose it is in printable text"}
	}
	if claims.Expiry == nil {
		return &DeniedError{Message: "the token has no exp; one that never expires is not taken"}
	}
	err := claims.ValidateWithLeeway(jwt.Expected{Issuer: i.URL, AnyAudience: jwt.Audience{i.Audience}, Time: now}, leeway)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, jwt.ErrExpired):
		return &DeniedError{Message: "the token has expired at " + claims.Expiry.Time().UTC().Format(time.RFC3339)}
	case errors.Is(err, jwt.ErrNotValidYet), errors.Is(err, jwt.ErrIssuedInTheFuture):
		return &DeniedError{Message: "the token is not valid yet"}
	case errors.Is(err, jwt.ErrInvalidIssuer):
		return &DeniedError{Message: "the token is not issued by " + i.URL}
	case errors.Is(err, jwt.ErrInvalidAudience):
		return &DeniedError{Message: fmt.Sprintf("the token is not meant for %q", i.Audience)}
	}
	return &DeniedError{Message: "the token's claims are not valid"}
}

// roleIn is the greatest role that a claim gives in a project. What it does not understand gives none.
func roleIn(project string, claim any) Role {
	var grants []string
	switch claim := claim.(type) {
	case string:
		grants = strings.Fields(claim)
	case []any:
		for _, each := range claim {
			if grant, ok := each.(string); ok {
				grants = append(grants, grant)
			}
		}
	}
	greatest := None
	for role := Read; role <= Admin; role++ {
		if slices.Contains(grants, project+":"+role.String()) {
			greatest = role
		}
	}
	return greatest
}
