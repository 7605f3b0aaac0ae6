package auth_test

import (
	"errors"
	"testing"

	"github.com/plumbstore/plumb/internal/server/auth"
	"github.com/plumbstore/plumb/registry/spec"
)

// FuzzTokens reads any text as a file of tokens: every token that comes of it is whole.
func FuzzTokens(f *testing.F) {
	_, hash := auth.NewToken()
	entry := auth.Entry{Name: "training", Hash: hash, Role: auth.Read, Projects: []string{"shops"}}
	f.Add([]byte(entry.YAML()))
	f.Add([]byte("# none\n"))
	f.Add([]byte("- {name: [a], sha256: {}, role: null, projects: [{}]}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		entries, err := auth.ParseTokens("tokens.yaml", text)
		var problems *spec.Problems
		if err != nil && !errors.As(err, &problems) {
			t.Fatalf("a fault: %v", err)
		}
		if err != nil {
			return
		}
		for _, each := range entries {
			if auth.CheckName(each.Name) != nil || each.Role == auth.None || len(each.Projects) == 0 ||
				each.Hash == (auth.Entry{}.Hash) {
				t.Errorf("it is not whole: %+v", each)
			}
		}
	})
}

// FuzzAuthorization lets nobody in whose token the issuer did not sign, whatever the header says.
func FuzzAuthorization(f *testing.F) {
	p := newProvider(f)
	key := ecKey(f, "1")
	p.publish(key)
	right := "Bearer " + p.token(key, nil)
	f.Add(right)
	f.Add(right + ".")
	f.Add("Bearer eyJhbGciOiJub25lIn0.e30.")
	f.Add("Bearer ..")
	f.Fuzz(func(t *testing.T, header string) {
		caller, err := p.guard.Check(t.Context(), auth.Call{Method: lookUp, Authorization: []string{header}})
		if _, denied := errors.AsType[*auth.DeniedError](err); !denied && header != right {
			t.Errorf("%q is let in as %+v (%v)", header, caller, err)
		}
	})
}
