package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/plumbstore/plumb/bench/process"
)

// contest is one line of the table: what plumb is asked for, and what DuckDB does for it by hand.
type contest struct {
	// id is what the command line calls it.
	id, name, labels, service string
	// sources are the files that the hand-written program joins, one after the other.
	sources []string
	// groups has DuckDB group the files of the one source by key, in place of a join.
	groups bool
	// options are more arguments for plumb.
	options []string
	// computes has DuckDB compute expressions over the label rows, in place of a join.
	computes bool
}

func contests() []contest {
	var list []contest
	for _, c := range []struct{ service, source, values string }{
		{"uniform", uniformFile, "features"},
		{"decimals", decimalsFile, "features of three decimals"},
	} {
		for _, labels := range labelCounts {
			list = append(list, contest{
				id:     fmt.Sprintf("%s-%d", c.service, labels),
				name:   fmt.Sprintf("%s rows x %d %s, %s labels", commas(featureRows), features, c.values, commas(labels)),
				labels: labelFile(labels), service: c.service, sources: []string{c.source},
			})
		}
	}
	list = append(list, wideContest())
	for _, files := range fileCounts {
		list = append(list, contest{
			id: fmt.Sprintf("files-%d", files),
			name: fmt.Sprintf("%s files of %s rows x %d features, %s labels", commas(files), commas(fileRows), features,
				commas(fileLabels)),
			labels: filesLabels, service: fmt.Sprintf("files%d", files),
			sources: []string{filesFolder(files) + "/*.parquet"}, groups: true,
		})
	}
	for _, columns := range columnCounts {
		list = append(list, contest{
			id:     fmt.Sprintf("columns-%d", columns),
			name:   fmt.Sprintf("%d labels of %s columns", columnLabels, commas(columns)),
			labels: columnsFile(columns), service: "small", sources: []string{smallFile},
		})
	}
	computed := contest{id: "computed", labels: inputsFile, service: "computed", computes: true,
		name: fmt.Sprintf("%d expressions over %s label rows", len(computedFeatures), commas(inputRows))}
	bare := computed
	bare.id, bare.name, bare.options = "computed-bare", computed.name+", no manifest", []string{"--no-manifest"}
	return append(list, computed, bare)
}

func wideContest() contest {
	const labels = 200_000
	wide := contest{id: "wide", name: fmt.Sprintf("%d views of %s rows x %d features, %s labels", wideViews,
		commas(wideRows), features, commas(labels)), labels: labelFile(labels), service: "wide"}
	for view := range wideViews {
		wide.sources = append(wide.sources, wideFile(view))
	}
	return wide
}

// chosen returns the contests whose ids begin with one of the given texts, or all contests if none is given.
func chosen(beginnings []string) ([]contest, error) {
	all := contests()
	if len(beginnings) == 0 {
		return all, nil
	}
	var some []contest
	for _, beginning := range beginnings {
		found := len(some)
		for _, c := range all {
			if strings.HasPrefix(c.id, beginning) {
				some = append(some, c)
			}
		}
		if len(some) == found {
			var ids []string
			for _, c := range all {
				ids = append(ids, c.id)
			}
			return nil, fmt.Errorf("no contest begins with %q; there are %s", beginning, strings.Join(ids, ", "))
		}
	}
	return some, nil
}

// files are the files and folders that the contests read.
func files(list []contest) []string {
	var names []string
	for _, c := range list {
		names = append(append(names, c.labels), c.sources...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// byHand lets DuckDB join the sources, in a process each, or group the one source, or compute expressions.
func (c contest) byHand(ctx context.Context, folder string) (total process.Taken, err error) {
	if c.computes {
		return process.Self(ctx, folder, computing, c.labels, handResult(0))
	}
	if c.groups {
		return process.Self(ctx, folder, grouping, c.sources[0], handResult(0))
	}
	return c.joinsByHand(ctx, folder)
}

func (c contest) joinsByHand(ctx context.Context, folder string) (total process.Taken, err error) {
	for i, source := range c.sources {
		took, err := process.Self(ctx, folder, handwritten, c.labels, source, handResult(i))
		if err != nil {
			return total, err
		}
		total = total.Then(took)
	}
	return total, nil
}

// check fails unless plumb's result has the values of the joins by hand.
func (c contest) check(ctx context.Context, folder string) error {
	if c.computes {
		_, err := process.Self(ctx, folder, comparing, plumbResult, handResult(0))
		return err
	}
	if c.groups {
		if _, err := c.joinsByHand(ctx, folder); err != nil {
			return err
		}
	}
	for i := range c.sources {
		prefix := ""
		if len(c.sources) > 1 {
			prefix = fmt.Sprintf("wide%d__", i)
		}
		if _, err := process.Self(ctx, folder, comparing, plumbResult, handResult(i), prefix); err != nil {
			return err
		}
	}
	return nil
}

func handResult(i int) string { return fmt.Sprintf("hand%d.parquet", i) }
