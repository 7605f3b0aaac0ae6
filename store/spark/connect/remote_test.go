package connect_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/server/certificates/certtest"
	"github.com/plumbstore/plumb/store/spark/connect"
)

func TestAConfigurationThatIsWrongNamesItsSettingAndNoSecret(t *testing.T) {
	authority := certtest.NewAuthority(t)
	cert, key := authority.Issue("client")
	_, otherKey := authority.Issue("other")
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	secure := "sc://spark.example/;use_ssl=true"
	for _, c := range []struct {
		config  connect.Config
		setting string
	}{
		{connect.Config{}, "remote"},
		{connect.Config{Remote: "http://spark.example:15002"}, "remote"},
		{connect.Config{Remote: "sc://"}, "remote"},
		{connect.Config{Remote: "sc://spark.example:hunter2"}, "remote"},
		{connect.Config{Remote: "sc://spark.example:99999"}, "remote"},
		{connect.Config{Remote: "sc://hunter2@spark.example"}, "remote"},
		{connect.Config{Remote: "sc://spark.example;token=hunter2"}, "remote"},
		{connect.Config{Remote: "sc://spark.example?token=hunter2"}, "remote"},
		{connect.Config{Remote: "sc://spark.example/;hunter2"}, "remote"},
		{connect.Config{Remote: "sc://spark.example/;tokn=hunter2"}, "remote"},
		{connect.Config{Remote: "sc://spark.example/;token="}, "remote"},
		{connect.Config{Remote: "sc://spark.example/;token=hunter2%zz"}, "remote"},
		{connect.Config{Remote: "sc://spark.example/;use_ssl=hunter2"}, "remote"},
		{connect.Config{Remote: "sc://spark.example/;token=hunter2"}, "remote"}, // In the clear.
		{connect.Config{Remote: "sc://10.0.0.1", Token: "hunter2"}, "remote"},
		{connect.Config{Remote: "sc://localhost", Token: "hunter2\n"}, "token"},
		{connect.Config{Remote: "sc://localhost/;token=hunter2%0A"}, "remote"},
		{connect.Config{Remote: "sc://localhost/;x-hunter2 2=3"}, "remote"},
		{connect.Config{Remote: "sc://localhost/;x-bötler=hunter2"}, "remote"},
		{connect.Config{Remote: "sc://spark.example", CA: authority.File}, "tls_ca"},
		{connect.Config{Remote: "sc://spark.example", Cert: cert}, "tls_cert"},
		{connect.Config{Remote: "sc://spark.example", Key: key}, "tls_key"},
		{connect.Config{Remote: "sc://spark.example", ServerName: "x"}, "tls_server_name"},
		{connect.Config{Remote: secure, CA: "/nowhere"}, "tls_ca"},
		{connect.Config{Remote: secure, CA: empty}, "tls_ca"},
		{connect.Config{Remote: secure, Cert: cert}, "tls_cert"},
		{connect.Config{Remote: secure, Key: key}, "tls_cert"},
		{connect.Config{Remote: secure, Cert: cert, Key: otherKey}, "tls_cert"},
	} {
		_, err := connect.Dial(t.Context(), c.config)
		var mistake *fault.InputError
		if !errors.As(err, &mistake) || mistake.Field != "offline.spark."+c.setting {
			t.Errorf("%+v: %v", c.config, err)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v has the secret", err)
		}
	}
}
