// Package config reads the configuration of a project: plumb.yaml, the environment, and flags.
//
// Each setting has one key, such as offline.memory_limit, which is also its flag (--offline-memory-limit) and its
// environment variable (PLUMB_OFFLINE_MEMORY_LIMIT). A flag overrides the environment, which overrides the file, which
// overrides the default. Every mistake is reported at once, each with its origin: a place in the file, a variable or a
// flag.
//
// For example, this file and an environment with PLUMB_OFFLINE_MEMORY_LIMIT=4GB give a limit of 4GB, and plumb serve
// --offline-memory-limit 8GB one of 8GB:
//
//	project: prices
//	offline:
//	  memory_limit: 2GB
//
// A setting is declared once, in a list (settings.go). Its key in the file, its flag, its variable, its default and its
// text in --help come from that entry, so a new setting is a new entry and a function that checks its value.
package config

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/registry/spec"
)

// Config is the configuration of a project, checked and complete.
type Config struct {
	// ProjectDir is the folder of plumb.yaml, as an absolute path. Definitions and Offline.Roots are relative to it.
	ProjectDir string
	// Project is the name under which everything is registered and stored.
	Project string
	// Definitions are files or folders; at least one.
	Definitions []string
	Registry    ConnectionString
	OnlineStore ConnectionString
	// OnlineRetention is how long an expired row is kept before a store may forget it (R13).
	OnlineRetention time.Duration
	Offline         Offline
	Objects         Objects
	Serving         Serving
	Push            Push
	Lineage         Lineage
	// Databases are those that rows are pulled from, by name; see Database.
	Databases map[string]Database
}

// Offline configures how sources are read.
type Offline struct {
	// Engine is DuckDBEngine or SparkEngine, and Spark configures the latter.
	Engine string
	Spark  Spark
	// Roots are the folders below which sources may lie, and s3://BUCKET/KEY for objects; at least one.
	Roots []string
	// MemoryLimit is a size such as 2GB.
	MemoryLimit string
	// Threads is the number of worker threads; 0 for all cores.
	Threads int
	// TempDir is the folder for temporary files, relative to the project; empty for the system's.
	TempDir string
	// TempLimit is how much disk one operation may take there, a size such as 20GB; empty for 90 % of what is free.
	TempLimit string
	// CacheDir is the absolute path of the folder that keeps what was fetched of objects; empty for none. CacheLimit is
	// how many bytes it may take.
	CacheDir   string
	CacheLimit int64
}

// MemoryBytes is the memory limit in bytes.
func (o Offline) MemoryBytes() int64 {
	size, err := parseSize(o.MemoryLimit)
	if err != nil { // A loaded configuration has a size.
		return math.MaxInt64
	}
	return size
}

// ProgramBytes is what Go may hold besides the memory of joins: definitions, connections, calls.
const ProgramBytes = 64 << 20

// GoBytes is the memory limit of Go. Three eighths of the limit are for the indexes of joins, which are at most a
// quarter together, and for what else joins hold in the heap or leave to be collected. The rest, five eighths, is for
// DuckDB. ProgramBytes come on top, or a small limit would make Go collect garbage all the time.
func (o Offline) GoBytes() int64 {
	bytes := o.MemoryBytes() / 8 * 3
	return bytes + min(ProgramBytes, math.MaxInt64-bytes)
}

// ServingShare is what a server gives to each of the jobs that may run in it at a time: joins over Flight, operations,
// and one request that reads sources. Together they stay within the memory limit. With the defaults these are 2, 1 and
// 1 jobs, and each has 500MB of the 2GB.
func (c *Config) ServingShare() string {
	return c.Offline.MemoryShare(c.Serving.FlightJobs + c.Serving.Operations + 1)
}

// MemoryShare is the memory limit divided by the number of jobs that share it, in whole megabytes and at least one.
func (o Offline) MemoryShare(jobs int) string {
	size, err := parseSize(o.MemoryLimit)
	if err != nil { // A loaded configuration has a size.
		return o.MemoryLimit
	}
	if share := size / int64(jobs); share >= 1e6 {
		return fmt.Sprintf("%dMB", share/1e6)
	}
	return "1MB"
}

// Serving has the addresses to serve at, each a host:port, and the limits to serve within. HTTP is empty if it is not
// served, Feast if clients of Feast are not. If Flight is empty, Arrow Flight is served at the address of gRPC alone.
type Serving struct {
	GRPC, HTTP, Flight, Feast string
	// Hosts are the names that HTTP is asked by besides loopback and its address, "*" for any.
	Hosts []string
	// Refresh is how often the registry and the store are asked, above nothing.
	Refresh time.Duration
	// MaxConcurrent is how many look-ups and pushes are answered at a time, at least 1.
	MaxConcurrent int
	// Admin is empty if operators are not answered.
	Admin string
	// LogFormat is text or json.
	LogFormat string
	// FlightJobs is how many joins run at a time, at least 1; FlightQueue how many more calls wait.
	FlightJobs, FlightQueue int
	// FlightSpool bounds the label rows of one call on disk, in bytes.
	FlightSpool int64
	// FlightIdle bounds how long a client may take to send or take a message, above nothing.
	FlightIdle time.Duration
	// Operations is how many operations run at a time, at least 1; OperationQueue how many more wait.
	Operations, OperationQueue int
	Audit                      Audit
	Security                   Security
}

// FileName is the name of the file that makes a folder a project.
const FileName = "plumb.yaml"

// Load reads the configuration of the project that the overrides name, or else of the one that the folder dir is in.
// getenv is os.Getenv; a variable that is set to nothing counts as not set.
//
// It fails with a *spec.Problems that lists every mistake in the configuration, with a *fault.InputError if there is no
// project, and with any other error if the file cannot be read.
func Load(dir string, overrides *Overrides, getenv func(string) string) (*Config, error) {
	projectDir, err := findProject(dir, overrides, getenv)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(projectDir, FileName))
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	file, err := readFile(text)
	if err != nil {
		return nil, err
	}
	loader := &loader{config: &Config{ProjectDir: projectDir}, getenv: getenv, problems: file.problems}
	for _, setting := range settings {
		loader.apply(setting, overrides.values[setting.Key], file.values[setting.Key], file.faulty[setting.Key])
	}
	if err := spec.NewProblems(loader.problems); err != nil {
		return nil, err
	}
	return loader.config, nil
}

// findProject returns the absolute path of the project's folder. Without a name it is the nearest folder with a
// plumb.yaml, from the working directory upwards, so that commands work anywhere in a project.
func findProject(dir string, overrides *Overrides, getenv func(string) string) (string, error) {
	named, origin := overrides.projectDir, projectDirFlag
	if named == "" {
		named, origin = getenv(projectDirVariable), projectDirVariable
	}
	start, err := filepath.Abs(dir)
	switch {
	case err != nil:
		return "", fmt.Errorf("look for the project: %w", err)
	case filepath.IsAbs(named):
		return named, checkProject(named, origin)
	case named != "":
		named = filepath.Join(start, named)
		return named, checkProject(named, origin)
	}
	for folder := start; ; folder = filepath.Dir(folder) {
		if found, err := holdsProject(folder); found || err != nil {
			return folder, err
		}
		if folder == filepath.Dir(folder) {
			return "", fault.Inputf("", "there is no %s in %s or above it; make a project with plumb init, or name one "+
				"with %s", FileName, start, projectDirFlag)
		}
	}
}

func checkProject(folder, origin string) error {
	found, err := holdsProject(folder)
	if err == nil && !found {
		return fault.Inputf(origin, "%s holds no %s; name the folder of a project, or make one with plumb init", folder,
			FileName)
	}
	return err
}

func holdsProject(folder string) (bool, error) {
	info, err := os.Stat(filepath.Join(folder, FileName))
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("look for the project: %w", err)
	}
	return !info.IsDir(), nil
}
