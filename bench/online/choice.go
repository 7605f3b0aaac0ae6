package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// The tables.
const (
	ofClient    = "client"
	ofGenerated = "generated"
	leftAsIs    = "undecoded"
	ofManyViews = "views"
	ofSQLite    = "sqlite"
	ofJSON      = "json"
	ofPython    = "python"
	memory      = "memory"
	audited     = "audit"
	ofComputed  = "computed"
	ofWindows   = "windows"
	ofFeast     = "feast"
)

var (
	// usual are the tables that are measured unless some are chosen.
	usual        = []string{ofClient, ofGenerated, leftAsIs, ofManyViews, ofSQLite, ofJSON, ofPython, memory}
	tables       = append(slices.Clone(usual), audited, ofComputed, ofWindows, ofFeast)
	shapes       = []shape{{1, few}, {100, few}, {1, some}}
	callerCounts = []int{1, 16, 64}
)

// choice is what is to be measured.
type choice struct {
	tables  []string
	shapes  []shape
	callers []int
	rounds  int
	// python is what runs the benchmark of the Python client.
	python string
	// feast is the environment that Feast is installed in.
	feast string
	// profile, if set, is where a profile goes, instead of any table.
	profile string
}

func (c *choice) has(table string) bool { return slices.Contains(c.tables, table) }

// parseArguments returns what to measure, and the binary.
func parseArguments(args []string) (chosen choice, plumb string, err error) {
	flags := flag.NewFlagSet("online", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	chosen = choice{tables: usual, shapes: shapes, callers: callerCounts}
	flags.Func("tables", "", oneOf(tables, func(t string) string { return t }, &chosen.tables))
	flags.Func("shapes", "", oneOf(shapes, shape.short, &chosen.shapes))
	flags.Func("callers", "", oneOf(callerCounts, strconv.Itoa, &chosen.callers))
	flags.IntVar(&chosen.rounds, "rounds", 5, "")
	flags.StringVar(&chosen.python, "python", "bin/python/bin/python", "")
	flags.StringVar(&chosen.feast, "feast", "bin/feast", "")
	flags.StringVar(&chosen.profile, "profile", "", "")
	switch err := flags.Parse(args); {
	case err != nil:
		return choice{}, "", err
	case flags.NArg() != 1 || chosen.rounds < 1:
		return choice{}, "", errors.New("usage: " +
			"online [-tables …] [-shapes …] [-callers …] [-rounds …] [-python …] [-feast …] [-profile …] PLUMB")
	}
	return chosen, flags.Arg(0), nil
}

// oneOf parses a list of some of all that there are, named by a function.
func oneOf[T any](all []T, name func(T) string, chosen *[]T) func(string) error {
	return func(list string) error {
		*chosen = nil
		for wanted := range strings.SplitSeq(list, ",") {
			at := slices.IndexFunc(all, func(t T) bool { return name(t) == wanted })
			if at < 0 {
				names := make([]string, len(all))
				for i, each := range all {
					names[i] = name(each)
				}
				return fmt.Errorf("%q is none of %s", wanted, strings.Join(names, ", "))
			}
			*chosen = append(*chosen, all[at])
		}
		return nil
	}
}
