package redis

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"os"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// newClient makes a client, with a circuit for each server, or for each primary if Sentinel names it. It does not
// connect yet.
func newClient(t *target, now func() time.Time) (goredis.UniversalClient, error) {
	if t.tls {
		var err error
		if t.options.TLSConfig, err = t.tlsConfig(); err != nil {
			return nil, err
		}
	}
	switch {
	case t.layout == cluster:
		options := t.options.Cluster()
		options.ReadOnly, options.RouteRandomly = t.replicas, t.replicas
		return newClusterClient(options, now), nil
	case t.layout == sentinel && t.replicas:
		options := t.options.Failover()
		options.RouteRandomly = true
		client := goredis.NewFailoverClusterClient(options)
		client.AddHook(newCircuit(t, now))
		return client, nil
	case t.layout == sentinel:
		client := goredis.NewFailoverClient(t.options.Failover())
		client.AddHook(newCircuit(t, now))
		return client, nil
	}
	client := goredis.NewClient(t.options.Simple())
	client.AddHook(newCircuit(t, now))
	return client, nil
}

// newClusterClient gives each node a circuit of its own, since the others go on when one is gone. Which node has which
// slots is asked again as soon as one cannot be reached: a replica may have taken its place.
func newClusterClient(options *goredis.ClusterOptions, now func() time.Time) *goredis.ClusterClient {
	var client *goredis.ClusterClient
	options.DisableRoutingPolicies = true // Which keys go together is decided in slots.go.
	options.NewClient = func(node *goredis.Options) *goredis.Client {
		made := goredis.NewClient(node)
		c := &circuit{now: now, patience: patienceOf(node.DialTimeout, node.ReadTimeout)}
		c.onGone = func(ctx context.Context) { client.ReloadState(ctx) }
		made.AddHook(c)
		return made
	}
	client = goredis.NewClusterClient(options)
	return client
}

// tlsConfig reads the files that the URL names. They are asked for again at the next start alone. A wrong file is an
// error of the URL's option here, rather than a failed handshake on the first look-up.
func (t *target) tlsConfig() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.expectedHost}
	if t.ca != "" {
		pem, err := os.ReadFile(t.ca)
		if err != nil {
			return nil, wrong("has the option tls_ca, whose file cannot be read: %v", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, wrong("has the option tls_ca, whose file %s holds no certificate in PEM", t.ca)
		}
	}
	if t.cert != "" {
		pair, err := tls.LoadX509KeyPair(t.cert, t.key)
		if err != nil {
			return nil, wrong("has the options tls_cert and tls_key, whose files are no pair: %v", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}
