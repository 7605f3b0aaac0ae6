package config_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"github.com/plumbstore/plumb/internal/config"
	"github.com/plumbstore/plumb/registry/spec"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// project makes a folder with a plumb.yaml.
func project(t *testing.T, text string) string {
	t.Helper()
	folder := t.TempDir()
	write(t, filepath.Join(folder, "plumb.yaml"), text)
	return folder
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// load loads with flags and an environment of its own.
func load(t *testing.T, folder string, flags []string, environment map[string]string) (*config.Config, error) {
	t.Helper()
	var overrides config.Overrides
	set := pflag.NewFlagSet("plumb", pflag.ContinueOnError)
	overrides.Register(set)
	if err := set.Parse(flags); err != nil {
		t.Fatal(err)
	}
	return config.Load(folder, &overrides, func(name string) string { return environment[name] })
}

// shown is the configuration with the connection strings revealed, for comparison.
type shown struct {
	Project, Registry, OnlineStore string
	Definitions                    []string
	OnlineRetention                time.Duration
	Offline                        config.Offline
	Serving                        config.Serving
	Push                           config.Push
	Lineage                        string
	// Database is that of the name a.
	Database string
	Objects  config.Objects
}

func show(c *config.Config) shown {
	return shown{c.Project, c.Registry.Reveal(), c.OnlineStore.Reveal(), c.Definitions, c.OnlineRetention, c.Offline,
		c.Serving, c.Push, c.Lineage.To.Reveal(), c.Databases["a"].Address.Reveal(), c.Objects}
}

func defaults(folder string) shown {
	return shown{
		Project:         "flights",
		Registry:        "sqlite:" + folder + "/.plumb/registry.db",
		OnlineStore:     "sqlite:" + folder + "/.plumb/online.db",
		Definitions:     []string{"features"},
		OnlineRetention: 7 * 24 * time.Hour,
		Offline: config.Offline{Engine: "duckdb", Roots: []string{"data"}, MemoryLimit: "2GB",
			CacheLimit: 20_000_000_000},
		Objects: config.Objects{Addressing: "auto"},
		Push: config.Push{ClockSkew: 10 * time.Second, LogSize: 64_000_000, LogInterval: time.Minute,
			LogDir: folder + "/.plumb/push"},
		Serving: config.Serving{
			GRPC: "127.0.0.1:6570", HTTP: "127.0.0.1:6571", LogFormat: "text",
			FlightJobs: 2, FlightQueue: 16, FlightSpool: 1_000_000_000,
			Operations: 1, OperationQueue: 16,
			FlightIdle: 5 * time.Minute, Refresh: time.Second, MaxConcurrent: 1024,
			Audit:    config.Audit{Rate: 0.01, FileSize: 64_000_000, Interval: 5 * time.Minute},
			Security: config.Security{OIDCRoleClaim: "plumb_roles"},
		},
	}
}

func TestDefaultsHoldWhereNothingIsSaid(t *testing.T) {
	folder := project(t, "project: flights\n")
	var none config.Overrides
	loaded, err := config.Load(folder, &none, func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(defaults(folder), show(loaded), cmp.AllowUnexported(config.Secret{})); diff != "" {
		t.Error(diff)
	}
	if loaded.ProjectDir != folder {
		t.Errorf("the project is in %s, not %s", loaded.ProjectDir, folder)
	}
}

// precedent is a key: how to write three values of it, and what the configuration then is.
type precedent struct {
	key                        string
	file, variable, flag       string
	inFile, inVariable, inFlag func(*shown)
}

// precedence has all keys but those of Spark.
var precedence = []precedent{
	{"project", "a", "b", "c",
		func(s *shown) { s.Project = "a" }, func(s *shown) { s.Project = "b" }, func(s *shown) { s.Project = "c" }},
	{"definitions", "[a, a2]", "b, b2", "c,c2",
		func(s *shown) { s.Definitions = []string{"a", "a2"} },
		func(s *shown) { s.Definitions = []string{"b", "b2"} },
		func(s *shown) { s.Definitions = []string{"c", "c2"} }},
	{"registry", "sqlite:/a.db", "sqlite:/b.db", "sqlite:///c.db",
		func(s *shown) { s.Registry = "sqlite:/a.db" }, func(s *shown) { s.Registry = "sqlite:/b.db" },
		func(s *shown) { s.Registry = "sqlite:/c.db" }},
	{"online_store", "redis://:pw@a:1/2", "rediss://b", "sqlite:/c.db",
		func(s *shown) { s.OnlineStore = "redis://:pw@a:1/2" }, func(s *shown) { s.OnlineStore = "rediss://b" },
		func(s *shown) { s.OnlineStore = "sqlite:/c.db" }},
	{"online_retention", "1h", "2d", "0s",
		func(s *shown) { s.OnlineRetention = time.Hour }, func(s *shown) { s.OnlineRetention = 48 * time.Hour },
		func(s *shown) { s.OnlineRetention = 0 }},
	{"offline.roots", "[a]", "b", "c,c2",
		func(s *shown) { s.Offline.Roots = []string{"a"} }, func(s *shown) { s.Offline.Roots = []string{"b"} },
		func(s *shown) { s.Offline.Roots = []string{"c", "c2"} }},
	{"offline.memory_limit", "1GB", "512MiB", "1.5TB",
		func(s *shown) { s.Offline.MemoryLimit = "1GB" }, func(s *shown) { s.Offline.MemoryLimit = "512MiB" },
		func(s *shown) { s.Offline.MemoryLimit = "1.5TB" }},
	{"offline.threads", "1", "2", "3",
		func(s *shown) { s.Offline.Threads = 1 }, func(s *shown) { s.Offline.Threads = 2 },
		func(s *shown) { s.Offline.Threads = 3 }},
	{"offline.temp_dir", "a", "/b", "",
		func(s *shown) { s.Offline.TempDir = "a" }, func(s *shown) { s.Offline.TempDir = "/b" },
		func(s *shown) { s.Offline.TempDir = "" }},
	{"offline.temp_limit", "20GB", "512MiB", "",
		func(s *shown) { s.Offline.TempLimit = "20GB" }, func(s *shown) { s.Offline.TempLimit = "512MiB" },
		func(s *shown) { s.Offline.TempLimit = "" }},
	{"offline.cache_dir", "/a", "/b", "",
		func(s *shown) { s.Offline.CacheDir = "/a" }, func(s *shown) { s.Offline.CacheDir = "/b" },
		func(s *shown) { s.Offline.CacheDir = "" }},
	{"offline.cache_limit", "1GB", "2MiB", "1.5KB",
		func(s *shown) { s.Offline.CacheLimit = 1_000_000_000 }, func(s *shown) { s.Offline.CacheLimit = 2 << 20 },
		func(s *shown) { s.Offline.CacheLimit = 1500 }},
	{"serving.grpc", "a:1", "b:2", "[::1]:0",
		func(s *shown) { s.Serving.GRPC = "a:1" }, func(s *shown) { s.Serving.GRPC = "b:2" },
		func(s *shown) { s.Serving.GRPC = "[::1]:0" }},
	{"serving.http", "a:1", "b:2", "",
		func(s *shown) { s.Serving.HTTP = "a:1" }, func(s *shown) { s.Serving.HTTP = "b:2" },
		func(s *shown) { s.Serving.HTTP = "" }},
	{"serving.hosts", "[a.example, '*']", "b", "c,10.1.2.3",
		func(s *shown) { s.Serving.Hosts = []string{"a.example", "*"} },
		func(s *shown) { s.Serving.Hosts = []string{"b"} },
		func(s *shown) { s.Serving.Hosts = []string{"c", "10.1.2.3"} }},
	{"serving.flight", "a:1", "b:2", "c:3",
		func(s *shown) { s.Serving.Flight = "a:1" }, func(s *shown) { s.Serving.Flight = "b:2" },
		func(s *shown) { s.Serving.Flight = "c:3" }},
	{"serving.feast", "a:1", "b:2", "",
		func(s *shown) { s.Serving.Feast = "a:1" }, func(s *shown) { s.Serving.Feast = "b:2" },
		func(s *shown) { s.Serving.Feast = "" }},
	{"serving.refresh", "100ms", "2s", "1m",
		func(s *shown) { s.Serving.Refresh = 100 * time.Millisecond }, func(s *shown) { s.Serving.Refresh = 2 * time.Second },
		func(s *shown) { s.Serving.Refresh = time.Minute }},
	{"serving.max_concurrent", "1", "64", "10000",
		func(s *shown) { s.Serving.MaxConcurrent = 1 }, func(s *shown) { s.Serving.MaxConcurrent = 64 },
		func(s *shown) { s.Serving.MaxConcurrent = 10_000 }},
	{"serving.admin", "a:1", "b:2", "",
		func(s *shown) { s.Serving.Admin = "a:1" }, func(s *shown) { s.Serving.Admin = "b:2" },
		func(s *shown) { s.Serving.Admin = "" }},
	{"serving.log_format", "json", "text", "json",
		func(s *shown) { s.Serving.LogFormat = "json" }, func(s *shown) { s.Serving.LogFormat = "text" },
		func(s *shown) { s.Serving.LogFormat = "json" }},
	{"serving.flight_jobs", "1", "3", "4",
		func(s *shown) { s.Serving.FlightJobs = 1 }, func(s *shown) { s.Serving.FlightJobs = 3 },
		func(s *shown) { s.Serving.FlightJobs = 4 }},
	{"serving.flight_queue", "0", "1", "2",
		func(s *shown) { s.Serving.FlightQueue = 0 }, func(s *shown) { s.Serving.FlightQueue = 1 },
		func(s *shown) { s.Serving.FlightQueue = 2 }},
	{"serving.flight_spool", "1KB", "2MiB", "1.5GB",
		func(s *shown) { s.Serving.FlightSpool = 1000 }, func(s *shown) { s.Serving.FlightSpool = 2 << 20 },
		func(s *shown) { s.Serving.FlightSpool = 1_500_000_000 }},
	{"serving.flight_idle", "30s", "1h", "1m30s",
		func(s *shown) { s.Serving.FlightIdle = 30 * time.Second }, func(s *shown) { s.Serving.FlightIdle = time.Hour },
		func(s *shown) { s.Serving.FlightIdle = 90 * time.Second }},
	{"serving.operations", "1", "3", "4",
		func(s *shown) { s.Serving.Operations = 1 }, func(s *shown) { s.Serving.Operations = 3 },
		func(s *shown) { s.Serving.Operations = 4 }},
	{"serving.operation_queue", "0", "1", "2",
		func(s *shown) { s.Serving.OperationQueue = 0 }, func(s *shown) { s.Serving.OperationQueue = 1 },
		func(s *shown) { s.Serving.OperationQueue = 2 }},
	{"push.clock_skew", "1s", "0s", "1m",
		func(s *shown) { s.Push.ClockSkew = time.Second }, func(s *shown) { s.Push.ClockSkew = 0 },
		func(s *shown) { s.Push.ClockSkew = time.Minute }},
	{"push.log_size", "1MB", "1KiB", "1GB",
		func(s *shown) { s.Push.LogSize = 1_000_000 }, func(s *shown) { s.Push.LogSize = 1024 },
		func(s *shown) { s.Push.LogSize = 1_000_000_000 }},
	{"push.log_interval", "10s", "1h", "1us",
		func(s *shown) { s.Push.LogInterval = 10 * time.Second }, func(s *shown) { s.Push.LogInterval = time.Hour },
		func(s *shown) { s.Push.LogInterval = time.Microsecond }},
	{"push.log_dir", "/a", "/b", "/c", func(s *shown) { s.Push.LogDir = "/a" },
		func(s *shown) { s.Push.LogDir = "/b" }, func(s *shown) { s.Push.LogDir = "/c" }},
	{"databases", "{a: 'postgres://h/1'}", "a=postgres://h/2", "a=postgres://h/3",
		func(s *shown) { s.Database = "postgres://h/1" }, func(s *shown) { s.Database = "postgres://h/2" },
		func(s *shown) { s.Database = "postgres://h/3" }},
	{"lineage", "file:/a", "http://[::1]:1", "",
		func(s *shown) { s.Lineage = "file:/a" }, func(s *shown) { s.Lineage = "http://[::1]:1" },
		func(s *shown) { s.Lineage = "" }},
	{"objects.endpoint", "https://a", "http://[::1]:1", "",
		func(s *shown) { s.Objects.Endpoint = "https://a" }, func(s *shown) { s.Objects.Endpoint = "http://[::1]:1" },
		func(s *shown) { s.Objects.Endpoint = "" }},
	{"objects.region", "a", "b", "",
		func(s *shown) { s.Objects.Region = "a" }, func(s *shown) { s.Objects.Region = "b" },
		func(s *shown) { s.Objects.Region = "" }},
	{"objects.addressing", "path", "virtual", "auto",
		func(s *shown) { s.Objects.Addressing = "path" }, func(s *shown) { s.Objects.Addressing = "virtual" },
		func(s *shown) { s.Objects.Addressing = "auto" }},
	{"objects.access_key", "a", "b", "c",
		func(s *shown) { s.Objects.AccessKey = config.NewSecret("a") },
		func(s *shown) { s.Objects.AccessKey = config.NewSecret("b") },
		func(s *shown) { s.Objects.AccessKey = config.NewSecret("c") }},
	{"objects.secret_key", "a", "b", "c",
		func(s *shown) { s.Objects.SecretKey = config.NewSecret("a") },
		func(s *shown) { s.Objects.SecretKey = config.NewSecret("b") },
		func(s *shown) { s.Objects.SecretKey = config.NewSecret("c") }},
	{"objects.session_token", "a", "b", "c",
		func(s *shown) { s.Objects.SessionToken = config.NewSecret("a") },
		func(s *shown) { s.Objects.SessionToken = config.NewSecret("b") },
		func(s *shown) { s.Objects.SessionToken = config.NewSecret("c") }},
	{"serving.audit.dir", "/a", "/b", "",
		func(s *shown) { s.Serving.Audit.Dir = "/a" }, func(s *shown) { s.Serving.Audit.Dir = "/b" },
		func(s *shown) { s.Serving.Audit.Dir = "" }},
	{"serving.audit.rate", "0.5", "all", "1",
		func(s *shown) { s.Serving.Audit.Rate = 0.5 }, func(s *shown) { s.Serving.Audit.Rate = 1 },
		func(s *shown) { s.Serving.Audit.Rate = 1 }},
	{"serving.audit.file_size", "1MB", "1KiB", "1GB",
		func(s *shown) { s.Serving.Audit.FileSize = 1_000_000 }, func(s *shown) { s.Serving.Audit.FileSize = 1024 },
		func(s *shown) { s.Serving.Audit.FileSize = 1_000_000_000 }},
	{"serving.audit.interval", "10s", "1h", "1us",
		func(s *shown) { s.Serving.Audit.Interval = 10 * time.Second },
		func(s *shown) { s.Serving.Audit.Interval = time.Hour },
		func(s *shown) { s.Serving.Audit.Interval = time.Microsecond }},
	{"serving.audit.hash_key", "0123456789abcdef", "0123456789abcdeg", "0123456789abcdeh",
		func(s *shown) { s.Serving.Audit.HashKey = config.NewSecret("0123456789abcdef") },
		func(s *shown) { s.Serving.Audit.HashKey = config.NewSecret("0123456789abcdeg") },
		func(s *shown) { s.Serving.Audit.HashKey = config.NewSecret("0123456789abcdeh") }},
	{"serving.tls_cert", "/a", "/b", "/c",
		func(s *shown) { s.Serving.Security.TLSCert = "/a" }, func(s *shown) { s.Serving.Security.TLSCert = "/b" },
		func(s *shown) { s.Serving.Security.TLSCert = "/c" }},
	{"serving.tls_key", "/a", "/b", "/c",
		func(s *shown) { s.Serving.Security.TLSKey = "/a" }, func(s *shown) { s.Serving.Security.TLSKey = "/b" },
		func(s *shown) { s.Serving.Security.TLSKey = "/c" }},
	{"serving.tls_client_ca", "/a", "/b", "/c",
		func(s *shown) { s.Serving.Security.TLSClientCA = "/a" }, func(s *shown) { s.Serving.Security.TLSClientCA = "/b" },
		func(s *shown) { s.Serving.Security.TLSClientCA = "/c" }},
	{"serving.tokens", "/a", "/b", "/c",
		func(s *shown) { s.Serving.Security.Tokens = "/a" }, func(s *shown) { s.Serving.Security.Tokens = "/b" },
		func(s *shown) { s.Serving.Security.Tokens = "/c" }},
	{"serving.oidc_issuer", "https://a", "http://[::1]:1/b", "http://localhost/c",
		func(s *shown) { s.Serving.Security.OIDCIssuer = "https://a" },
		func(s *shown) { s.Serving.Security.OIDCIssuer = "http://[::1]:1/b" },
		func(s *shown) { s.Serving.Security.OIDCIssuer = "http://localhost/c" }},
	{"serving.oidc_jwks_url", "https://a", "http://[::1]:1/b", "http://localhost/c",
		func(s *shown) { s.Serving.Security.OIDCJWKSURL = "https://a" },
		func(s *shown) { s.Serving.Security.OIDCJWKSURL = "http://[::1]:1/b" },
		func(s *shown) { s.Serving.Security.OIDCJWKSURL = "http://localhost/c" }},
	{"serving.oidc_audience", "a", "b", "c",
		func(s *shown) { s.Serving.Security.OIDCAudience = "a" }, func(s *shown) { s.Serving.Security.OIDCAudience = "b" },
		func(s *shown) { s.Serving.Security.OIDCAudience = "c" }},
	{"serving.oidc_role_claim", "a", "b", "c",
		func(s *shown) { s.Serving.Security.OIDCRoleClaim = "a" }, func(s *shown) { s.Serving.Security.OIDCRoleClaim = "b" },
		func(s *shown) { s.Serving.Security.OIDCRoleClaim = "c" }},
}

func TestFlagBeatsEnvironmentBeatsFileBeatsDefault(t *testing.T) {
	at := slices.IndexFunc(precedence, func(p precedent) bool { return p.key == "objects.endpoint" })
	all := slices.Insert(slices.Clone(precedence), at, sparkPrecedence...)
	if len(all) != len(config.Settings()) {
		t.Errorf("%d settings are tested, of %d", len(all), len(config.Settings()))
	}
	for i, test := range all {
		setting := config.Settings()[i]
		t.Run(test.key, func(t *testing.T) {
			if setting.Key != test.key {
				t.Fatalf("the setting is %s", setting.Key)
			}
			folder := project(t, inFile(test.key, test.file))
			environment := map[string]string{setting.Variable(): test.variable}
			flags := []string{setting.Flag() + "=" + test.flag}
			expect(t, folder, nil, nil, test.inFile)
			expect(t, folder, nil, environment, test.inVariable)
			expect(t, folder, flags, environment, test.inFlag)
			expect(t, folder, flags, nil, test.inFlag)
		})
	}
}

// inFile is a plumb.yaml with one setting.
func inFile(key, value string) string {
	text := "project: flights\n"
	if key == "project" {
		text = ""
	}
	indent := ""
	for {
		section, rest, ok := strings.Cut(key, ".")
		if !ok {
			return text + indent + key + ": " + value + "\n"
		}
		text, indent, key = text+indent+section+":\n", indent+"  ", rest
	}
}

func expect(t *testing.T, folder string, flags []string, environment map[string]string, change func(*shown)) {
	t.Helper()
	loaded, err := load(t, folder, flags, environment)
	if err != nil {
		t.Fatal(err)
	}
	want := defaults(folder)
	change(&want)
	if diff := cmp.Diff(want, show(loaded), cmp.AllowUnexported(config.Secret{})); diff != "" {
		t.Error(diff)
	}
}

// TestEveryMistakeInTheConfigurationIsReported compares with problems.txt what is reported of each folder in testdata,
// with the lines of its environment.txt and flags.txt, if any.
func TestEveryMistakeInTheConfigurationIsReported(t *testing.T) {
	files, err := filepath.Glob("testdata/*/plumb.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	for _, file := range files {
		folder := filepath.Dir(file)
		t.Run(filepath.Base(folder), func(t *testing.T) {
			environment := map[string]string{}
			for _, line := range lines(t, folder+"/environment.txt") {
				name, value, _ := strings.Cut(line, "=")
				environment[name] = value
			}
			_, err := load(t, folder, lines(t, folder+"/flags.txt"), environment)
			problems, ok := errors.AsType[*spec.Problems](err)
			if !ok {
				t.Fatal(err)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Error("a secret is printed:", err)
			}
			compareGolden(t, folder+"/problems.txt", problems.Error()+"\n")
		})
	}
}

func lines(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}

func compareGolden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs, - is the file:\n%s", file, diff)
	}
}
