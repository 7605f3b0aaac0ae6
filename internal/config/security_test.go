package config_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plumbstore/plumb/internal/config"
	"github.com/plumbstore/plumb/internal/fault"
)

func TestPathsOfSecurityAreRelativeToTheProject(t *testing.T) {
	folder := project(t, "project: flights\nserving: {tokens: etc/tokens.yaml, tls_cert: /etc/cert.pem}\n")
	loaded, err := load(t, folder, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := loaded.Serving.Security
	if want := filepath.Join(folder, "etc", "tokens.yaml"); got.Tokens != want || got.TLSCert != "/etc/cert.pem" {
		t.Errorf("got %+v, want the tokens in %s", got, want)
	}
}

func TestSecurityThatIsHalfGivenIsRefusedWithWhatIsMissing(t *testing.T) {
	for _, c := range []struct {
		security config.Security
		want     []string
	}{
		{config.Security{OIDCRoleClaim: "plumb_roles"}, nil},
		{config.Security{TLSCert: "a", TLSKey: "b", TLSClientCA: "c", Tokens: "d"}, nil},
		{config.Security{TLSCert: "a", TLSClientCA: "c"}, []string{"serving.tls_key: is missing beside serving.tls_cert"}},
		{config.Security{TLSKey: "b", TLSClientCA: "c"}, []string{"serving.tls_cert: is missing beside serving.tls_key"}},
		{config.Security{TLSClientCA: "c"}, []string{"serving.tls_cert: is missing beside serving.tls_client_ca"}},
		{config.Security{OIDCIssuer: "https://a"}, []string{"serving.oidc_audience: is missing"}},
		{config.Security{OIDCAudience: "a"}, []string{"serving.oidc_issuer: is missing beside serving.oidc_audience"}},
		{config.Security{TLSCert: "a", OIDCJWKSURL: "https://a"}, []string{
			"serving.tls_key: is missing", "serving.oidc_issuer: is missing beside serving.oidc_jwks_url",
		}},
	} {
		err := c.security.Check()
		text := ""
		if err != nil {
			text = err.Error()
		}
		got := strings.Split(text, "\n")
		if c.want == nil && err != nil || c.want != nil && len(got) != len(c.want) {
			t.Errorf("%+v: got %v, want %q", c.security, err, c.want)
		}
		var input *fault.InputError
		for i, want := range c.want {
			if !strings.HasPrefix(got[i], want) || !errors.As(err, &input) {
				t.Errorf("%+v: got %v, want %q", c.security, err, c.want)
			}
		}
	}
}

func TestAnIssuerWithoutTLSIsRefused(t *testing.T) {
	for _, url := range []string{"http://login.example.com", "login.example.com", "https://", "ftp://a", "https://u:p@a"} {
		folder := project(t, "project: flights\nserving: {oidc_issuer: '"+url+"'}\n")
		if _, err := load(t, folder, nil, nil); err == nil || !strings.Contains(err.Error(), "serving.oidc_issuer must be") {
			t.Errorf("%s: got %v", url, err)
		}
	}
}
