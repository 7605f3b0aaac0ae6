package main

import (
	"context"
	"fmt"
	"math"
	"path/filepath"

	"github.com/plumbstore/plumb/audit/auditlog"
	"github.com/plumbstore/plumb/feature"
)

// withAudit prints the table of servers that keep an audit log, beside one that keeps none: of the default share of
// entities, of ten times as many, and of all.
func (s *servers) withAudit(ctx context.Context, plumb, folder string) error {
	fmt.Println("\n| rows x features | callers | rate | with audit p50 | p99 | per second | without p50 | p99 | " +
		"per second | p50 ratio | p99 ratio | per second ratio | look-ups' rows that were logged |\n" +
		"|---|---|---|---|---|---|---|---|---|---|---|---|---|")
	for _, rate := range []string{"0.01", "0.1", "all"} {
		for _, shape := range s.chosen.shapes {
			for _, count := range s.chosen.callers {
				if err := s.contestAudit(ctx, plumb, folder, rate, shape, count); err != nil {
					return fmt.Errorf("%s, %d callers, an audit log of %s: %w", shape, count, rate, err)
				}
			}
		}
	}
	return nil
}

// contestAudit prints one line of the table.
func (s *servers) contestAudit(ctx context.Context, plumb, folder, rate string, shape shape, count int) error {
	log := filepath.Join(folder, fmt.Sprint("audit-", rate, "-", shape.short(), "-", count))
	keeping, err := startPlumb(ctx, plumb, projectOf(folder, shape.views), s.redis.URL(), "--serving-audit-dir", log,
		"--serving-audit-rate", rate)
	if err != nil {
		return err
	}
	result, err := s.contest(ctx,
		func() ([]caller, error) { return keeping.plumbCallers(shape, count) },
		func() ([]caller, error) { return s.plumb[shape.views].plumbCallers(shape, count) })
	if err != nil {
		_ = keeping.stop() // What went wrong before says more.
		return err
	}
	if err := keeping.end(); err != nil {
		return err
	}
	logged, err := rowsLogged(log, fmt.Sprint("bench", shape.views))
	if err != nil {
		return err
	}
	asked := result.firstCalls * shape.rows
	fmt.Printf("| %s | %d | %s | %s | %s | %.2f | %.2f | %.2f | %.2f %% |\n", shape, count, rate, figures(result.first),
		figures(result.second), result.p50, result.p99, result.perSecond, 100*float64(logged)/float64(asked))
	return nil
}

// rowsLogged counts the rows in all finished files of a log.
func rowsLogged(log, project string) (rows int64, err error) {
	paths, err := auditlog.Find(log, project, feature.Instant(math.MinInt64), math.MaxInt64)
	if err != nil {
		return 0, err
	}
	for _, path := range paths {
		file, err := auditlog.Open(path)
		if err != nil {
			return 0, err
		}
		rows += file.Rows
		if err := file.Close(); err != nil {
			return 0, err
		}
	}
	return rows, nil
}
