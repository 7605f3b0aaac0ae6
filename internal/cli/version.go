package cli

import (
	"runtime/debug"

	"github.com/plumbstore/plumb/internal/project"

	"github.com/spf13/cobra"

	"github.com/plumbstore/plumb/internal/printable"
)

// build says what this binary was made of.
type build struct {
	Version string `json:"version"`
	// Commit is empty if the binary was built outside of version control.
	Commit string `json:"commit,omitempty"`
	Go     string `json:"go"`
	DuckDB string `json:"duckdb"`
}

func (a *application) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the versions of Plumb and of what it is made of",
		Args:  arguments(),
		RunE: func(*cobra.Command, []string) error {
			b := a.build()
			return a.print(b, func(w *printable.Writer) error {
				rows := [][]string{{"plumb", b.Version}, {"go", b.Go}, {"duckdb", b.DuckDB}}
				if b.Commit != "" {
					rows = append(rows, []string{"commit", b.Commit})
				}
				return w.Table(rows)
			})
		},
	}
}

func (a *application) build() build {
	b := build{Version: a.version, DuckDB: project.OfflineVersion()}
	if info, ok := debug.ReadBuildInfo(); ok {
		b.Go = info.GoVersion
		for _, setting := range info.Settings {
			if setting.Key == "vcs.revision" {
				b.Commit = setting.Value
			}
		}
	}
	return b
}
