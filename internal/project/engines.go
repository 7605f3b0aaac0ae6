package project

import (
	"context"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/plumbstore/plumb/internal/config"
	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/parity"
	"github.com/plumbstore/plumb/registry"
	"github.com/plumbstore/plumb/registry/sqldb"
	"github.com/plumbstore/plumb/source/objects"
	"github.com/plumbstore/plumb/store/duckdb"
	"github.com/plumbstore/plumb/store/offline"
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/plainread"
	"github.com/plumbstore/plumb/store/pulled"
	"github.com/plumbstore/plumb/store/pulled/postgres"
	"github.com/plumbstore/plumb/store/pushlog"
	"github.com/plumbstore/plumb/store/redis"
	"github.com/plumbstore/plumb/store/spark"
	"github.com/plumbstore/plumb/store/sqlite"
)

// This is the one place that picks engines.

// Registry is a registry with its ledger.
type Registry interface {
	registry.Registry
	registry.Ledger
	registry.ShardLedger
	io.Closer
}

func openRegistry(ctx context.Context, c *config.Config) (Registry, error) {
	return sqldb.Open(ctx, c.Registry.Reveal())
}

// openOnline picks the online store by the scheme of its URL. The configuration has checked it, so what is not SQLite
// is one of the forms of Redis.
func openOnline(ctx context.Context, c *config.Config, now func() time.Time) (online.Store, error) {
	if c.OnlineStore.Scheme() == "sqlite" {
		return sqlite.Open(ctx, c.OnlineStore.Path(), sqlite.WithClock(now))
	}
	return redis.Open(ctx, c.OnlineStore.Reveal(), redis.WithClock(now))
}

// Offline is an offline engine.
type Offline = offline.Engine

func openOffline(c *config.Config, on disk.Disk) (Offline, error) {
	configured, err := duckdbConfig(c)
	if err != nil {
		return nil, err
	}
	configured.Disk = on
	return openEngine(c, configured)
}

// openEngine opens the engine that the configuration names. DuckDB is embedded in each.
func openEngine(c *config.Config, configured duckdb.Config) (Offline, error) {
	embedded, err := duckdb.Open(configured)
	if err != nil {
		return nil, err
	}
	if c.Offline.Engine != config.SparkEngine {
		return embedded, nil
	}
	if configured.TempDir != "" && !filepath.IsAbs(configured.TempDir) {
		configured.TempDir = filepath.Join(c.ProjectDir, configured.TempDir)
	}
	over := func(folder string) (offline.Engine, error) {
		staged := configured
		staged.ProjectDir, staged.Roots, staged.Objects = folder, []string{"."}, nil
		return duckdb.Open(staged)
	}
	server := c.Offline.Spark
	return spark.Open(spark.Config{
		Server: spark.Server{
			Remote: server.Remote.Reveal(), Token: server.Token.Reveal(), Settings: server.Settings,
			CA: server.CA, Cert: server.Cert, Key: server.Key, ServerName: server.ServerName,
		},
		Staging: server.Staging, ProjectDir: c.ProjectDir, Embedded: embedded, Over: over,
	})
}

// shared opens an offline engine that runs that many operations concurrently: each operation has its own memory, so
// each gets its share. It is closed with the project. The witness reads the same sources in another way.
func (p *Project) shared(operations int) (parity.Offline, offline.Witness, error) {
	divided, err := duckdbConfig(p.Config)
	if err != nil {
		return nil, nil, err
	}
	divided.MemoryLimit = p.Config.Offline.MemoryShare(operations)
	engine, err := openEngine(p.Config, divided)
	if err != nil {
		return nil, nil, err
	}
	p.closeLater(engine)
	return engine, plainread.New(engine, divided.ProjectDir, divided.Objects), nil
}

// openServing opens the offline engine for joins side by side: each operation of an engine has its own memory, so each
// gets its share.
func openServing(_ context.Context, c *config.Config) (Serving, error) {
	shared, err := duckdbConfig(c)
	if err != nil {
		return nil, err
	}
	shared.MemoryLimit = c.ServingShare()
	return openEngine(c, shared)
}

// Serving is an offline engine for a server.
type Serving = offline.ServingEngine

func duckdbConfig(c *config.Config) (duckdb.Config, error) {
	configured := duckdb.Config{
		ProjectDir:  c.ProjectDir,
		Roots:       c.Offline.Roots,
		MemoryLimit: c.Offline.MemoryLimit,
		Threads:     c.Offline.Threads,
		TempDir:     c.Offline.TempDir,
		TempLimit:   c.Offline.TempLimit,
	}
	if !slices.ContainsFunc(c.Offline.Roots, objects.IsLocation) {
		return configured, nil
	}
	var err error
	configured.Objects, err = openObjects(c)
	return configured, err
}

// openObjects opens the store of objects. Nothing is asked of its server yet.
func openObjects(c *config.Config) (*objects.Store, error) {
	if err := c.Objects.Check(); err != nil {
		return nil, err
	}
	return objects.New(objects.Config{
		Endpoint: c.Objects.Endpoint, Region: c.Objects.Region, Addressing: c.Objects.Addressing,
		AccessKey: c.Objects.AccessKey.Reveal(), SecretKey: c.Objects.SecretKey.Reveal(),
		SessionToken: c.Objects.SessionToken.Reveal(),
		CacheDir:     c.Offline.CacheDir, CacheLimit: c.Offline.CacheLimit,
	})
}

// LogFolder is the absolute folder of a push log. If its Parquet files are objects, it has the write-ahead files alone.
func (p *Project) LogFolder(path string) (string, error) {
	if !objects.IsLocation(path) {
		return duckdb.LogFolder(localConfig(p.Config), path)
	}
	at, err := p.logLocation(path)
	return filepath.Join(p.Config.Push.LogDir, at.Local()), err
}

// logLocation is what the names of the objects of a push log begin with. It lies below a root, since joins read it.
func (p *Project) logLocation(path string) (objects.Location, error) {
	at, err := objects.Parse(path)
	if err != nil {
		return at, err
	}
	for _, root := range p.Config.Offline.Roots {
		if objects.IsLocation(root) {
			if below, err := objects.Parse(root); err == nil && at.IsBelow(below) {
				return at, nil
			}
		}
	}
	return at, fault.Inputf("", "push log %s lies outside the folders that sources may be read from (offline.roots: %s)",
		path, strings.Join(p.Config.Offline.Roots, ", "))
}

// rolledLog keeps the Parquet files of a push log in an object store; nil if they are local files.
func (p *Project) rolledLog(path string) (pushlog.Rolled, error) {
	if !objects.IsLocation(path) {
		return nil, nil
	}
	at, err := p.logLocation(path)
	if err != nil {
		return nil, err
	}
	store, err := openObjects(p.Config)
	return rolledObjects{store, at}, err
}

// rolledObjects are objects whose names begin with that of a location and a slash.
type rolledObjects struct {
	store *objects.Store
	at    objects.Location
}

// Keep implements pushlog.Rolled.
func (r rolledObjects) Keep(ctx context.Context, path, name string) error {
	return r.store.Keep(ctx, path, r.at.At(r.at.Key+"/"+name))
}

// localConfig finds local folders alone.
func localConfig(c *config.Config) duckdb.Config {
	return duckdb.Config{ProjectDir: c.ProjectDir, Roots: c.Offline.Roots}
}

// pulledFolder is the absolute folder that a source is pulled to.
func (p *Project) pulledFolder(path string) (string, error) {
	return duckdb.PulledFolder(localConfig(p.Config), path)
}

// database is a state of a database that rows are pulled from.
type database interface {
	pulled.Snapshot
	// Zoneless are the columns whose times have no zone.
	Zoneless() []string
	Close(ctx context.Context)
}

// databaseSource is what is pulled of a database.
type databaseSource = postgres.Source

func openDatabase(ctx context.Context, source databaseSource) (database, error) {
	opened, err := postgres.Open(ctx, source)
	if err != nil {
		return nil, err // Not an interface that holds nothing.
	}
	return opened, nil
}

// OfflineVersion is the version of the offline engine.
func OfflineVersion() string { return duckdb.Version() }
