package auth_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/server/auth"
)

var noon = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

func clock() time.Time { return noon }

const (
	lookUp = "/plumb.v1.ServingService/GetOnlineFeatures"
	push   = "/plumb.v1.ServingService/Push"
	apply  = "/plumb.v1.RegistryService/Apply"
	plan   = "/plumb.v1.RegistryService/Plan"
)

// provider is an issuer over real HTTPS, and a guard that trusts it.
type provider struct {
	t      testing.TB
	server *httptest.Server
	mu     sync.Mutex
	keys   []jose.JSONWebKey
	asked  atomic.Int32
	away   atomic.Bool
	time   time.Time
	guard  *auth.Guard
	log    bytes.Buffer
}

func newProvider(t testing.TB, changes ...func(*auth.Issuer)) *provider {
	p := &provider{t: t, time: noon}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		p.answer(w, map[string]string{"issuer": p.server.URL, "jwks_uri": p.server.URL + "/keys"})
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		p.asked.Add(1)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.answer(w, map[string]any{"keys": p.keys})
	})
	p.server = httptest.NewTLSServer(mux)
	t.Cleanup(p.server.Close)
	issuer := auth.Issuer{URL: p.server.URL, Audience: "plumb", Client: p.server.Client()}
	for _, change := range changes {
		change(&issuer)
	}
	guard, err := auth.Open(auth.Config{
		Project: "shops", Issuer: issuer, Now: func() time.Time { return p.time },
		Logger: slog.New(slog.NewTextHandler(&p.log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	p.guard = guard
	return p
}

func (p *provider) answer(w http.ResponseWriter, document any) {
	if p.away.Load() {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(document)
}

// publish makes the public halves of signing keys those of the issuer.
func (p *provider) publish(keys ...jose.JSONWebKey) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys = nil
	for _, key := range keys {
		p.keys = append(p.keys, key.Public())
	}
}

func rsaKey(t testing.TB, id string) jose.JSONWebKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return jose.JSONWebKey{Key: key, KeyID: id, Algorithm: "RS256", Use: "sig"}
}

func ecKey(t testing.TB, id string) jose.JSONWebKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return jose.JSONWebKey{Key: key, KeyID: id, Algorithm: "ES256"}
}

// claims are right ones, with changes; nil takes a claim out.
func (p *provider) claims(changes map[string]any) map[string]any {
	claims := map[string]any{
		"iss": p.server.URL, "aud": []string{"others", "plumb"}, "sub": "trainer", "exp": noon.Add(time.Hour).Unix(),
		"nbf": noon.Unix(), "iat": noon.Unix(), "plumb_roles": []string{"shops:read"},
	}
	maps.Copy(claims, changes)
	maps.DeleteFunc(claims, func(_ string, value any) bool { return value == nil })
	return claims
}

func (p *provider) token(key jose.JSONWebKey, changes map[string]any) string {
	p.t.Helper()
	signing := jose.SigningKey{Algorithm: jose.SignatureAlgorithm(key.Algorithm), Key: key}
	signer, err := jose.NewSigner(signing, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	token, err := jwt.Signed(signer).Claims(p.claims(changes)).Serialize()
	if err != nil {
		p.t.Fatal(err)
	}
	return token
}

func (p *provider) check(method, token string) (auth.Identity, error) {
	return p.guard.Check(p.t.Context(), auth.Call{
		Method: method, Authorization: []string{"Bearer " + token}, Peer: "192.0.2.7:555",
	})
}

// isDenied says whether an error is a denial of this kind with these words.
func isDenied(err error, known bool, words string) bool {
	denied, ok := errors.AsType[*auth.DeniedError](err)
	return ok && denied.Known == known && strings.Contains(denied.Message, words)
}

func TestTokensOfTheIssuerGiveTheRolesOfTheirClaim(t *testing.T) {
	p := newProvider(t)
	rs, es := rsaKey(t, "r1"), ecKey(t, "e1")
	p.publish(rs, es)
	for name, c := range map[string]struct {
		roles any
		want  auth.Role
	}{
		"a list":             {[]string{"shops:read"}, auth.Read},
		"the greatest":       {[]string{"shops:read", "shops:admin", "shops:write"}, auth.Admin},
		"text":               {"other:admin shops:write", auth.Write},
		"another project":    {[]string{"test:admin", "myshops:admin", "shops2:admin"}, auth.None},
		"no role of ours":    {[]string{"shops:owner", "shops:", "shops", "admin", "shops:none"}, auth.None},
		"numbers":            {[]any{1, map[string]any{"shops": "admin"}}, auth.None},
		"no claim":           {nil, auth.None},
		"a claim of no text": {map[string]any{"shops": "admin"}, auth.None},
	} {
		for _, key := range []jose.JSONWebKey{rs, es} {
			caller, err := p.check(lookUp, p.token(key, map[string]any{"plumb_roles": c.roles}))
			if caller.Role != c.want || caller.Name != "trainer" {
				t.Errorf("%s with %s: got %+v, want role %s", name, key.Algorithm, caller, c.want)
			}
			if c.want == auth.None != isDenied(err, true, `no role in project "shops"`) {
				t.Errorf("%s with %s: %v", name, key.Algorithm, err)
			}
		}
	}
	if got := p.asked.Load(); got != 1 {
		t.Errorf("the issuer was asked for its keys %d times", got)
	}
}

func TestTheRoleClaimCanBeNamed(t *testing.T) {
	p := newProvider(t, func(i *auth.Issuer) { i.RoleClaim = "https://example.com/roles" })
	key := ecKey(t, "e1")
	p.publish(key)
	token := p.token(key, map[string]any{
		"plumb_roles": "shops:admin", "https://example.com/roles": []string{"shops:write"},
	})
	if caller, err := p.check(push, token); err != nil || caller.Role != auth.Write {
		t.Errorf("got %+v, %v", caller, err)
	}
}

func TestTokensOutsideOfTheirTimeOrPurposeAreRefused(t *testing.T) {
	p := newProvider(t)
	key := rsaKey(t, "r1")
	p.publish(key)
	at := func(d time.Duration) int64 { return noon.Add(d).Unix() }
	for name, c := range map[string]struct {
		changes map[string]any
		words   string
	}{
		"expired":                  {map[string]any{"exp": at(-31 * time.Second)}, "expired at 2026-03-01T11:59:29Z"},
		"expired within leeway":    {map[string]any{"exp": at(-29 * time.Second)}, ""},
		"without expiry":           {map[string]any{"exp": nil}, "no exp"},
		"not valid yet":            {map[string]any{"nbf": at(31 * time.Second)}, "not valid yet"},
		"valid yet within leeway":  {map[string]any{"nbf": at(29 * time.Second)}, ""},
		"issued in the future":     {map[string]any{"iat": at(time.Minute)}, "not valid yet"},
		"of another issuer":        {map[string]any{"iss": "https://login.example.com"}, "not issued by"},
		"of no issuer":             {map[string]any{"iss": nil}, "not issued by"},
		"for another audience":     {map[string]any{"aud": "others"}, `not meant for "plumb"`},
		"for no audience":          {map[string]any{"aud": nil}, `not meant for "plumb"`},
		"for this one audience":    {map[string]any{"aud": "plumb"}, ""},
		"of nobody":                {map[string]any{"sub": nil}, "no sub"},
		"of a terminal's colours":  {map[string]any{"sub": "ann\x1b[31m"}, "no sub"},
		"of a long subject":        {map[string]any{"sub": strings.Repeat("a", 256)}, "no sub"},
		"with an expiry of a text": {map[string]any{"exp": "tomorrow"}, "not signed with"},
	} {
		_, err := p.check(lookUp, p.token(key, c.changes))
		if c.words == "" && err != nil || c.words != "" && !isDenied(err, false, c.words) {
			t.Errorf("%s: got %v, want %q", name, err, c.words)
		}
	}
}

func TestATokenThatWasRightIsRefusedOnceItHasExpired(t *testing.T) {
	p := newProvider(t)
	key := ecKey(t, "e1")
	p.publish(key)
	token := p.token(key, map[string]any{"exp": noon.Add(2 * time.Minute).Unix()})
	for _, after := range []time.Duration{0, time.Minute, 2 * time.Minute, 150 * time.Second} {
		p.time = noon.Add(after)
		if _, err := p.check(lookUp, token); err != nil {
			t.Errorf("after %s: %v", after, err)
		}
	}
	p.time = noon.Add(151 * time.Second)
	if _, err := p.check(lookUp, token); !isDenied(err, false, "expired") {
		t.Errorf("past its expiry: %v", err)
	}
}

func encoded(t *testing.T, part any) string {
	text, err := json.Marshal(part)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

func TestForgedTokensAreRefused(t *testing.T) {
	p := newProvider(t)
	ours, theirs := rsaKey(t, "r1"), rsaKey(t, "r1")
	p.publish(ours)
	right := p.token(ours, nil)
	parts := strings.Split(right, ".")
	admin := encoded(t, p.claims(map[string]any{"plumb_roles": "shops:admin"}))
	unsigned := encoded(t, map[string]string{"alg": "none", "kid": "r1"}) + "." + admin
	public, err := x509.MarshalPKIXPublicKey(ours.Public().Key)
	if err != nil {
		t.Fatal(err)
	}
	hs256 := encoded(t, map[string]string{"alg": "HS256", "kid": "r1", "typ": "JWT"}) + "." + admin
	signed := func(secret []byte) string {
		sum := hmac.New(sha256.New, secret)
		sum.Write([]byte(hs256))
		return hs256 + "." + base64.RawURLEncoding.EncodeToString(sum.Sum(nil))
	}
	embedded := encoded(t, map[string]any{"alg": "RS256", "kid": "r1", "jwk": theirs.Public()}) + "." + admin
	digest := sha256.Sum256([]byte(embedded))
	signature, err := rsa.SignPKCS1v15(rand.Reader, theirs.Key.(*rsa.PrivateKey), crypto.SHA256, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	for name, token := range map[string]string{
		"alg none":                     unsigned + ".",
		"alg none with a signature":    unsigned + "." + parts[2],
		"HS256 with the public key":    signed(public),
		"HS256 with its PEM":           signed(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})),
		"another key under this id":    p.token(theirs, map[string]any{"plumb_roles": "shops:admin"}),
		"other claims, same signature": parts[0] + "." + admin + "." + parts[2],
		"no signature":                 parts[0] + "." + parts[1] + ".",
		"a key that it brings along":   embedded + "." + base64.RawURLEncoding.EncodeToString(signature),
		"noise":                        "a.b.c",
		"dots":                         "..",
	} {
		if caller, err := p.check(lookUp, token); !isDenied(err, false, "") || caller != (auth.Identity{}) {
			t.Errorf("%s: got %+v, %v", name, caller, err)
		}
	}
	for _, secret := range []string{right, parts[2], admin} {
		if strings.Contains(p.log.String(), secret) {
			t.Error("the log has a part of a token")
		}
	}
	if _, err := p.check(lookUp, right); err != nil {
		t.Errorf("the right one: %v", err)
	}
}

func TestAnUnknownKeyIsAskedForButNotMoreOftenThanInPauses(t *testing.T) {
	p := newProvider(t)
	first, second := ecKey(t, "1"), ecKey(t, "2")
	p.publish(first)
	if _, err := p.check(lookUp, p.token(first, nil)); err != nil {
		t.Fatal(err)
	}
	p.time = noon.Add(11 * time.Second)
	for range 20 {
		if _, err := p.check(lookUp, p.token(ecKey(t, rand.Text()), nil)); !isDenied(err, false, "does not have") {
			t.Fatalf("an unknown key: %v", err)
		}
	}
	if got := p.asked.Load(); got != 2 {
		t.Errorf("20 tokens with unknown keys made it ask %d times, want twice", got)
	}
	p.publish(second)
	if _, err := p.check(lookUp, p.token(second, nil)); !isDenied(err, false, "does not have") {
		t.Errorf("within the pause: %v", err)
	}
	p.time = noon.Add(22 * time.Second)
	if _, err := p.check(lookUp, p.token(second, nil)); err != nil {
		t.Errorf("a new key after the pause: %v", err)
	}
	if _, err := p.check(lookUp, p.token(first, map[string]any{"sub": "other"})); !isDenied(err, false, "does not have") {
		t.Errorf("a key that was withdrawn: %v", err)
	}
}

func TestWhileTheIssuerIsAwayKnownKeysHoldAndOthersAreUnavailable(t *testing.T) {
	p := newProvider(t)
	known, unknown := ecKey(t, "1"), ecKey(t, "2")
	p.publish(known)
	p.away.Store(true)
	if _, err := p.check(lookUp, p.token(known, nil)); !errors.Is(err, fault.ErrUnavailable) {
		t.Errorf("before any key is known: want unavailable, got %v", err)
	}
	p.away.Store(false)
	p.time = noon.Add(10 * time.Second)
	if _, err := p.check(lookUp, p.token(known, nil)); err != nil {
		t.Errorf("back again: %v", err)
	}
	p.away.Store(true)
	p.time = noon.Add(20 * time.Minute)
	if _, err := p.check(lookUp, p.token(known, map[string]any{"sub": "other"})); err != nil {
		t.Errorf("a known key: %v", err)
	}
	if _, err := p.check(lookUp, p.token(unknown, nil)); !errors.Is(err, fault.ErrUnavailable) {
		t.Errorf("an unknown key: want unavailable, got %v", err)
	}
	if log := p.log.String(); !strings.Contains(log, "502") {
		t.Errorf("the log does not say what the issuer answered: %s", log)
	}
}

func TestACallThatGivesUpDoesNotWaitForTheIssuer(t *testing.T) {
	p := newProvider(t)
	p.publish(ecKey(t, "1"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := p.guard.Check(ctx, auth.Call{
		Method: lookUp, Authorization: []string{"Bearer " + p.token(ecKey(t, "2"), nil)},
	})
	if !errors.Is(err, context.Canceled) && !isDenied(err, false, "does not have") {
		t.Errorf("want that it was cancelled, got %v", err)
	}
}

func TestAnotherIssuersDocumentIsNotBelieved(t *testing.T) {
	p := newProvider(t, func(i *auth.Issuer) { i.URL += "/tenant/.." })
	key := ecKey(t, "1")
	p.publish(key)
	_, err := p.check(lookUp, p.token(key, nil))
	if !errors.Is(err, fault.ErrUnavailable) || !strings.Contains(err.Error(), "is the document of issuer") {
		t.Errorf("want that its document is another issuer's, got %v", err)
	}
}
