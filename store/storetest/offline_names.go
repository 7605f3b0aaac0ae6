package storetest

import (
	"errors"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/plumbstore/plumb/internal/fault"
)

// namesByCase allows an engine whose own names know no case to refuse, but not to rename.
func namesByCase(t *testing.T, suite Offline) {
	folder := t.TempDir()
	engine := suite.Start(t, folder, 2)
	c := caseOf(t, folder, weather)
	labels := &c.Joins[0].Question.Labels
	labels.stored = append(labels.stored, Column{Name: "Temp", Form: arrow.BinaryTypes.String, Values: []any{"hot"}})
	err := c.hold(t.Context(), engine)
	var collision *fault.CollisionError
	if err != nil && (!errors.As(err, &collision) || !strings.Contains(err.Error(), "temp")) {
		t.Error(err)
	}
}

func engineNames(t *testing.T, suite Offline) {
	folder := t.TempDir()
	engine := suite.Start(t, folder, 2)
	holdAll(t, engine, caseOf(t, folder, `
view rowid (k0 STRING) ttl 1h: n INT64, t INT64, o INT64, rowid INT64, e INT64, best INT64, labels INT64
load rowid
  k0   event  n  t  o  rowid e best labels
  "a"  06:00  9  9  9  9     9 9    9
  "a"  06:00  1  2  3  4     5 6    7
join rowid
  k0   c0   l    p0   found0  n0   file_index event_timestamp | n  t  o  rowid e best labels
  "a"  "1"  "2"  "3"  "4"     "5"             "6"      06:30           | 1  2  3  4     5 6    7
newest rowid (-, 07:00]
  k0   event  n  t  o  rowid e best labels
  "a"  06:00  1  2  3  4     5 6    7
`))
}

// columnsReadTwice reads one column as two features, the key and the event time as features, and one source in two
// views.
func columnsReadTwice(t *testing.T, suite Offline) {
	folder := t.TempDir()
	engine := suite.Start(t, folder, 2)
	c := caseOf(t, folder, `
view weather (airport STRING): temp FLOAT64, again FLOAT64, code STRING, seen TIMESTAMP
view other (airport STRING) ttl 1h: temp FLOAT64
load weather
  airport  event  temp  again  code   seen
  "EWR"    06:00  1     1      "EWR"  06:00
  "EWR"    07:00  2     2      "EWR"  07:00
load other
  airport  event  temp
  "EWR"    06:00  1
  "EWR"    07:00  2
join full_names weather, other
  airport  event_timestamp | weather__temp weather__again weather__code weather__seen other__temp
  "EWR"    06:30           | 1             1              "EWR"         06:00         1
  "EWR"    08:30           | 2             2              "EWR"         07:00         EXPIRED
newest weather (-, 08:00]
  airport  event  temp  again  code   seen
  "EWR"    07:00  2     2      "EWR"  07:00
`)
	views := c.World.Definitions.FeatureViews
	views[0].Features[1].Column, views[0].Features[2].Column, views[0].Features[3].Column = "temp", "airport", "event"
	views[1].Source = views[0].Source
	c.World.Files[0].Columns = c.World.Files[0].Columns[:3]
	c.World.Files[0].stored = nil
	if err := c.World.Write(); err != nil {
		t.Fatal(err)
	}
	holdAll(t, engine, c)
}

// placeNames allows an engine to refuse a source whose columns hide those with which it identifies rows, but not to be
// misled by them.
func placeNames(t *testing.T, suite Offline) {
	folder := t.TempDir()
	engine := suite.Start(t, folder, 2)
	for _, name := range []string{"file_row_number", "filename", "file_index", "File_Row_Number"} {
		c := caseOf(t, folder, strings.ReplaceAll(`
view rowid (k0 STRING) ttl 1h: n INT64
load rowid
  k0   event  n  NAME:INT64
  "a"  06:00  9  7
  "a"  06:00  1  0
load rowid
  k0   event  n  NAME:INT64
  "b"  06:00  9  7
  "b"  06:00  1  0
join rowid
  k0   event_timestamp | n
  "a"  06:30           | 1
  "b"  06:30           | 1
`, "NAME", name))
		err := c.hold(t.Context(), engine)
		if err != nil && refused(err, name) != nil {
			t.Error(err)
		}
	}
}
