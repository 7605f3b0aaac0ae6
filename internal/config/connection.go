package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// ConnectionString is the address of a store, and may contain a password. However it is printed, logged or marshaled,
// the password is left out. Only Reveal returns it.
type ConnectionString struct{ secret string }

// NewConnectionString wraps a connection string.
func NewConnectionString(s string) ConnectionString { return ConnectionString{s} }

// Reveal returns the connection string with its password, to connect with and for nothing else.
func (c ConnectionString) Reveal() string { return c.secret }

// Scheme is what comes before the first colon, such as "sqlite".
func (c ConnectionString) Scheme() string {
	scheme, _, _ := strings.Cut(c.secret, ":")
	return scheme
}

// Path is the path of the file, if the scheme is sqlite or file.
func (c ConnectionString) Path() string {
	return strings.TrimPrefix(strings.TrimPrefix(c.secret, "sqlite:"), "file:")
}

const redacted = "xxxxx"

// String is the connection string with xxxxx for each secret.
func (c ConnectionString) String() string {
	if c.Scheme() == "sqlite" || c.secret == "" {
		return c.secret
	}
	address, others := oneHost(c.secret)
	parsed, err := url.Parse(address)
	if err != nil || parsed.Opaque != "" || parsed.Host == "" || misplaced(c.secret) {
		return redacted
	}
	if parsed.User != nil {
		// A user without a password is often a password in the wrong place.
		name := redacted
		if _, ok := parsed.User.Password(); ok {
			name = parsed.User.Username()
		}
		parsed.User = url.UserPassword(name, redacted)
	}
	query := parsed.Query()
	for name := range query {
		if strings.Contains(strings.ToLower(name), "pass") {
			query.Set(name, redacted)
		}
	}
	parsed.RawQuery = query.Encode()
	parsed.Host += others
	return parsed.String()
}

// Address is the address of the store and nothing else: no user, no password, no options. A file is a URL, too.
func (c ConnectionString) Address() string {
	if c.Scheme() == "sqlite" {
		return "sqlite://" + filepath.ToSlash(c.Path())
	}
	scheme, rest, _ := strings.Cut(c.secret, "://")
	if misplaced(c.secret) {
		return scheme + "://" + redacted
	}
	rest, _, _ = strings.Cut(rest, "?")
	return scheme + "://" + strings.TrimSuffix(rest[strings.LastIndexByte(rest, '@')+1:], "/")
}

// GoString is String, for %#v.
func (c ConnectionString) GoString() string { return c.String() }

// MarshalJSON writes String.
func (c ConnectionString) MarshalJSON() ([]byte, error) { return json.Marshal(c.String()) }

// LogValue implements slog.LogValuer.
func (c ConnectionString) LogValue() slog.Value { return slog.StringValue(c.String()) }

// oneHost leaves the first of the hosts of a URL, since the standard library reads URLs of one alone, and returns the
// others. For example, redis+sentinel://a:26379,b:26379/0 becomes redis+sentinel://a:26379/0 and ",b:26379".
func oneHost(text string) (url, others string) {
	start := strings.Index(text, "://") + len("://")
	end := start + strings.IndexAny(text[start:]+"/", "/?#")
	start += strings.LastIndexByte(text[start:end], '@') + 1
	if comma := strings.IndexByte(text[start:end], ','); comma >= 0 {
		return text[:start+comma] + text[end:], text[start+comma : end]
	}
	return text, ""
}

// redisSchemes are those of one server, of one that Sentinel names, and of a cluster, each without and with TLS.
var redisSchemes = []string{
	"redis", "rediss", "redis+sentinel", "rediss+sentinel", "redis+cluster", "rediss+cluster",
}

// connection reads a connection string with one of the schemes, which are sqlite and others with a host. No part of it
// but the scheme is in an error.
func (l *loader) connection(text string, schemes ...string) (ConnectionString, error) {
	expanded, err := expand(text, l.getenv)
	if err != nil {
		return ConnectionString{}, err
	}
	scheme, path, ok := strings.Cut(expanded, ":")
	forms := map[string]string{"sqlite": "sqlite:PATH", "redis": "redis://host:port", "rediss": "rediss://host:port",
		"redis+sentinel": "redis+sentinel://…", "rediss+sentinel": "redis+sentinel://…",
		"redis+cluster": "redis+cluster://…", "rediss+cluster": "redis+cluster://…",
		"postgres": "postgres://host:port/database", "postgresql": "postgres://host:port/database"}
	known := make([]string, len(schemes))
	for i, name := range schemes {
		known[i] = forms[name]
	}
	known = slices.Compact(known)
	switch {
	case !ok || !slices.Contains(schemes, scheme):
		return ConnectionString{}, fmt.Errorf("must be of the form %s", strings.Join(known, " or "))
	case scheme == "sqlite":
		return l.sqlite(path)
	}
	address, _ := oneHost(expanded)
	parsed, err := url.Parse(address)
	if err != nil || parsed.Hostname() == "" && parsed.Query().Get("host") == "" || misplaced(expanded) {
		return ConnectionString{}, fmt.Errorf("is not of the form %s://[user:password@]host:port[/database]; write special "+
			"characters in a password percent-encoded", scheme)
	}
	return ConnectionString{l.filesOf(expanded)}, nil
}

// filesOf makes the paths of certificates in the options of a URL of Redis absolute: they are relative to the project.
func (l *loader) filesOf(address string) string {
	before, options, _ := strings.Cut(address, "?")
	query, err := url.ParseQuery(options)
	if err != nil || !strings.HasPrefix(address, "redis") {
		return address
	}
	changed := false
	for _, name := range []string{"tls_ca", "tls_cert", "tls_key"} {
		if path := query.Get(name); path != "" && !filepath.IsAbs(path) {
			query.Set(name, filepath.Join(l.config.ProjectDir, path))
			changed = true
		}
	}
	if !changed {
		return address
	}
	return before + "?" + query.Encode()
}

// misplaced reports whether a part of a password is in the place of a path or options, because the password has a
// special character. The password of redis://:p/ss@host:6379 is p/ss, but a URL's host ends at the slash: a parser
// takes ss@host:6379 for the path, and a message that shows the path would show half of the password.
func misplaced(address string) bool {
	_, after, _ := strings.Cut(address, "://")
	end := strings.IndexAny(after, "/?#")
	return end >= 0 && strings.Contains(after[end:], "@")
}

// sqlite makes the path of a file absolute.
func (l *loader) sqlite(path string) (ConnectionString, error) {
	if strings.HasPrefix(path, "//") && !strings.HasPrefix(path, "///") {
		return ConnectionString{}, errors.New("must be of the form sqlite:PATH, without slashes before a relative path")
	}
	if path == "" || path == ":memory:" {
		return ConnectionString{}, errors.New("must be of the form sqlite:PATH, with the path of a file")
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(l.config.ProjectDir, path)
	}
	return ConnectionString{"sqlite:" + filepath.Clean(path)}, nil
}

var variableForm = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)

// expand replaces each ${VAR} by the variable's value. A variable that is empty is an error: otherwise a store would be
// asked with an empty password, and its refusal would not say why.
func expand(text string, getenv func(string) string) (string, error) {
	var unset []string
	expanded := variableForm.ReplaceAllStringFunc(text, func(reference string) string {
		name := variableForm.FindStringSubmatch(reference)[1]
		value := getenv(name)
		if value == "" {
			unset = append(unset, reference)
		}
		return value
	})
	switch {
	case unset != nil:
		return "", fmt.Errorf("needs %s to be set in the environment", strings.Join(unset, " and "))
	case strings.Contains(variableForm.ReplaceAllString(text, ""), "${"):
		return "", errors.New("has a ${ that begins no ${VARIABLE}")
	}
	return expanded, nil
}

// OtherStore reads the connection string of an online store that is not the project's own: one of Redis. Paths in it
// are relative to the project, and ${VARIABLE} is expanded.
func (c *Config) OtherStore(text string, getenv func(string) string) (ConnectionString, error) {
	return (&loader{config: c, getenv: getenv}).connection(text, redisSchemes...)
}
