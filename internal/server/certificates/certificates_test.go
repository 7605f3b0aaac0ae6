package certificates_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/reread"
	"github.com/plumbstore/plumb/internal/server/certificates"
	"github.com/plumbstore/plumb/internal/server/certificates/certtest"
)

// listener is one that serves with certificates, under a clock.
type listener struct {
	t       *testing.T
	address string
	time    time.Time
	log     bytes.Buffer
}

func listen(t *testing.T, files certificates.Files) *listener {
	l := &listener{t: t, time: noon()}
	opened, err := certificates.Open(files, func() time.Time { return l.time }, slog.New(slog.NewTextHandler(&l.log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	accepting, err := tls.Listen("tcp", "127.0.0.1:0", opened.Config("h2", "http/1.1"))
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { defer close(ended); greetAll(accepting) }()
	t.Cleanup(func() { accepting.Close(); <-ended })
	l.address = accepting.Addr().String()
	return l
}

// greetAll sends a byte to each client, one after the other.
func greetAll(accepting net.Listener) {
	for {
		conn, err := accepting.Accept()
		if err != nil {
			return
		}
		conn.Write([]byte("x"))
		conn.Close()
	}
}

// dial connects and reads a byte, since a server refuses a client's certificate only after the client's handshake.
func (l *listener) dial(config *tls.Config) (tls.ConnectionState, error) {
	config.Time = func() time.Time { return l.time }
	conn, err := tls.Dial("tcp", l.address, config)
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer conn.Close()
	_, err = io.ReadFull(conn, make([]byte, 1))
	return conn.ConnectionState(), err
}

func (l *listener) serverName(authority *certtest.Authority) string {
	l.t.Helper()
	state, err := l.dial(&tls.Config{RootCAs: authority.Pool})
	if err != nil {
		l.t.Fatal(err)
	}
	return state.PeerCertificates[0].Subject.CommonName
}

func TestARenewedCertificateIsShownWithoutARestart(t *testing.T) {
	authority := certtest.NewAuthority(t)
	cert, key := authority.Issue("first")
	l := listen(t, certificates.Files{Cert: cert, Key: key})
	if got := l.serverName(authority); got != "first" {
		t.Fatalf("the certificate is %s", got)
	}
	authority.IssueTo("second", cert, key)
	l.time = l.time.Add(reread.Interval)
	if got := l.serverName(authority); got != "second" {
		t.Errorf("after it was renewed the certificate is %s", got)
	}
	if err := os.WriteFile(key, []byte("half a k"), 0o600); err != nil {
		t.Fatal(err)
	}
	l.time = l.time.Add(reread.Interval)
	if got := l.serverName(authority); got != "second" {
		t.Errorf("beside a spoiled key the certificate is %s", got)
	}
	if log := l.log.String(); !strings.Contains(log, "serving.tls_key") || strings.Contains(log, "half a k") {
		t.Errorf("the log should name the setting and nothing of the key: %s", log)
	}
}

func TestTLSBefore12IsRefusedAndTheProtocolIsNegotiated(t *testing.T) {
	authority := certtest.NewAuthority(t)
	cert, key := authority.Issue("server")
	l := listen(t, certificates.Files{Cert: cert, Key: key})
	old := &tls.Config{RootCAs: authority.Pool, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	if _, err := l.dial(old); err == nil || !strings.Contains(err.Error(), "protocol version") {
		t.Errorf("TLS 1.1: want that its version is refused, got %v", err)
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		state, err := l.dial(&tls.Config{
			RootCAs: authority.Pool, MinVersion: version, MaxVersion: version, NextProtos: []string{"h2"},
		})
		if err != nil || state.Version != version || state.NegotiatedProtocol != "h2" {
			t.Errorf("%s: got %s and %q: %v", tls.VersionName(version), tls.VersionName(state.Version),
				state.NegotiatedProtocol, err)
		}
	}
}

func TestMutualTLSTakesOnlyCertificatesOfItsAuthorityAsItIsNow(t *testing.T) {
	ours, theirs := certtest.NewAuthority(t), certtest.NewAuthority(t)
	cert, key := ours.Issue("server")
	l := listen(t, certificates.Files{Cert: cert, Key: key, ClientCA: ours.File})
	client := &tls.Config{RootCAs: ours.Pool, ClientSessionCache: tls.NewLRUClientSessionCache(0)}
	if _, err := l.dial(client.Clone()); err == nil || !strings.Contains(err.Error(), "certificate required") {
		t.Errorf("without a certificate: want that one is required, got %v", err)
	}
	stranger := client.Clone()
	stranger.Certificates = []tls.Certificate{theirs.Pair("stranger")}
	stranger.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		return &stranger.Certificates[0], nil // It insists, though the server does not name its authority.
	}
	if _, err := l.dial(stranger); err == nil || !strings.Contains(err.Error(), "unknown certificate authority") {
		t.Errorf("with a stranger's certificate: want that its authority is unknown, got %v", err)
	}
	client.Certificates = []tls.Certificate{ours.Pair("client")}
	if _, err := l.dial(client); err != nil {
		t.Errorf("with our certificate: %v", err)
	}
	text, err := os.ReadFile(theirs.File)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(ours.File, text, 0o600); err != nil {
		t.Fatal(err)
	}
	l.time = l.time.Add(reread.Interval)
	if state, err := l.dial(client); err == nil {
		t.Errorf("the authority was withdrawn, and its client is still let in (resumed: %t)", state.DidResume)
	}
	if _, err := l.dial(stranger); err != nil {
		t.Errorf("the authority that took its place: %v", err)
	}
}

func noon() time.Time { return time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC) }

func TestWhatIsWrongWithTheFilesNamesTheSetting(t *testing.T) {
	authority := certtest.NewAuthority(t)
	cert, key := authority.Issue("server")
	_, otherKey := authority.Issue("other")
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("no PEM"), 0o600); err != nil {
		t.Fatal(err)
	}
	locked := filepath.Join(t.TempDir(), "locked")
	encrypted := "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"
	if err := os.WriteFile(locked, []byte(encrypted), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ cert, key, ca, want string }{
		"no certificate file":  {text + "1", key, "", "serving.tls_cert: there is no file " + text + "1"},
		"no key file":          {cert, text + "1", "", "serving.tls_key: there is no file"},
		"no client CA file":    {cert, key, text + "1", "serving.tls_client_ca: there is no file"},
		"no certificate in it": {text, key, "", "serving.tls_cert: " + text + " holds no certificate"},
		"files exchanged":      {key, cert, "", "serving.tls_cert: " + key + " holds no certificate"},
		"no key in it":         {cert, text, "", "serving.tls_key: " + text + " holds no private key"},
		"another's key":        {cert, otherKey, "", "serving.tls_key: " + otherKey + " and " + cert + " cannot"},
		"a locked key":         {cert, locked, "", "serving.tls_key: " + locked + " is protected by a passphrase"},
		"no CA in it":          {cert, key, text, "serving.tls_client_ca: " + text + " holds no certificate"},
	} {
		_, err := certificates.Open(certificates.Files{Cert: c.cert, Key: c.key, ClientCA: c.ca}, noon, slog.Default())
		var input *fault.InputError
		if !errors.As(err, &input) || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: want an InputError that begins with %q, got %v", name, c.want, err)
		}
	}
}
