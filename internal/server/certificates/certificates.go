// Package certificates has what the server's listeners identify themselves with, and what they require of clients: a
// certificate and its key, and for mutual TLS the authorities whose certificates clients have to show.
//
// The files are read again when they change, so that a renewed certificate needs no restart. What is wrong with a
// changed file is logged, and the last good one holds. A connection that stands keeps what it was made with.
package certificates

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/reread"
)

// The settings that the files come from.
const (
	certField     = "serving.tls_cert"
	keyField      = "serving.tls_key"
	clientCAField = "serving.tls_client_ca"
)

// Files are PEM files. ClientCA is empty if clients show no certificate.
type Files struct {
	Cert, Key, ClientCA string
}

// Certificates are what listeners need for TLS.
type Certificates struct {
	files *reread.Files[*tls.Config]
}

// Open reads the files. A *fault.InputError names the setting whose file is missing or is not what it should be.
func Open(files Files, now func() time.Time, logger *slog.Logger) (*Certificates, error) {
	paths := []string{files.Cert, files.Key}
	fields := []string{certField, keyField}
	if files.ClientCA != "" {
		paths, fields = append(paths, files.ClientCA), append(fields, clientCAField)
	}
	if err := checkReadable(fields, paths); err != nil {
		return nil, err
	}
	build := func(contents [][]byte) (*tls.Config, error) { return newConfig(files, contents, now) }
	opened, err := reread.Open(paths, build, now, logger)
	if err != nil {
		return nil, err
	}
	return &Certificates{files: opened}, nil
}

// Config is the configuration of a listener that speaks these protocols, such as h2 and http/1.1, the preferred first.
func (c *Certificates) Config(protocols ...string) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: protocols,
		// Whose certificate may be asked for is decided for each connection, by the files as they are then.
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			config := c.files.Current().Clone()
			config.NextProtos = protocols
			return config, nil
		},
	}
}

func checkReadable(fields, paths []string) error {
	var mistakes []error
	for i, path := range paths {
		file, err := os.Open(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			mistakes = append(mistakes, fault.Inputf(fields[i], "there is no file %s", path))
		case errors.Is(err, fs.ErrPermission):
			mistakes = append(mistakes, fault.Inputf(fields[i], "%s may not be read by this user", path))
		case err != nil:
			return err
		default:
			_ = file.Close() // Nothing was read yet.
		}
	}
	return errors.Join(mistakes...)
}

func newConfig(files Files, contents [][]byte, now func() time.Time) (*tls.Config, error) {
	certificate, err := tls.X509KeyPair(contents[0], contents[1])
	if err != nil {
		return nil, explain(files, contents, err)
	}
	config := &tls.Config{
		MinVersion:   tls.VersionTLS12,
		Certificates: []tls.Certificate{certificate},
		Time:         now,
		// A resumed session would not be asked for the client's certificate under the authorities of now.
		SessionTicketsDisabled: files.ClientCA != "",
	}
	if files.ClientCA == "" {
		return config, nil
	}
	config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
	if !config.ClientCAs.AppendCertsFromPEM(contents[2]) {
		return nil, fault.Inputf(clientCAField, "%s holds no certificate in PEM form", files.ClientCA)
	}
	return config, nil
}

// explain says which file is the reason that a certificate and a key cannot be used.
func explain(files Files, contents [][]byte, err error) error {
	if !holds(contents[0], "CERTIFICATE") {
		return fault.Inputf(certField, "%s holds no certificate in PEM form", files.Cert)
	}
	if block, _ := pem.Decode(contents[1]); block == nil {
		return fault.Inputf(keyField, "%s holds no private key in PEM form", files.Key)
	} else if block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "" {
		return fault.Inputf(keyField, "%s is protected by a passphrase, which a server cannot be asked for; store the "+
			"key without one", files.Key)
	}
	return fault.Inputf(keyField, "%s and %s cannot be used together: %s", files.Key, files.Cert, err)
}

func holds(text []byte, kind string) bool {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == kind {
			return true
		}
	}
	return false
}
