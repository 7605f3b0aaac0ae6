package cli

import (
	"log/slog"

	"github.com/plumbstore/plumb/internal/config"
	"github.com/plumbstore/plumb/internal/server/auth"
	"github.com/plumbstore/plumb/internal/server/certificates"
)

// security opens what a server identifies itself with, and what it authenticates callers with. Each is nil if it is not
// configured.
//
// Addresses beyond loopback need both, unless --insecure is given: a token that is sent without TLS can be read on its
// way.
//
// A guard and certificates follow their files while a server runs, so a token or a certificate is replaced without a
// restart.
func (a *application) security(c *config.Config, logger *slog.Logger) (
	presented *certificates.Certificates, guard *auth.Guard, err error,
) {
	settings := c.Serving.Security
	if err := settings.Check(); err != nil {
		return nil, nil, err
	}
	if settings.TLSCert != "" {
		files := certificates.Files{Cert: settings.TLSCert, Key: settings.TLSKey, ClientCA: settings.TLSClientCA}
		if presented, err = certificates.Open(files, a.now, logger); err != nil {
			return nil, nil, err
		}
	}
	if settings.Tokens == "" && settings.OIDCIssuer == "" {
		return presented, nil, nil
	}
	guard, err = auth.Open(auth.Config{
		Project:    c.Project,
		TokensFile: settings.Tokens,
		Issuer: auth.Issuer{
			URL: settings.OIDCIssuer, Audience: settings.OIDCAudience, KeysURL: settings.OIDCJWKSURL,
			RoleClaim: settings.OIDCRoleClaim,
		},
		Now:    a.now,
		Logger: logger,
	})
	return presented, guard, err
}
