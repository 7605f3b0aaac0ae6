package lake

import (
	"path"
	"strings"
)

// A place is where a file is read: an absolute path, or s3://BUCKET/KEY or gs://BUCKET/KEY. Both have slashes.

// Folder is the folder of a file.
func Folder(place string) string { return place[:max(strings.LastIndexByte(place, '/'), 0)] }

// Below is the place of a file by its path below a folder. It is below the folder whatever the path is.
func Below(folder, name string) string { return strings.TrimRight(folder, "/") + path.Clean("/"+name) }

// Place is that of a file by its URL; a name of another kind stays what it is. Writers do not encode the paths in these
// URLs. Hadoop has names of its own for S3.
func Place(name string) string {
	if rest, ok := strings.CutPrefix(name, "file:"); ok {
		return "/" + strings.TrimLeft(rest, "/")
	}
	for _, scheme := range []string{"s3a://", "s3n://"} {
		if rest, ok := strings.CutPrefix(name, scheme); ok {
			return "s3://" + rest
		}
	}
	return name
}

// Moved says where the files of a table are. A table that was moved, or copied from an object store, has the paths of
// its old place in its metadata. What lay below From lies below To now.
type Moved struct{ From, To string }

// Place is where a file is that metadata names.
func (m Moved) Place(name string) string {
	name = Place(name)
	if rest, ok := strings.CutPrefix(name, strings.TrimRight(m.From, "/")+"/"); ok && m.From != "" {
		return Below(m.To, rest)
	}
	return name
}
