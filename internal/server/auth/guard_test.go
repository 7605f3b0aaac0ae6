package auth_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/server/auth"
	"github.com/plumbstore/plumb/registry/spec"
)

// guarded is a guard over a file of tokens.
type guarded struct {
	t     *testing.T
	path  string
	time  time.Time
	guard *auth.Guard
	log   bytes.Buffer
}

// newGuarded has a token for each role, named after it.
func newGuarded(t *testing.T) (g *guarded, tokens map[auth.Role]string) {
	g = &guarded{t: t, path: filepath.Join(t.TempDir(), "tokens.yaml"), time: noon}
	tokens = map[auth.Role]string{}
	for role := auth.Read; role <= auth.Admin; role++ {
		tokens[role] = g.add(role.String(), role, "shops")
	}
	var err error
	g.guard, err = auth.Open(auth.Config{
		Project: "shops", TokensFile: g.path, Now: func() time.Time { return g.time },
		Logger: slog.New(slog.NewTextHandler(&g.log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return g, tokens
}

func (g *guarded) add(name string, role auth.Role, projects ...string) string {
	g.t.Helper()
	token, hash := auth.NewToken()
	entry := auth.Entry{Name: name, Hash: hash, Role: role, Projects: projects}
	if err := auth.AppendToken(disk.Real(), g.path, entry); err != nil {
		g.t.Fatal(err)
	}
	return token
}

func (g *guarded) check(method string, authorization ...string) (auth.Identity, error) {
	return g.guard.Check(g.t.Context(), auth.Call{Method: method, Authorization: authorization, Peer: "192.0.2.7:555"})
}

func TestEachRoleMayDoItsPartAndNothingMore(t *testing.T) {
	g, tokens := newGuarded(t)
	for method, least := range map[string]auth.Role{
		lookUp:                                  auth.Read,
		"/plumb.v1.RegistryService/ListSources": auth.Read,
		"/arrow.flight.protocol.FlightService/DoExchange":           auth.Read,
		"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo": auth.Read,
		push:                               auth.Write,
		plan:                               auth.Admin,
		apply:                              auth.Admin,
		"/plumb.v1.ServingService/Unheard": auth.Admin + 1,
		"/plumb.v1.servingservice/GetOnlineFeatures": auth.Admin + 1,
		"": auth.Admin + 1,
	} {
		for role, token := range tokens {
			caller, err := g.check(method, "Bearer "+token)
			if role >= least && (err != nil || caller != auth.Identity{Name: role.String(), Role: role}) {
				t.Errorf("%s as %s: %v", method, role, err)
			}
			if role < least && !isDenied(err, true, "") {
				t.Errorf("%s as %s: want that it is denied, got %v", method, role, err)
			}
		}
	}
}

func TestWithoutARightTokenOnlyHealthAnswers(t *testing.T) {
	g, tokens := newGuarded(t)
	read := tokens[auth.Read]
	for name, authorization := range map[string][]string{
		"nothing":               nil,
		"nothing in it":         {""},
		"no scheme":             {read},
		"another scheme":        {"Basic " + read},
		"no token":              {"Bearer "},
		"another token":         {"Bearer plumb_" + strings.Repeat("A", 43)},
		"a shorter one":         {"Bearer " + read[:len(read)-1]},
		"a longer one":          {"Bearer " + read + "A"},
		"two spaces":            {"Bearer  " + read},
		"twice":                 {"Bearer " + read, "Bearer " + read},
		"its hash":              {fmt.Sprintf("Bearer %x", sha256.Sum256([]byte(read)))},
		"a JWT, without OIDC":   {"Bearer a.b.c"},
		"a token of a megabyte": {"Bearer " + strings.Repeat("A", 1<<20)},
	} {
		if caller, err := g.check(lookUp, authorization...); !isDenied(err, false, "") || caller != (auth.Identity{}) {
			t.Errorf("%s: got %+v, %v", name, caller, err)
		}
		if _, err := g.check("/grpc.health.v1.Health/Check", authorization...); err != nil {
			t.Errorf("%s: health: %v", name, err)
		}
	}
	if _, err := g.check(lookUp, "bearer "+read); err != nil {
		t.Errorf("the scheme in small letters: %v", err)
	}
}

func TestARoleHoldsInItsProjectsAlone(t *testing.T) {
	g, _ := newGuarded(t)
	g.time = g.time.Add(time.Minute)
	for name, c := range map[string]struct {
		projects []string
		allowed  bool
	}{
		"both":     {[]string{"other", "shops"}, true},
		"other":    {[]string{"other"}, false},
		"my":       {[]string{"myshops"}, false},
		"shortest": {[]string{"shop"}, false},
	} {
		token := g.add(name, auth.Admin, c.projects...)
		g.time = g.time.Add(time.Minute)
		caller, err := g.check(apply, "Bearer "+token)
		if c.allowed != (err == nil) || !c.allowed && !isDenied(err, true, fmt.Sprintf("%q has no role", name)) {
			t.Errorf("%s: got %+v, %v", name, caller, err)
		}
	}
}

func TestATokenThatIsTakenOutIsRefusedWithinASecond(t *testing.T) {
	g, tokens := newGuarded(t)
	if err := os.WriteFile(g.path, []byte("# none left\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	g.time = g.time.Add(time.Second)
	if _, err := g.check(lookUp, "Bearer "+tokens[auth.Read]); !isDenied(err, false, "not one that this server knows") {
		t.Errorf("got %v", err)
	}
	if err := os.WriteFile(g.path, []byte("- nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	g.time = g.time.Add(time.Second)
	if _, err := g.check(lookUp, "Bearer "+tokens[auth.Read]); !isDenied(err, false, "not one that this server knows") {
		t.Errorf("beside a file that cannot be read: %v", err)
	}
}

func TestEveryRefusalIsLoggedWithoutSecrets(t *testing.T) {
	g, tokens := newGuarded(t)
	if _, err := g.check(push, "Bearer "+tokens[auth.Read]); err == nil {
		t.Fatal("a reader pushes")
	}
	line := g.log.String()
	for _, part := range []string{
		"level=WARN", "method=" + push, "peer=192.0.2.7:555", "caller=read", "project=shops", "this needs write",
	} {
		if !strings.Contains(line, part) {
			t.Errorf("the log lacks %q: %s", part, line)
		}
	}
	g.log.Reset()
	unknown, _ := auth.NewToken()
	if _, err := g.check(lookUp, "Bearer "+unknown); err == nil {
		t.Fatal("an unknown token is let in")
	}
	if _, err := g.check(lookUp); err == nil {
		t.Fatal("nobody is let in")
	}
	if got := strings.Count(g.log.String(), "a call was refused"); got != 2 {
		t.Errorf("two refusals were logged %d times: %s", got, &g.log)
	}
	all := line + g.log.String()
	for _, token := range []string{tokens[auth.Read], unknown} {
		if strings.Contains(all, token[6:16]) || strings.Contains(all, fmt.Sprintf("%x", sha256.Sum256([]byte(token)))) {
			t.Errorf("the log has a secret: %s", all)
		}
	}
}

func TestTokensAreAddedToWhatIsThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokens.yaml")
	entry := func(name string) auth.Entry {
		_, hash := auth.NewToken()
		return auth.Entry{Name: name, Hash: hash, Role: auth.Read, Projects: []string{"shops", "other"}}
	}
	first := entry("first")
	before := "# Kept.\n" + strings.TrimSuffix(first.YAML(), "\n")
	if err := os.WriteFile(path, []byte(before), 0o600); err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Go(func() {
			if err := auth.AppendToken(disk.Real(), path, entry(fmt.Sprintf("n%d", i))); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := auth.ParseTokens(path, text)
	if err != nil || len(entries) != 9 || !strings.HasPrefix(string(text), before) {
		t.Errorf("%d entries, %v, in\n%s", len(entries), err, text)
	}
	var input *fault.InputError
	if err := auth.AppendToken(disk.Real(), path, entry("first")); !errors.As(err, &input) || input.Field != "name" {
		t.Errorf("a name that is there: %v", err)
	}
	if err := os.WriteFile(path, []byte("[]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	err = auth.AppendToken(disk.Real(), path, first)
	if !errors.As(err, &input) || !strings.Contains(err.Error(), fmt.Sprintf("- {name: first, sha256: %x, ", first.Hash)) {
		t.Errorf("a list in brackets: want the entry to add by hand, got %v", err)
	}
}

func TestANewFileOfTokensIsItsOwnersAlone(t *testing.T) {
	g, _ := newGuarded(t)
	info, err := os.Stat(g.path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the mode is %s: %v", info.Mode(), err)
	}
}

func TestMistakesInTheFileOfTokensHaveTheirPlaces(t *testing.T) {
	const hash = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
	const head = "- {name: a, sha256: " + hash
	const right = head + ", role: read, projects: [shops]}\n"
	for text, want := range map[string]string{
		"name: a":     "tokens.yaml:1:1: must be a list of tokens",
		"- a":         "tokens.yaml:1:3: must be a token with",
		"- {name: a}": "tokens.yaml:1:3: sha256 is missing",
		right + right: `tokens.yaml:2:10: name "a" is given twice`,
		"- [":         "tokens.yaml:1:",
		"- {nam: a}":  `tokens.yaml:1:4: unknown key "nam"`,
		right + strings.Replace(right, "name: a", "name: b", 1):                `tokens.yaml:2:21: this is the token of "a"`,
		"- {name: 'a b', sha256: " + hash + ", role: read, projects: [shops]}": "tokens.yaml:1:10: name must be 1 to 63",
		"- {name: a, sha256: plumb_secret, role: read, projects: [shops]}":     "tokens.yaml:1:21: sha256 must be the 64",
		head + ", role: reads, projects: [shops]}":                             `role is "reads"; the roles are`,
		head + ", role: none, projects: [shops]}":                              `role is "none"`,
		head + ", role: read, projects: shops}":                                "projects must be a list",
		head + ", role: read, projects: []}":                                   "projects must be a list",
		head + ", role: read, projects: ['*']}":                                `"*" is not a name of a project`,
	} {
		_, err := auth.ParseTokens("tokens.yaml", []byte(text))
		var problems *spec.Problems
		if !errors.As(err, &problems) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\nwant %q, got %v", text, want, err)
			continue
		}
		if strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), hash) {
			t.Errorf("the error repeats a secret: %v", err)
		}
	}
}

func TestAFileOfTokensThatIsNotThereIsToldWithWhatMakesIt(t *testing.T) {
	_, err := auth.Open(auth.Config{TokensFile: "none.yaml", Now: clock, Logger: slog.Default()})
	var input *fault.InputError
	if !errors.As(err, &input) || input.Field != "serving.tokens" || !strings.Contains(err.Error(), "plumb token create") {
		t.Errorf("got %v", err)
	}
}
