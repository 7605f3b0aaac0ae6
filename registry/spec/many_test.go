package spec

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// many is far more than the number of mistakes that are reported, and few enough to be parsed fast under the race
// detector.
const many = 20_000

// manyMistakes are files with many mistakes or more.
func manyMistakes() map[string]string {
	numbered := func(begin, line string) string {
		var text strings.Builder
		text.WriteString(begin)
		for i := range many {
			fmt.Fprintf(&text, line, i)
		}
		return text.String()
	}
	return map[string]string{
		"unknown keys":   "entities:\n" + strings.Repeat("  - {x: 1}\n", many),
		"wrong types":    "entities:\n" + strings.Repeat("  - [1]\n", many),
		"repeated names": "entities:\n" + strings.Repeat("  - {name: a, join_keys: [{name: a, type: INT64}]}\n", many),
		"unknown entities": numbered("feature_views:\n  - name: a\n    source: s\n"+
			"    features: [{name: f, type: INT64}]\n    entities:\n", "      - e%d\n"),
		"unknown features": numbered("sources: [{name: s, parquet: {path: s.parquet}, event_timestamp: at}]\n"+
			"feature_views: [{name: a, source: s, features: [{name: f, type: INT64}]}]\n"+
			"feature_services:\n  - name: x\n    features:\n      - view: a\n        features:\n", "          - f%d\n"),
		"unknown views": numbered("feature_services:\n  - name: x\n    features:\n", "      - {view: v%d}\n"),
	}
}

// What a mistake costs beyond the first thousand is that it is counted: no name is looked for, and nothing is worded.
func TestOfManyMistakesTheFirstAreToldAndTheOthersCounted(t *testing.T) {
	for name, text := range manyMistakes() {
		set, reading := Parse([]Text{{File: "f.yaml", Data: []byte(text)}})
		c := newChecker(set)
		if err := c.check(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		if len(set.problems)+len(c.found) > maxProblems {
			t.Errorf("%s: %d mistakes were worded", name, len(set.problems)+len(c.found))
		}
		if spent := maxComparisons - c.budget; spent > maxProblems*len(set.Definitions.GetFeatureViews()) {
			t.Errorf("%s: %d names were compared", name, spent)
		}
		told := cmp.Or(reading, newProblems(c.found, c.more)).Error()
		var more int
		last := told[strings.LastIndexByte(told, '\n')+1:]
		if _, err := fmt.Sscanf(last, "and %d more; mend those above first", &more); err != nil || more < many-maxProblems-1 {
			t.Errorf("%s: the last line is %q", name, last)
		}
	}
}

// With many names that might have been meant, the closest one is looked for as long as that takes no more than a bound.
func TestClosestNamesAreLookedForWithinABound(t *testing.T) {
	text := strings.Builder{}
	text.WriteString("sources: [{name: s, parquet: {path: s.parquet}, event_timestamp: at}]\nfeature_views:\n")
	for i := range 20_000 {
		fmt.Fprintf(&text, "  - {name: v%d, source: x%d, features: [{name: f, type: INT64}]}\n", i, i)
	}
	set, err := Parse([]Text{{File: "f.yaml", Data: []byte(text.String())}})
	if err != nil {
		t.Fatal(err)
	}
	c := newChecker(set)
	for i := range 2_000 {
		_ = c.suggest(fmt.Sprintf("w%d", i), c.viewNames).String()
	}
	if spent := 2_000*20_000 - maxComparisons; -c.budget != spent {
		t.Errorf("the budget ends at %d, want %d below nothing", c.budget, spent)
	}
	if got := c.suggest("w1", c.viewNames).String(); !strings.HasPrefix(got, "known: v0, ") {
		t.Errorf("beyond the bound: %s", got)
	}
}

func TestAFileAfterTheLastMistakeThatIsToldIsReadAsAnyOther(t *testing.T) {
	texts := []Text{
		{File: "a.yaml", Data: []byte("entities:\n" + strings.Repeat("  - {x: 1}\n", 2_000))},
		{File: "b.yaml", Data: []byte("entities: {}\n")},
		{File: "c.yaml", Data: []byte("entities: [1]\n")},
		{File: "d.yaml", Data: []byte("a: [")},
	}
	_, err := ReadTexts(t.Context(), texts, nil)
	if problems, ok := errors.AsType[*Problems](err); !ok || len(problems.All) != maxProblems+1 {
		t.Errorf("got %v", err)
	}
}

func TestACheckEndsWithItsContext(t *testing.T) {
	for name, text := range map[string]string{
		"push logs": "feature_views: [{name: a, source: s, push_log: {path: a}, features: [{name: f, type: INT64}]}]",
		"services":  "feature_services: [{name: a, features: [{view: a}]}]",
	} {
		set, err := Parse([]Text{{File: "f.yaml", Data: []byte(text)}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := set.Check(ctx, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// A service that refers to a view of many features many times would have more outputs than there is memory for.
func TestAServiceHasABoundedNumberOfFeatures(t *testing.T) {
	text := strings.Builder{}
	text.WriteString("sources: [{name: s, parquet: {path: s.parquet}, event_timestamp: at}]\n" +
		"feature_services:\n  - name: a\n    full_names: true\n    features:\n")
	for i := range 1_000 {
		fmt.Fprintf(&text, "      - {view: v, as: a%d}\n", i)
	}
	text.WriteString("feature_views:\n  - name: v\n    source: s\n    features:\n")
	for i := range 1_000 {
		fmt.Fprintf(&text, "      - {name: f%d, type: INT64}\n", i)
	}
	_, err := ReadTexts(t.Context(), []Text{{File: "f.yaml", Data: []byte(text.String())}}, nil)
	if err == nil || !strings.HasPrefix(err.Error(), "f.yaml:6:7: feature service \"a\" has more than 20000 features") {
		t.Errorf("got %v", err)
	}
}
