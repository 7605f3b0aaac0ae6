package spark

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/source/objects"
	"github.com/plumbstore/plumb/store/offline"
	"github.com/plumbstore/plumb/store/spark/connect"
)

// Server is a Spark Connect server, and how to reach it.
type Server = connect.Config

// Config says which Spark server reads sources, and what the rows that it finds are given to.
type Config struct {
	// Server is the server, and the settings of its sessions.
	Server Server
	// Staging is a folder, relative to ProjectDir, that the server and this process have under one path, and may both
	// write to.
	Staging string
	// ProjectDir is the folder that source paths are relative to. The server has it under the same path.
	ProjectDir string
	// Embedded is the engine of the project. It reads label files and footers, and checks what is asked for. It is closed
	// with the engine.
	Embedded offline.Engine
	// Over opens an embedded engine for a folder of staged rows, which is its project folder and its one root.
	Over func(folder string) (offline.Engine, error)
}

// Engine implements offline.Engine. What needs no rows of sources at scale is the embedded engine's.
type Engine struct {
	offline.Engine

	config Config
}

// settings are those of every session, whatever the configuration says: values and instants depend on them.
var settings = map[string]string{
	"spark.sql.session.timeZone":                             "UTC",
	"spark.sql.ansi.enabled":                                 "true",
	"spark.sql.ansi.doubleQuotedIdentifiers":                 "true",
	"spark.sql.caseSensitive":                                "false",
	"spark.sql.parquet.outputTimestampType":                  "TIMESTAMP_MICROS",
	"spark.sql.parquet.inferTimestampNTZ.enabled":            "true",
	"spark.sql.parquet.binaryAsString":                       "false",
	"spark.sql.parquet.int96AsTimestamp":                     "true",
	"spark.sql.parquet.int96TimestampConversion":             "false",
	"spark.sql.parquet.writeLegacyFormat":                    "false",
	"spark.sql.parquet.datetimeRebaseModeInRead":             "CORRECTED",
	"spark.sql.parquet.datetimeRebaseModeInWrite":            "CORRECTED",
	"spark.sql.parquet.int96RebaseModeInRead":                "CORRECTED",
	"spark.sql.legacy.parquet.nanosAsLong":                   "true",
	"spark.sql.legacy.timeParserPolicy":                      "CORRECTED",
	"spark.sql.files.ignoreCorruptFiles":                     "false",
	"spark.sql.files.ignoreMissingFiles":                     "false",
	"spark.sql.sources.partitionColumnTypeInference.enabled": "false",
	"mapreduce.fileoutputcommitter.marksuccessfuljobs":       "true",
}

// Open checks the configuration. It asks nothing of the server.
func Open(config Config) (*Engine, error) {
	if objects.IsLocation(config.Staging) {
		return nil, fault.Inputf("offline.spark.staging", "object stores are not supported there yet; name a folder that "+
			"Plumb and Spark have under one path")
	}
	if config.Staging == "" {
		return nil, fault.Inputf("offline.spark.staging", "is missing; name a folder that Plumb and Spark have under "+
			"one path")
	}
	project, err := filepath.Abs(config.ProjectDir)
	if err != nil {
		return nil, fmt.Errorf("project folder: %w", err)
	}
	config.ProjectDir = project
	if !filepath.IsAbs(config.Staging) {
		config.Staging = filepath.Join(project, config.Staging)
	}
	all := maps.Clone(config.Server.Settings)
	if all == nil {
		all = map[string]string{}
	}
	for key, value := range settings {
		if set, ok := all[key]; ok && set != value {
			return nil, fault.Inputf("offline.spark.settings", "%s is %s for every session, since values depend on it; leave "+
				"it out", key, value)
		}
		all[key] = value
	}
	config.Server.Settings = all
	return &Engine{Engine: config.Embedded, config: config}, nil
}

// Division implements offline.Store. The hash is the same in every version of Spark.
func (e *Engine) Division() string { return "spark xxhash64" }

// sourcesOf lists the sources of views, each once.
func sourcesOf(views []*feature.View) []*feature.Source {
	var sources []*feature.Source
	seen := map[*feature.Source]bool{}
	for _, view := range views {
		if !seen[view.Source] {
			seen[view.Source] = true
			sources = append(sources, view.Source)
		}
	}
	return sources
}

// checkUnchanged refuses inputs that have changed since they were listed.
func (e *Engine) checkUnchanged(ctx context.Context, sources []*feature.Source, listed []feature.Input) error {
	now, err := e.Inputs(ctx, sources)
	if err != nil {
		return err
	}
	for _, was := range listed {
		found, there := find(now, was)
		switch {
		case !there:
			return fault.Inputf("", "%s was removed while it was in use; run again", was.Name)
		case found.Version.ID() != was.Version.ID() || !found.Version.Written().Equal(was.Version.Written()):
			return fault.Inputf("", "%s was changed while it was in use; run again once it is whole", was.Name)
		}
	}
	return nil
}

// find is the input among others.
func find(among []feature.Input, input feature.Input) (feature.Input, bool) {
	for _, other := range among {
		if other.Source == input.Source && other.Name == input.Name {
			return other, true
		}
	}
	return feature.Input{}, false
}
