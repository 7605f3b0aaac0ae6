package duckdb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/duckdb/duckdb-go/v2/mapping"
	"github.com/dustin/go-humanize"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/source/objects"
	"github.com/plumbstore/plumb/store/duckdb/session"
	"github.com/plumbstore/plumb/store/duckdb/sourcefiles"
)

// Config says where sources are and what the engine may use.
type Config struct {
	// ProjectDir is the folder that source paths are relative to.
	ProjectDir string
	// Roots are the folders, relative to ProjectDir, below which sources must lie. None: nothing can be read.
	Roots []string
	// MemoryLimit bounds what an operation holds in memory, such as "2GB", which is the default. What exceeds it spills to
	// disk.
	MemoryLimit string
	// Threads is the number of worker threads; 0 for one for each core.
	Threads int
	// TempDir is the folder to make spill folders in, relative to ProjectDir; empty for the system's.
	TempDir string
	// TempLimit bounds the disk that one operation may spill to, such as "20GB"; empty for DuckDB's own default, 90 % of
	// what is free when the operation starts.
	TempLimit string
	// Objects has the objects of roots that begin with s3://; nil if none does.
	Objects *objects.Store
	// Disk is where results of joins are written, beside what DuckDB writes itself. It is the machine's unless it is set.
	Disk disk.Disk
}

// Engine implements offline.Engine.
type Engine struct {
	config Config
	finder *sourcefiles.Finder
	// sessions is how each operation's DuckDB instance runs.
	sessions session.Options
	hashing  hashing
	choosing choosing
}

// Open checks the configuration. It starts no instance and reads no source.
func Open(config Config) (*Engine, error) {
	project, err := filepath.Abs(config.ProjectDir)
	if err != nil {
		return nil, fmt.Errorf("project folder: %w", err)
	}
	config.ProjectDir = project
	memory, err := humanize.ParseBytes(cmp.Or(config.MemoryLimit, "2GB"))
	if err != nil {
		return nil, fmt.Errorf("memory limit %q: %w", config.MemoryLimit, err)
	}
	// A quarter is for the index of labels, and an eighth for what else Go's heap holds; see config.Offline.GoBytes.
	engine := &Engine{config: config, choosing: choosing{indexBytes: int64(memory / 4), passes: 1}}
	if engine.config.TempDir, err = engine.tempDir(); err != nil {
		return nil, err
	}
	engine.sessions = session.Options{
		DatabaseBytes: memory / 8 * 5, ArrowBytes: int64(memory/4) / 2 * 3, Threads: config.Threads,
		TempDir: engine.config.TempDir, TempLimit: config.TempLimit, MemoryLimit: config.MemoryLimit,
	}
	session.SweepSpills(engine.config.TempDir)
	if engine.finder, err = sourcefiles.NewFinder(project, config.Roots, config.Objects); err != nil {
		return nil, err
	}
	// What is wrong with the folder is said before the first operation.
	_, remove, err := engine.Scratch()
	if err != nil {
		return nil, err
	}
	return engine, remove()
}

// Close releases nothing: an Engine holds no instance between operations.
func (e *Engine) Close() error { return nil }

// Locate implements offline.Files.
func (e *Engine) Locate(path string) (string, error) { return e.finder.Locate(path) }

// LocateObject implements offline.Files.
func (e *Engine) LocateObject(name string) error { return e.finder.LocateObject(name) }

// LeftOut implements offline.Advisor.
func (e *Engine) LeftOut(ctx context.Context, source *feature.Source) ([]string, error) {
	reading := e.finder.Begin(e.Scratch)
	left, err := e.finder.LeftOut(ctx, source, reading)
	if reading != nil {
		err = errors.Join(err, reading.Close())
	}
	return left, err
}

// LogFolder returns the absolute path of a push log's folder, which need not be there yet and has to lie below the
// roots, wherever symbolic links lead.
func LogFolder(config Config, path string) (string, error) {
	return sourcefiles.LogFolder(config.ProjectDir, config.Roots, path)
}

// PulledFolder is LogFolder for the folder that rows are pulled to.
func PulledFolder(config Config, path string) (string, error) {
	return sourcefiles.FolderBelow(config.ProjectDir, config.Roots, "path", path)
}

// newSession starts the DuckDB instance of an operation.
func (e *Engine) newSession(ctx context.Context) (*session.Session, error) {
	return session.Open(ctx, e.sessions)
}

// tempDir is the folder for spill folders.
func (e *Engine) tempDir() (string, error) {
	if e.config.TempDir == "" {
		return os.TempDir(), nil
	}
	folder := filepath.Clean(e.config.TempDir)
	if !filepath.IsAbs(folder) {
		folder = filepath.Join(e.config.ProjectDir, folder)
	}
	info, err := os.Stat(folder)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "", fault.Inputf("offline.temp_dir", "folder %s does not exist; make it, or name another", folder)
	case err != nil:
		return "", fmt.Errorf("offline.temp_dir: %w", err)
	case !info.IsDir():
		return "", fault.Inputf("offline.temp_dir", "%s is not a folder; name one", folder)
	}
	return folder, nil
}

// Version returns the version of DuckDB.
func Version() string { return mapping.LibraryVersion() }

// Scratch implements offline.Files. The folder is among the spill folders.
func (e *Engine) Scratch() (folder string, remove func() error, err error) {
	return session.Scratch(e.config.TempDir)
}
