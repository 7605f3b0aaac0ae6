package connect

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc/metadata"

	"github.com/plumbstore/plumb/internal/fault"
)

// Config is a Spark Connect server, and how to reach it. Errors of it are *fault.InputError with the setting in Field.
type Config struct {
	// Remote is sc://host:port/;key=value;key=value, as in Spark. The port is 15002 if it is left out. The keys are token,
	// use_ssl, user_id, and names that begin with x-, which are sent with each call.
	Remote string
	// Token is sent with each call. It takes the place of the remote's.
	Token string
	// CA has the authorities that the server's certificate may be of, Cert and Key what this client shows: PEM files. All
	// may be empty. ServerName, if it is set, is the name that the server's certificate is for.
	CA, Cert, Key, ServerName string
	// Settings are those of the session, such as spark.sql.session.timeZone.
	Settings map[string]string
	// Agent is what the server's logs call this client, such as plumb/1.2.0.
	Agent string
	// Patience is how long the server may be out of reach, or silent and not answering, before a call fails. 0 is a
	// minute.
	Patience time.Duration

	// limit bounds messages. 0 is maxMessage.
	limit int
}

const (
	defaultPort     = "15002"
	defaultUser     = "plumb"
	defaultAgent    = "plumb"
	defaultPatience = time.Minute
)

// target is what a Config says.
type target struct {
	address  string
	secure   bool
	user     string
	agent    string
	patience time.Duration
	limit    int
	metadata metadata.MD
	tls      *tls.Config
}

// wrong is about a setting of the engine. It quotes nothing of a remote, any part of which may be a token.
func wrong(setting, format string, args ...any) error {
	return fault.Inputf("offline.spark."+setting, format, args...)
}

func (c *Config) target() (*target, error) {
	rest, ok := strings.CutPrefix(c.Remote, "sc://")
	if !ok {
		return nil, wrong("remote", "is not the address of a Spark Connect server; write sc://host:port")
	}
	host, parameters, _ := strings.Cut(rest, "/")
	t := &target{user: defaultUser, agent: defaultAgent, patience: defaultPatience, limit: maxMessage,
		metadata: metadata.MD{}}
	var err error
	if t.address, err = addressOf(host); err != nil {
		return nil, err
	}
	token, setting := "", "remote"
	for parameter := range strings.SplitSeq(strings.TrimPrefix(parameters, ";"), ";") {
		if parameter == "" {
			continue
		}
		if err := t.set(parameter, &token); err != nil {
			return nil, err
		}
	}
	if c.Token != "" {
		token, setting = c.Token, "token"
	}
	if !isHeader(token) {
		return nil, wrong(setting, "has a token with line ends or other characters that no header may have")
	}
	if c.Agent != "" {
		t.agent = c.Agent
	}
	if c.Patience > 0 {
		t.patience = c.Patience
	}
	if c.limit > 0 {
		t.limit = c.limit
	}
	if token != "" {
		t.metadata.Set("authorization", "Bearer "+token)
	}
	if err := c.secure(t, token); err != nil {
		return nil, err
	}
	return t, nil
}

func addressOf(host string) (string, error) {
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		name, port = strings.Trim(host, "[]"), defaultPort
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil || name == "" || strings.ContainsAny(name, "@;? []") {
		return "", wrong("remote", "is not of the form sc://host:port/;key=value")
	}
	return net.JoinHostPort(name, port), nil
}

// extraHeader are headers that whoever runs a server may ask for.
var extraHeader = regexp.MustCompile(`^x-[a-z0-9_.-]+$`)

// isHeader says whether a text can be the value of a header.
func isHeader(text string) bool {
	return !strings.ContainsFunc(text, func(letter rune) bool { return letter < ' ' || letter > '~' })
}

// set takes one parameter of a remote.
func (t *target) set(parameter string, token *string) error {
	key, value, ok := strings.Cut(parameter, "=")
	value, err := url.QueryUnescape(strings.ReplaceAll(value, "+", "%2B"))
	if !ok || err != nil || value == "" || !isHeader(value) {
		return wrong("remote", "has a parameter that is not of the form key=value; write special characters of a value "+
			"percent-encoded")
	}
	switch {
	case key == "token":
		*token = value
	case key == "user_id":
		t.user = value
	case key == "use_ssl":
		if t.secure, err = strconv.ParseBool(value); err != nil {
			return wrong("remote", "has the parameter use_ssl, which must be true or false")
		}
	case extraHeader.MatchString(key):
		t.metadata.Set(key, value)
	default:
		return wrong("remote", "has a parameter that is not known; the parameters are token, use_ssl, user_id, and names "+
			"that begin with x-")
	}
	return nil
}

// secure reads the files of a configuration of TLS, and sees to it that no token crosses a network in the clear.
func (c *Config) secure(t *target, token string) error {
	if !t.secure {
		for _, set := range []struct{ name, value string }{{"tls_ca", c.CA}, {"tls_cert", c.Cert}, {"tls_key", c.Key},
			{"tls_server_name", c.ServerName}} {
			if set.value != "" {
				return wrong(set.name, "is for TLS; add ;use_ssl=true to offline.spark.remote")
			}
		}
		host, _, _ := net.SplitHostPort(t.address)
		if address := net.ParseIP(host); token != "" && host != "localhost" && (address == nil || !address.IsLoopback()) {
			return wrong("remote", "would send the token in the clear; add ;use_ssl=true")
		}
		return nil
	}
	t.tls = &tls.Config{MinVersion: tls.VersionTLS12, ServerName: c.ServerName}
	if c.CA != "" {
		pem, err := os.ReadFile(c.CA)
		if err != nil {
			return wrong("tls_ca", "cannot be read: %v", err)
		}
		t.tls.RootCAs = x509.NewCertPool()
		if !t.tls.RootCAs.AppendCertsFromPEM(pem) {
			return wrong("tls_ca", "%s holds no certificate in PEM form", c.CA)
		}
	}
	if (c.Cert == "") != (c.Key == "") {
		return wrong("tls_cert", "goes with tls_key; give both, or none")
	}
	if c.Cert != "" {
		pair, err := tls.LoadX509KeyPair(c.Cert, c.Key)
		if err != nil {
			return wrong("tls_cert", "cannot be used with tls_key: %v", err)
		}
		t.tls.Certificates = []tls.Certificate{pair}
	}
	return nil
}

// settings are those of a session in an order that is always the same.
func (c *Config) settings() []keyValue {
	pairs := make([]keyValue, 0, len(c.Settings))
	for key, value := range c.Settings {
		pairs = append(pairs, keyValue{key, value})
	}
	slices.SortFunc(pairs, func(a, b keyValue) int { return strings.Compare(a.Key, b.Key) })
	return pairs
}

func (t *target) String() string { return fmt.Sprintf("Spark at %s", t.address) }
