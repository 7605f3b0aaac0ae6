package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
)

// Spark configures the offline engine of that name. Only who opens it checks that what it needs is there.
type Spark struct {
	// Remote is sc://host:port/;key=value, which may have a token. Token, if it is set, takes its place.
	Remote, Token Secret
	// CA, Cert and Key are absolute paths of PEM files for TLS; empty for none. ServerName is the name that the server's
	// certificate is for; empty for that of the remote.
	CA, Cert, Key, ServerName string
	// Settings are those of Spark's sessions, by name.
	Settings map[string]string
	// Staging is the absolute path of the folder that Plumb and Spark share; empty if none is set.
	Staging string
}

// The offline engines.
const (
	DuckDBEngine = "duckdb"
	SparkEngine  = "spark"
)

var sparkSettings = []Setting{
	{Key: "offline.engine", Default: DuckDBEngine,
		Usage: "what reads sources and joins them: duckdb (embedded), or spark", set: setEngine},
	{Key: "offline.spark.remote", Optional: true,
		Usage: "Spark Connect server: sc://host:port, with ;use_ssl=true for TLS",
		set:   setSparkSecret(func(s *Spark) *Secret { return &s.Remote })},
	{Key: "offline.spark.token", Optional: true, Usage: "token that the server is given, such as ${VARIABLE}",
		set: setSparkSecret(func(s *Spark) *Secret { return &s.Token })},
	{Key: "offline.spark.staging", Optional: true,
		Usage: "folder that Plumb and Spark have under one path, for label rows and what is found for them",
		set:   setSparkPath(func(s *Spark) *string { return &s.Staging })},
	{Key: "offline.spark.settings", Optional: true, kind: named, Usage: "settings of Spark's sessions, by name",
		set: setSparkSettings},
	{Key: "offline.spark.tls_ca", Optional: true, Usage: "PEM file of authorities for the server's certificate",
		set: setSparkPath(func(s *Spark) *string { return &s.CA })},
	{Key: "offline.spark.tls_cert", Optional: true, Usage: "PEM file of the client's certificate",
		set: setSparkPath(func(s *Spark) *string { return &s.Cert })},
	{Key: "offline.spark.tls_key", Optional: true, Usage: "PEM file of the client's key",
		set: setSparkPath(func(s *Spark) *string { return &s.Key })},
	{Key: "offline.spark.tls_server_name", Optional: true,
		Usage: "name that the server's certificate is for; unless given, that of the remote", set: setSparkServerName},
}

func setEngine(l *loader, value []string) error {
	l.config.Offline.Engine = value[0]
	if value[0] != DuckDBEngine && value[0] != SparkEngine {
		return fmt.Errorf("must be duckdb or spark, not %q", value[0])
	}
	return nil
}

// setSparkSecret takes a secret, in which ${VARIABLE} is expanded. No part of it is in an error.
func setSparkSecret(field func(*Spark) *Secret) func(*loader, []string) error {
	return func(l *loader, value []string) error {
		expanded, err := expand(value[0], l.getenv)
		*field(&l.config.Offline.Spark) = NewSecret(expanded)
		return err
	}
}

// setSparkPath takes a path relative to the project. A location of objects stays as it is.
func setSparkPath(field func(*Spark) *string) func(*loader, []string) error {
	return func(l *loader, value []string) error {
		path := value[0]
		if path != "" && !filepath.IsAbs(path) && !strings.Contains(path, "://") {
			path = filepath.Join(l.config.ProjectDir, path)
		}
		*field(&l.config.Offline.Spark) = path
		return nil
	}
}

func setSparkServerName(l *loader, value []string) error {
	l.config.Offline.Spark.ServerName = value[0]
	return nil
}

func setSparkSettings(l *loader, value []string) error {
	if len(value) == 0 {
		return nil
	}
	settings := make(map[string]string, len(value))
	for _, item := range value {
		name, text, ok := strings.Cut(item, "=")
		if !ok || name == "" {
			return errors.New("must be of the form name=value, with spaces between several")
		}
		settings[name] = text
	}
	l.config.Offline.Spark.Settings = settings
	return nil
}
