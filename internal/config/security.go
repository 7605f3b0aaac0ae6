package config

import (
	"errors"
	"path/filepath"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/issuerurl"
)

// Security configures how clients and the server authenticate each other. Paths are absolute. Each value is empty if it
// is not configured.
type Security struct {
	// TLSCert and TLSKey are PEM files, TLSClientCA those of the authorities of clients' certificates.
	TLSCert, TLSKey, TLSClientCA string
	// Tokens is the file of static tokens.
	Tokens string
	// OIDCIssuer and OIDCJWKSURL are URLs.
	OIDCIssuer, OIDCAudience, OIDCJWKSURL, OIDCRoleClaim string
}

// Check reports settings that are of no use without each other. Every error is a *fault.InputError. Only a server
// checks them, since no other command uses them: a project whose certificates are half set up can still be planned and
// applied.
func (s Security) Check() error {
	var mistakes []error
	needs := func(has, needed, name, missing, why string) {
		if has != "" && needed == "" {
			mistakes = append(mistakes, fault.Inputf(missing, "is missing beside %s: %s", name, why))
		}
	}
	const both = "a certificate is served together with its key"
	needs(s.TLSCert, s.TLSKey, "serving.tls_cert", "serving.tls_key", both)
	needs(s.TLSKey, s.TLSCert, "serving.tls_key", "serving.tls_cert", both)
	if s.TLSKey == "" { // Otherwise it was just said.
		needs(s.TLSClientCA, s.TLSCert, "serving.tls_client_ca", "serving.tls_cert",
			"clients show certificates to a server that has one")
	}
	needs(s.OIDCIssuer, s.OIDCAudience, "serving.oidc_issuer", "serving.oidc_audience",
		"tokens that the issuer made for others must not be let in")
	const noIssuer = "it says whose tokens are taken"
	needs(s.OIDCAudience, s.OIDCIssuer, "serving.oidc_audience", "serving.oidc_issuer", noIssuer)
	if s.OIDCAudience == "" {
		needs(s.OIDCJWKSURL, s.OIDCIssuer, "serving.oidc_jwks_url", "serving.oidc_issuer", noIssuer)
	}
	return errors.Join(mistakes...)
}

var securitySettings = []Setting{
	{Key: "serving.tls_cert", Optional: true, Usage: "PEM file with the server's certificate, for TLS on every address",
		set: setFile(func(s *Security) *string { return &s.TLSCert })},
	{Key: "serving.tls_key", Optional: true, Usage: "PEM file with its private key",
		set: setFile(func(s *Security) *string { return &s.TLSKey })},
	{Key: "serving.tls_client_ca", Optional: true,
		Usage: "PEM file with the authorities of clients' certificates, which then have to be shown",
		set:   setFile(func(s *Security) *string { return &s.TLSClientCA })},
	{Key: "serving.tokens", Optional: true, Usage: "file of the tokens that plumb token create makes",
		set: setFile(func(s *Security) *string { return &s.Tokens })},
	{Key: "serving.oidc_issuer", Optional: true, Usage: "URL of the OpenID Connect issuer whose JWTs are taken",
		set: setURL(func(s *Security) *string { return &s.OIDCIssuer })},
	{Key: "serving.oidc_jwks_url", Optional: true, Usage: "URL of the issuer's keys; unless given, it is discovered",
		set: setURL(func(s *Security) *string { return &s.OIDCJWKSURL })},
	{Key: "serving.oidc_audience", Optional: true, Usage: "audience that its JWTs have to be for",
		set: setWord(func(s *Security) *string { return &s.OIDCAudience })},
	{Key: "serving.oidc_role_claim", Default: "plumb_roles", Usage: "claim with the roles, each as PROJECT:ROLE",
		set: setWord(func(s *Security) *string { return &s.OIDCRoleClaim })},
}

func setWord(field func(*Security) *string) func(*loader, []string) error {
	return func(l *loader, value []string) error {
		*field(&l.config.Serving.Security) = value[0]
		return nil
	}
}

// setFile takes a path that is relative to the project.
func setFile(field func(*Security) *string) func(*loader, []string) error {
	return func(l *loader, value []string) error {
		path := value[0]
		if path != "" && !filepath.IsAbs(path) {
			path = filepath.Join(l.config.ProjectDir, path)
		}
		*field(&l.config.Serving.Security) = path
		return nil
	}
}

func setURL(field func(*Security) *string) func(*loader, []string) error {
	return func(l *loader, value []string) error {
		*field(&l.config.Serving.Security) = value[0]
		if value[0] == "" {
			return nil
		}
		return issuerurl.Check(value[0])
	}
}
