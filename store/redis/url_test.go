package redis_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/store/redis"
)

func TestAWrongOptionIsNamedAndItsValueIsNot(t *testing.T) {
	notPEM := filepath.Join(t.TempDir(), "ca.crt")
	if err := os.WriteFile(notPEM, []byte("s3cr3t"), 0o600); err != nil {
		t.Fatal(err)
	}
	for url, want := range map[string]string{
		"redis://h?pool_size=s3cr3t":                     "pool_size, which must be a whole number from 1 to",
		"redis://h?pool_size=0":                          "pool_size, which must be a whole number from 1 to",
		"redis://h?max_retries=-1":                       "max_retries, which must be a whole number from 0 to",
		"redis://h?read_timeout=5":                       "read_timeout, which must be a duration above nothing",
		"redis://h?dial_timeout=-1s":                     "dial_timeout, which must be a duration above nothing",
		"redis://h?pool_size=1&pool_size=2":              "the option pool_size more than once",
		"redis://h?s3cr3t=1":                             "an option that is not known after its question mark",
		"redis://h?read_replicas=true":                   "read_replicas, which is for Sentinel and Cluster",
		"redis+cluster://h?read_replicas=s3cr3t":         "read_replicas, which must be true or false",
		"redis+sentinel://h":                             "needs the option master",
		"redis+sentinel://h?master=":                     "master, which must not be empty",
		"redis+cluster://h?master=s3cr3t":                "master, which is for redis+sentinel:// alone",
		"redis+cluster://h/1":                            "is not of the form redis+cluster://",
		"redis://h,g":                                    "is not of the form redis://",
		"redis+cluster://h:1,":                           "is not of the form redis+cluster://",
		"redis+cluster://h:1,g:s3cr3t":                   "is not of the form redis+cluster://",
		"redis://h?tls_ca=s3cr3t":                        "tls_ca, which is for TLS; write rediss for redis",
		"rediss://h?tls_ca=/nowhere/ca.crt":              "tls_ca, whose file cannot be read",
		"rediss://h?tls_ca=" + notPEM:                    "tls_ca, whose file " + notPEM + " holds no certificate",
		"rediss://h?tls_cert=s3cr3t":                     "one of the options tls_cert and tls_key",
		"rediss+cluster://h?tls_cert=/a.crt&tls_key=/no": "tls_cert and tls_key, whose files are no pair",
	} {
		_, err := redis.Open(t.Context(), url)
		var input *fault.InputError
		text := fmt.Sprint(err)
		if !errors.As(err, &input) || !strings.Contains(text, want) || strings.Contains(text, "s3cr3t") {
			t.Errorf("%q: error is %v, want an InputError with %q that does not quote it", url, err, want)
		}
	}
}

func TestEveryOptionIsTaken(t *testing.T) {
	for _, url := range []string{
		"redis://user:pass@127.0.0.1:1/2?pool_size=5&min_idle_conns=0&max_idle_conns=5&max_active_conns=9&max_retries=0" +
			"&pool_timeout=1s&dial_timeout=1s&read_timeout=1s&write_timeout=1s&conn_max_idle_time=1m&conn_max_lifetime=1h" +
			"&client_name=plumb",
		"redis+sentinel://127.0.0.1:1,[::1]:1/3?master=m&sentinel_username=u&sentinel_password=p&read_replicas=true",
		"redis+cluster://user:p%40ss@127.0.0.1:1,127.0.0.1:2?read_replicas=false",
		"rediss://127.0.0.1:1?tls_server_name=host.example",
	} {
		_, err := redis.Open(t.Context(), url)
		wantUnavailable(t, err, "127.0.0.1:1")
	}
}
