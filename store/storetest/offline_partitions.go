package storetest

import (
	"path"
	"testing"
)

// nestedPartitions has two columns in the names of folders, and files that differ.
func nestedPartitions(t *testing.T, suite Offline) {
	folder := t.TempDir()
	engine := suite.Start(t, folder, 2)
	c := caseOf(t, folder, `
view v (k STRING): year INT32, month STRING, n INT64
load v
  event  n:INT32_STORED  k    year  month
  06:00  1               "x"  2013  "01"
load v
  event  n  k    year  month
  06:00  2  "x"  2013  "01"
load v
  event  n  k    year  month
  07:00  3  "x"  2014  "a b/ü"
load v
  event  k    n:NULL year  month
  08:00  "x"  null   2014  null
join v
  k    event_timestamp | year  month    n
  "x"  06:30           | 2013  "01"     2
  "x"  07:30           | 2014  "a b/ü"  3
  "x"  08:30           | 2014  null     null
newest v (-, 07:30]
  k    event  year  month    n
  "x"  07:00  2014  "a b/ü"  3
`)
	c.pathOf().Path = path.Join(c.prefix, "parts")
	for i, name := range []string{"year=2013/month=01/a", "year=2013/month=01/b", "year=2014/month=a%20b%2F%C3%BC/a",
		"year=2014/month=__HIVE_DEFAULT_PARTITION__/a"} {
		file := &c.World.Files[i]
		file.Path, file.Columns = path.Join(c.prefix, "parts", name+".parquet"), file.Columns[:3]
		c.World.Histories["v"].Rows[i].File = file.Path
	}
	rewrite(t, c)
	holdAll(t, engine, c)
}

// inFolders moves the files to places below the source's folder.
func inFolders(places ...string) func(c *Case) {
	return func(c *Case) {
		c.pathOf().Path = path.Join(c.prefix, "parts")
		for i, place := range places {
			c.World.Files[i].Path = path.Join(c.prefix, "parts", place+".parquet")
		}
	}
}
