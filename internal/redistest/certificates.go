package redistest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Certificates are the paths of PEM files: an authority's certificate, and a certificate of it with its key, which is
// good for 127.0.0.1 on both sides.
type Certificates struct{ CA, Cert, Key string }

// NewCertificates makes an authority and a certificate.
func NewCertificates(t testing.TB) *Certificates {
	t.Helper()
	folder := t.TempDir()
	template := func(number int64, name string) *x509.Certificate {
		return &x509.Certificate{
			SerialNumber: big.NewInt(number), Subject: pkix.Name{CommonName: name},
			NotBefore: time.Unix(0, 0), NotAfter: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC),
			IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		}
	}
	authority, certificate := template(1, "authority"), template(2, "test")
	authority.IsCA, authority.BasicConstraintsValid = true, true
	authority.KeyUsage = x509.KeyUsageCertSign
	certificate.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	authorityKey, key := newKey(t), newKey(t)
	c := &Certificates{}
	c.CA = writePEM(t, folder, "ca.crt", "CERTIFICATE", sign(t, authority, authority, authorityKey, authorityKey))
	c.Cert = writePEM(t, folder, "test.crt", "CERTIFICATE", sign(t, certificate, authority, key, authorityKey))
	encoded, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	c.Key = writePEM(t, folder, "test.key", "PRIVATE KEY", encoded)
	return c
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func sign(t testing.TB, certificate, by *x509.Certificate, key, byKey *ecdsa.PrivateKey) []byte {
	signed, err := x509.CreateCertificate(rand.Reader, certificate, by, key.Public(), byKey)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func writePEM(t testing.TB, folder, name, kind string, content []byte) string {
	path := filepath.Join(folder, name)
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
