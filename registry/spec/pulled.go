package spec

import (
	"strings"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// checkPulled refuses a folder of pulled files that is none, or that another source reads too: what is pulled for a
// query lies in a folder below it, beside what other queries returned. A source is compared with those before it alone
// if both are pulled, so that each pair is reported once.
func (c *checker) checkPulled(source *plumbv1.Source) {
	folder := source.GetPostgres().GetPath()
	if folder == "" {
		return
	}
	at := path{"postgres", "path"}
	if strings.ContainsAny(folder, "*?[{") {
		c.add(source, at, "%s is a pattern; name the folder that plumb pull fills", folder)
		return
	}
	before := true
	for _, other := range c.Definitions.GetSources() {
		if other == source {
			before = false
			continue
		}
		if before && overlap(folder, other.GetPostgres().GetPath()) {
			c.add(source, at, "source %q is pulled to %s too; give each source a folder of its own", other.GetName(),
				other.GetPostgres().GetPath())
		}
		for _, file := range []string{other.GetParquet().GetPath(), other.GetCsv().GetPath(), other.GetJsonl().GetPath()} {
			// What is pulled lies in folders below it, with names like the one here.
			if overlap(file, folder) || reads(file, folder) || reads(file, folder+"/0000000000000000") {
				c.add(source, at, "source %q reads %s, and would read pulled rows as its own; name a folder elsewhere",
					other.GetName(), file)
			}
		}
	}
}
