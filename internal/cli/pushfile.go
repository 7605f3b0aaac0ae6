package cli

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/project"
	"github.com/plumbstore/plumb/push"
)

// pushFile returns what decodes a file, which has to be there.
func pushFile(ctx context.Context, p *project.Project, path string) (push.Decoder, error) {
	format := strings.ToLower(filepath.Ext(path))
	if !slices.Contains([]string{".parquet", ".csv", ".jsonl"}, format) {
		return nil, fault.Inputf("", "file %s has to end in .parquet, .csv or .jsonl", path)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fault.Inputf("", "cannot read file %s: %v", path, disk.Reason(err))
	}
	if err := disk.CheckRegular(path, info); err != nil {
		return nil, fault.Inputf("", "cannot read file %s: %v", path, disk.Reason(err))
	}
	if format == ".jsonl" {
		return push.Lines{Path: path}, nil
	}
	engine, err := p.Offline(ctx)
	if err != nil {
		return nil, err
	}
	return push.File{Engine: engine, Path: path}, nil
}
