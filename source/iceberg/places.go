package iceberg

import (
	"path"
	"path/filepath"
	"strings"
)

// moved says where the files of a table are. A table that was moved, or copied from an object store, has the paths of
// its old place in its metadata. What lay below its location lies below the folder that has its metadata folder now.
type moved struct{ from, to string }

// movedFrom finds where a table is by the place of one of its metadata files.
func movedFrom(location, metadataFile string) moved {
	folder := filepath.Dir(metadataFile)
	if filepath.Base(folder) != "metadata" {
		return moved{}
	}
	return moved{from: strings.TrimRight(location, "/") + "/", to: filepath.Dir(folder)}
}

// place is where a file is that metadata names.
func (m moved) place(name string) string {
	if rest, ok := strings.CutPrefix(name, m.from); ok && m.from != "" {
		return filepath.Join(m.to, filepath.FromSlash(path.Clean("/"+rest)))
	}
	return localPath(name)
}

// localPath is the path of a file by its URL; a name of another kind stays what it is. Writers do not encode the paths
// in these URLs.
func localPath(name string) string {
	rest, ok := strings.CutPrefix(name, "file:")
	if !ok {
		return name
	}
	return "/" + strings.TrimLeft(rest, "/")
}
