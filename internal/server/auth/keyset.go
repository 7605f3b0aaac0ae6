package auth

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/sync/singleflight"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/issuerurl"
)

const (
	// keysAge is after how long keys are asked for again, so that one that was withdrawn goes.
	keysAge = 15 * time.Minute
	// keysPause is the least time between two times that the issuer is asked, whatever tokens come.
	keysPause = 10 * time.Second
	// keysTimeout bounds one time.
	keysTimeout = 5 * time.Second
	// maxKeysAnswer bounds an answer of the issuer, in bytes.
	maxKeysAnswer = 1 << 20
)

// ErrNoKeys says that a token cannot be judged now. It wraps fault.ErrUnavailable.
var ErrNoKeys = fmt.Errorf("%w: the issuer's keys, which the token is to be checked with, cannot be had",
	fault.ErrUnavailable)

// keySet holds an issuer's public keys. Keys that are known are used for as long as the issuer cannot be asked.
//
// It is not a library's: that of go-oidc asks the issuer for each token with an unknown key, so that the sender of such
// tokens decides how often. And it keeps a key that was withdrawn for as long as no token comes with one that it lacks.
type keySet struct {
	issuer Issuer
	client *http.Client
	now    func() time.Time
	logger *slog.Logger
	known  atomic.Pointer[keys]
	flight singleflight.Group
}

// keys are what the issuer was last known to have. It never changes.
type keys struct {
	all []jose.JSONWebKey
	// asked is when the issuer was last asked, and failure what came of that.
	asked   time.Time
	failure error
}

func newKeySet(of Issuer, now func() time.Time, logger *slog.Logger) *keySet {
	k := &keySet{issuer: of, client: of.Client, now: now, logger: logger}
	if k.client == nil {
		k.client = &http.Client{CheckRedirect: checkRedirect}
	}
	k.known.Store(&keys{})
	return k
}

func checkRedirect(request *http.Request, _ []*http.Request) error {
	return issuerurl.Check(request.URL.String())
}

// find returns the keys of an id, or all if a token names none. If there is no such key the issuer is asked, unless
// that was just done.
func (k *keySet) find(ctx context.Context, id string) ([]jose.JSONWebKey, error) {
	known := k.known.Load()
	found := known.of(id)
	since := k.now().Sub(known.asked).Abs() // A clock that was set back must not keep the keys as they are.
	switch {
	case len(found) > 0 && since >= keysAge:
		k.ask() // The answer is for those who come later.
	case len(found) == 0 && since >= keysPause:
		select {
		case <-k.ask():
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		known = k.known.Load()
		found = known.of(id)
	}
	switch {
	case len(found) > 0:
		return found, nil
	case known.failure != nil:
		return nil, fmt.Errorf("%w: %w", ErrNoKeys, known.failure)
	}
	return nil, &DeniedError{Message: "the token is signed with a key that " + k.issuer.URL + " does not have"}
}

func (k *keys) of(id string) []jose.JSONWebKey {
	if id == "" {
		return k.all
	}
	var found []jose.JSONWebKey
	for _, key := range k.all {
		if key.KeyID == id {
			found = append(found, key)
		}
	}
	return found
}

// ask asks the issuer, once for all concurrent callers, and returns a channel that reports when that is done. It goes
// on when the call that wanted it ends, since others may wait for it.
func (k *keySet) ask() <-chan singleflight.Result {
	return k.flight.DoChan("keys", func() (any, error) {
		ctx, cancel := context.WithTimeout(context.Background(), keysTimeout)
		defer cancel()
		before := k.known.Load()
		all, err := k.fetch(ctx)
		if err != nil {
			all = before.all
			if before.failure == nil || before.failure.Error() != err.Error() {
				k.logger.Error("the issuer's keys cannot be had; those that are known hold", "issuer", k.issuer.URL,
					"keys", len(all), "error", err)
			}
		}
		k.known.Store(&keys{all: all, asked: k.now(), failure: err})
		return nil, nil
	})
}

// fetch returns the keys for signatures that the issuer has.
func (k *keySet) fetch(ctx context.Context) ([]jose.JSONWebKey, error) {
	url, err := k.keysURL(ctx)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := k.get(ctx, url, &answer); err != nil {
		return nil, err
	}
	var all []jose.JSONWebKey
	for _, text := range answer.Keys {
		var key jose.JSONWebKey
		// A set may hold keys of kinds that are not known here, which are no reason to refuse the others.
		if json.Unmarshal(text, &key) != nil || !key.Valid() || !key.IsPublic() || key.Use == "enc" {
			continue
		}
		all = append(all, key)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s has no key for signatures", url)
	}
	return all, nil
}

// keysURL is where the keys are: KeysURL if it is set, otherwise what the issuer's own document says.
func (k *keySet) keysURL(ctx context.Context) (string, error) {
	if k.issuer.KeysURL != "" {
		return k.issuer.KeysURL, nil
	}
	var document struct {
		Issuer  string `json:"issuer"`
		KeysURL string `json:"jwks_uri"`
	}
	url := strings.TrimSuffix(k.issuer.URL, "/") + "/.well-known/openid-configuration"
	if err := k.get(ctx, url, &document); err != nil {
		return "", err
	}
	if document.Issuer != k.issuer.URL {
		return "", fmt.Errorf("%s is the document of issuer %q, not of %q", url, document.Issuer, k.issuer.URL)
	}
	if err := issuerurl.Check(document.KeysURL); err != nil {
		return "", fmt.Errorf("jwks_uri in %s %w", url, err)
	}
	return document.KeysURL, nil
}

func (k *keySet) get(ctx context.Context, url string, answer any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	response, err := k.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, response.Status)
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, maxKeysAnswer)).Decode(answer); err != nil {
		return fmt.Errorf("%s answers no JSON: %w", url, err)
	}
	return nil
}
