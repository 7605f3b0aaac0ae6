package config

import (
	"errors"
	"fmt"
	"math"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/registry/spec"
)

// Setting is one key of the configuration.
type Setting struct {
	// Key is the path of the setting in plumb.yaml, such as offline.memory_limit.
	Key string
	// Default is the value if none is set; lists are separated by commas. A setting without a default is required, unless
	// Optional.
	Default  string
	Optional bool
	// Usage says what the setting is for.
	Usage string

	kind kind
	// set checks the value and puts it into the configuration. Its error goes on after the key, as in "must be …".
	set func(l *loader, value []string) error
}

// Flag is the flag that overrides the setting, such as --offline-memory-limit.
func (s Setting) Flag() string { return "--" + s.flagName() }

func (s Setting) flagName() string {
	return strings.NewReplacer(".", "-", "_", "-").Replace(s.Key)
}

// Variable is the environment variable that overrides the setting, such as PLUMB_OFFLINE_MEMORY_LIMIT.
func (s Setting) Variable() string {
	return "PLUMB_" + strings.ToUpper(strings.ReplaceAll(s.Key, ".", "_"))
}

// kind is how a setting is written in YAML.
type kind int

const (
	text kind = iota
	list
	number
	// share is a number or a word.
	share
	// named is a mapping of names to texts. A flag and a variable have name=text, with spaces between several.
	named
)

// Settings returns all settings, in the order in which they are documented.
func Settings() []Setting { return append([]Setting{}, settings...) }

var settings = slices.Concat([]Setting{
	{Key: "project", Usage: "name of the project", set: setProject},
	{Key: "definitions", Default: "features", kind: list, Usage: "files or folders of definitions", set: setDefinitions},
	{Key: "registry", Default: "sqlite:.plumb/registry.db",
		Usage: "where the registry is: sqlite:PATH or postgres://…", set: setRegistry},
	{Key: "online_store", Default: "sqlite:.plumb/online.db",
		Usage: "where the online store is: sqlite:PATH, redis://…, redis+sentinel://… or redis+cluster://…",
		set:   setOnlineStore},
	{Key: "online_retention", Default: "7d",
		Usage: "how long an expired row is kept before the online store may forget it", set: setRetention},
	{Key: "offline.roots", Default: "data", kind: list,
		Usage: "folders below which sources may lie; s3://BUCKET/KEY for objects", set: setRoots},
	{Key: "offline.memory_limit", Default: "2GB", Usage: "memory of the offline engine; beyond it, it spills to disk",
		set: setMemoryLimit},
	{Key: "offline.threads", Default: "0", kind: number, Usage: "threads of the offline engine; 0: all cores",
		set: setThreads},
	{Key: "offline.temp_dir", Optional: true, Usage: "folder to spill to; unless given, the system's, TMPDIR",
		set: setTempDir},
	{Key: "offline.temp_limit", Optional: true,
		Usage: "disk that one operation may spill to, such as 20GB; unless given, 90 % of what is free", set: setTempLimit},
	{Key: "offline.cache_dir", Optional: true,
		Usage: "folder that keeps what was fetched of objects; unless given, it is fetched for each operation",
		set:   setCacheDir},
	{Key: "offline.cache_limit", Default: "20GB", Usage: "disk that offline.cache_dir may take", set: setCacheLimit},
	{Key: "serving.grpc", Default: "127.0.0.1:6570", Usage: "host:port to serve gRPC on",
		set: setAddress(func(s *Serving) *string { return &s.GRPC }, false)},
	{Key: "serving.http", Default: "127.0.0.1:6571", Usage: "host:port to serve HTTP on; \"\" for not at all",
		set: setAddress(func(s *Serving) *string { return &s.HTTP }, true)},
	{Key: "serving.hosts", Optional: true, kind: list,
		Usage: "names that HTTP is asked by, besides loopback and its address; * for any", set: setHosts},
	{Key: "serving.flight", Optional: true, Usage: "another host:port for Arrow Flight, which serving.grpc answers too",
		set: setAddress(func(s *Serving) *string { return &s.Flight }, true)},
	{Key: "serving.feast", Optional: true,
		Usage: "host:port at which clients of Feast are answered; usually 127.0.0.1:6566",
		set:   setAddress(func(s *Serving) *string { return &s.Feast }, true)},
	{Key: "serving.refresh", Default: "1s",
		Usage: "how often to look for a new revision of the registry, and whether the online store answers",
		set:   setRefresh},
	{Key: "serving.max_concurrent", Default: "1024", kind: number,
		Usage: "look-ups and pushes that are answered at a time; those beyond it are refused",
		set:   setCount(func(s *Serving) *int { return &s.MaxConcurrent }, 1)},
	{Key: "serving.admin", Optional: true,
		Usage: "host:port for operators: Prometheus at /metrics, profiles below /debug/pprof/",
		set:   setAddress(func(s *Serving) *string { return &s.Admin }, true)},
	{Key: "serving.log_format", Default: "text", Usage: "how plumb serve logs to stderr: text or json", set: setLogFormat},
	{Key: "serving.flight_jobs", Default: "2", kind: number,
		Usage: "joins over Flight at a time; they share offline.memory_limit with operations",
		set:   setCount(func(s *Serving) *int { return &s.FlightJobs }, 1)},
	{Key: "serving.flight_queue", Default: "16", kind: number, Usage: "joins over Flight that may wait for those",
		set: setCount(func(s *Serving) *int { return &s.FlightQueue }, 0)},
	{Key: "serving.flight_spool", Default: "1GB", Usage: "most label rows of one join over Flight, on disk meanwhile",
		set: setFlightSpool},
	{Key: "serving.flight_idle", Default: "5m",
		Usage: "how long a client may neither send label rows nor take the result before its call is ended",
		set:   setFlightIdle},
	{Key: "serving.operations", Default: "1", kind: number,
		Usage: "operations, such as verifications, at a time; they share offline.memory_limit with joins over Flight",
		set:   setCount(func(s *Serving) *int { return &s.Operations }, 1)},
	{Key: "serving.operation_queue", Default: "16", kind: number, Usage: "operations that may wait for those",
		set: setCount(func(s *Serving) *int { return &s.OperationQueue }, 0)},
	{Key: "push.clock_skew", Default: "10s",
		Usage: "how far the event time of a pushed row may lie ahead of the clock; 0s for not at all", set: setClockSkew},
	{Key: "push.log_size", Default: "64MB", Usage: "after how many bytes rows of a push log become a Parquet file",
		set: setLogSize},
	{Key: "push.log_interval", Default: "1m",
		Usage: "after how long rows of a push log become a Parquet file, which joins read", set: setLogInterval},
	{Key: "push.log_dir", Default: ".plumb/push",
		Usage: "folder of the write-ahead files of push logs whose Parquet files are objects", set: setLogDir},
	{Key: "databases", Optional: true, kind: named,
		Usage: "databases that plumb pull reads, by the names that sources have for them: postgres://…", set: setDatabases},
	{Key: "lineage", Optional: true,
		Usage: "where OpenLineage events of historical, materialize and pull go: file:PATH, http://… or https://…",
		set:   setLineage},
}, sparkSettings, objectSettings, auditSettings, securitySettings)

func setProject(l *loader, value []string) error {
	l.config.Project = value[0]
	return spec.CheckName(value[0])
}

func setDefinitions(l *loader, value []string) error {
	l.config.Definitions = value
	return checkPaths(value)
}

func setRoots(l *loader, value []string) error {
	l.config.Offline.Roots = value
	return checkPaths(value)
}

func checkPaths(paths []string) error {
	switch {
	case len(paths) == 0:
		return errors.New("must name at least one file or folder")
	case slices.Contains(paths, ""):
		return errors.New("has an empty path; take it out")
	}
	return nil
}

func setRegistry(l *loader, value []string) (err error) {
	l.config.Registry, err = l.connection(value[0], "sqlite", "postgres", "postgresql")
	return err
}

func setOnlineStore(l *loader, value []string) (err error) {
	l.config.OnlineStore, err = l.connection(value[0], append([]string{"sqlite"}, redisSchemes...)...)
	return err
}

func setRetention(l *loader, value []string) (err error) {
	l.config.OnlineRetention, err = feature.ParseDuration(value[0])
	return err
}

var (
	sizeForm = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?) ?([KMGT]i?B)$`)
	digits   = regexp.MustCompile(`[1-9]`)
)

func setMemoryLimit(l *loader, value []string) error {
	l.config.Offline.MemoryLimit = value[0]
	return checkSize(value[0])
}

func setTempDir(l *loader, value []string) error {
	l.config.Offline.TempDir = value[0]
	return nil
}

func setTempLimit(l *loader, value []string) error {
	l.config.Offline.TempLimit = value[0]
	if value[0] == "" {
		return nil
	}
	return checkSize(value[0])
}

func checkSize(size string) error {
	_, err := parseSize(size)
	return err
}

// parseSize returns a size in bytes. The library would also take a number without a unit, commas, and letters of any
// case, in which a slip of the pen hides.
func parseSize(text string) (int64, error) {
	form := sizeForm.FindStringSubmatch(text)
	if form == nil || !digits.MatchString(form[1]) {
		return 0, fmt.Errorf("must be a size above nothing such as 512MB or 2GB, in KB, MB, GB, TB, KiB, MiB, GiB or TiB, "+
			"not %q", text)
	}
	size, err := humanize.ParseBytes(text)
	if err != nil || size < 1 || size > math.MaxInt64 {
		return 0, fmt.Errorf("must be a size of at least one byte and less than 2^63, not %q", text)
	}
	return int64(size), nil
}

func setFlightSpool(l *loader, value []string) (err error) {
	l.config.Serving.FlightSpool, err = parseSize(value[0])
	return err
}

func setFlightIdle(l *loader, value []string) (err error) {
	l.config.Serving.FlightIdle, err = parsePositive(value[0])
	return err
}

func setRefresh(l *loader, value []string) (err error) {
	l.config.Serving.Refresh, err = parsePositive(value[0])
	return err
}

func parsePositive(text string) (time.Duration, error) {
	duration, err := feature.ParseDuration(text)
	if err == nil && duration <= 0 {
		err = fmt.Errorf("must be a duration above nothing such as 30s or 5m, not %q", text)
	}
	return duration, err
}

// setHosts takes names without scheme and port, since a server may be reached under another one.
func setHosts(l *loader, value []string) error {
	if slices.Equal(value, []string{""}) {
		return nil
	}
	for _, host := range value {
		if host == "" || strings.ContainsAny(host, "/@ ") || strings.Contains(host, ":") && net.ParseIP(host) == nil {
			return fmt.Errorf("must be names or addresses such as features.example.com, without scheme and port, not %q", host)
		}
	}
	l.config.Serving.Hosts = value
	return nil
}

func setLogFormat(l *loader, value []string) error {
	l.config.Serving.LogFormat = value[0]
	if value[0] != "text" && value[0] != "json" {
		return fmt.Errorf("must be text or json, not %q", value[0])
	}
	return nil
}

// setCount takes a whole number of at least a bound.
func setCount(field func(*Serving) *int, least int) func(*loader, []string) error {
	return func(l *loader, value []string) error {
		count, err := strconv.Atoi(value[0])
		if err != nil || count < least || count > maxCount {
			return fmt.Errorf("must be a whole number from %d to %d, not %q", least, maxCount, value[0])
		}
		*field(&l.config.Serving) = count
		return nil
	}
}

// maxCount is more than any machine can use.
const maxCount = 10_000

func setThreads(l *loader, value []string) error {
	threads, err := strconv.Atoi(value[0])
	if err != nil || threads < 0 {
		return fmt.Errorf("must be a whole number, at least 0, not %q; 0 takes all cores", value[0])
	}
	l.config.Offline.Threads = threads
	return nil
}

func setAddress(field func(*Serving) *string, mayBeEmpty bool) func(*loader, []string) error {
	return func(l *loader, value []string) error {
		*field(&l.config.Serving) = value[0]
		if value[0] == "" && mayBeEmpty {
			return nil
		}
		_, port, err := net.SplitHostPort(value[0])
		if err == nil {
			_, err = strconv.ParseUint(port, 10, 16)
		}
		if err != nil {
			return fmt.Errorf("must be host:port such as 127.0.0.1:6570, with a port of 0 to 65535, not %q", value[0])
		}
		return nil
	}
}
