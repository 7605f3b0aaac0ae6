package storetest

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// unspelled are texts that spell no key of a type: writing the key that they might stand for gives another text. In a
// Parquet or Arrow file only a key of another type than text is spelled; BYTES are in CSV alone.
var unspelled = map[string][]string{
	"INT64": {"+4", "00004", "007", " 4", "4 ", "4.0", "1e2", "-0", "-04", "--4", "", "0x4", "1_000", "4\n", "four",
		"9223372036854775808", "-9223372036854775809", "٤"},
	"INT32": {"+4", "04", "-0", "", "4.0", "2147483648"},
	"BOOL":  {"True", "TRUE", "1", "0", "t", "yes", " true", ""},
	"BYTES": {"AB==", "AA", "AAB=", "A A=", "AA==AA==", "=", "AA=A"},
}

// textSpellsKeysInOneWay checks that labels of every format refuse other texts (R9).
func textSpellsKeysInOneWay(t *testing.T, suite Offline) {
	folder := t.TempDir()
	engine := suite.Start(t, folder, 2)
	for declared, written := range map[string][2]string{
		"INT64": {"4", "4"}, "INT32": {"-4", "-4"}, "BOOL": {"true", "true"}, "BYTES": {`x"04"`, "BA=="},
	} {
		c := caseOf(t, folder, strings.NewReplacer("TYPE", declared, "KEY", written[0]).Replace(`
view v (k TYPE): n INT64
load v
  k    event  n
  KEY  06:00  1
join v
  k    event_timestamp | n
  KEY  07:00           | 1
`))
		labels := &c.Joins[0].Question.Labels
		for _, ending := range []string{".parquet", ".arrow", ".csv"} {
			if declared == "BYTES" && ending != ".csv" {
				continue
			}
			labels.Path = strings.TrimSuffix(labels.Path, filepath.Ext(labels.Path)) + ending
			join := c.Joins[0]
			join.Question.Labels.stored[0] = textColumn("k", written[1])
			if err := c.holdJoin(t.Context(), engine, join); err != nil {
				t.Errorf("%s key %q in %s: %v", declared, written[1], ending, err)
			}
			for _, text := range unspelled[declared] {
				join.Question.Labels.stored[0] = textColumn("k", text)
				join.Fails = []string{`"k"`, "row 1", strings.TrimSpace(text)}
				if err := c.holdJoin(t.Context(), engine, join); err != nil {
					t.Errorf("%s key %q in %s: %v", declared, text, ending, err)
				}
			}
		}
	}
}

// untypedLabelKeys has labels whose key column has no type, as writers leave a column that saw no value.
func untypedLabelKeys(t *testing.T, suite Offline) {
	for _, declared := range KeyTypes {
		for _, ending := range []string{".parquet", ".arrow"} {
			t.Run(declared.String()+ending, func(t *testing.T) {
				folder := t.TempDir()
				engine := suite.Start(t, folder, 2)
				c := caseOf(t, folder, fmt.Sprintf(`
view prices (k %s): n INT64
load prices
  k     event  n
  null  06:00  1
join prices
  k:NULL  event_timestamp | n
  null    06:30           | NOT_FOUND
`, declared))
				c.labelsAs(ending)
				holdAll(t, engine, c)
			})
		}
	}
}
