package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"slices"
	"time"

	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/reread"
)

// tokenPrefix lets programs that look for leaked secrets know a token.
const tokenPrefix = "plumb_"

// NewToken makes a token: text of 256 random bits. What is kept of it is its hash.
func NewToken() (token string, hash [sha256.Size]byte) {
	var random [32]byte
	_, _ = rand.Read(random[:]) // It never fails.
	token = tokenPrefix + base64.RawURLEncoding.EncodeToString(random[:])
	return token, sha256.Sum256([]byte(token))
}

// AppendToken adds an entry to the file of tokens. If there is no file, it makes one that only its owner may use. A
// *fault.InputError or *spec.Problems says why the entry cannot be added; then the file is as it was.
func AppendToken(on disk.Disk, path string, entry Entry) error {
	return on.Append(path, 0o600, func(before []byte) ([]byte, error) { return addition(path, before, entry) })
}

// addition is what an entry adds to the text of a file of tokens.
func addition(path string, before []byte, entry Entry) ([]byte, error) {
	entries, err := ParseTokens(path, before)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(entries, func(e Entry) bool { return e.Name == entry.Name }) {
		return nil, fault.Inputf("name", "%s has a token named %q already; choose another name, or remove that one", path,
			entry.Name)
	}
	text := entry.YAML()
	if len(before) > 0 && before[len(before)-1] != '\n' {
		text = "\n" + text
	}
	after, err := ParseTokens(path, append(before, text...))
	if err != nil || len(after) != len(entries)+1 {
		return nil, fault.Inputf("", "%s is not written as a list with a - for each token, so that none can be added to it; "+
			"write it so, or add this by hand: %s", path, entry.line())
	}
	return []byte(text), nil
}

// tokens are the static ones.
type tokens struct {
	project string
	entries *reread.Files[[]Entry]
}

func openTokens(path, project string, now func() time.Time, logger *slog.Logger) (*tokens, error) {
	build := func(contents [][]byte) ([]Entry, error) { return ParseTokens(filepath.Base(path), contents[0]) }
	entries, err := reread.Open([]string{path}, build, now, logger)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.Inputf("serving.tokens", "there is no file %s; plumb token create makes it", path)
	}
	if err != nil {
		return nil, fmt.Errorf("serving.tokens: %w", err)
	}
	return &tokens{project: project, entries: entries}, nil
}

// find returns the identity that a token belongs to. It compares with all of them in constant time, so that its
// duration reveals nothing of what is in the file.
func (t *tokens) find(token string) (Identity, bool) {
	hash := sha256.Sum256([]byte(token))
	entries := t.entries.Current()
	at := -1
	for i := range entries {
		at = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare(hash[:], entries[i].Hash[:]), i, at)
	}
	if at < 0 {
		return Identity{}, false
	}
	identity := Identity{Name: entries[at].Name}
	if slices.Contains(entries[at].Projects, t.project) {
		identity.Role = entries[at].Role
	}
	return identity, true
}
