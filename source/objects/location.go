package objects

import (
	"path/filepath"
	"strings"

	"github.com/plumbstore/plumb/internal/fault"
)

// Paths of objects begin with one of these.
const (
	scheme       = "s3://"
	googleScheme = "gs://"
)

// maxName is how long a part of a key between slashes may be, since it is the name of a local file or folder.
const maxName = 255

// Location is a bucket with a key, or with what keys begin with.
type Location struct {
	Bucket, Key string
	// Google says that the bucket is one of Google Cloud Storage: gs://BUCKET/KEY.
	Google bool
}

// IsLocation says whether a path is that of objects and not of files.
func IsLocation(path string) bool {
	return strings.HasPrefix(path, scheme) || strings.HasPrefix(path, googleScheme)
}

// Parse reads s3://BUCKET/KEY or gs://BUCKET/KEY, with a key or without. A slash at its end is left out.
func Parse(path string) (Location, error) {
	beginning, isGoogle := scheme, strings.HasPrefix(path, googleScheme)
	if isGoogle {
		beginning = googleScheme
	}
	bucket, key, _ := strings.Cut(strings.TrimPrefix(path, beginning), "/")
	key = strings.TrimSuffix(key, "/")
	if !IsLocation(path) || !isBucket(bucket) {
		return Location{}, fault.Inputf("", "%s is not of the form %sBUCKET/KEY, with a bucket of 3 to 63 lowercase "+
			"letters, digits, dots and hyphens", path, beginning)
	}
	if key != "" && !isPlain(key) {
		return Location{}, fault.Inputf("", "%s: a key may not have empty parts, nor . or .. between slashes", path)
	}
	return Location{bucket, key, isGoogle}, nil
}

func isBucket(name string) bool {
	if len(name) < 3 || len(name) > 63 || strings.Contains(name, "..") {
		return false
	}
	outer := func(c byte) bool { return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' }
	for i := range len(name) {
		if !outer(name[i]) && name[i] != '.' && name[i] != '-' {
			return false
		}
	}
	return outer(name[0]) && outer(name[len(name)-1])
}

// isPlain says whether a key can be the path of a local file: no part of it leads elsewhere.
func isPlain(key string) bool {
	for part := range strings.SplitSeq(key, "/") {
		if part == "" || part == "." || part == ".." || len(part) > maxName || strings.ContainsRune(part, 0) {
			return false
		}
	}
	return true
}

// At is another key of the same bucket.
func (l Location) At(key string) Location { return Location{l.Bucket, key, l.Google} }

func (l Location) String() string {
	beginning := scheme
	if l.Google {
		beginning = googleScheme
	}
	if l.Key == "" {
		return beginning + l.Bucket
	}
	return beginning + l.Bucket + "/" + l.Key
}

// localGoogle is the folder of Google's buckets among those of others. No bucket has this name.
const localGoogle = "gs:"

// Local is where the object is below a folder in which local files stand for objects; see Named.
func (l Location) Local() string {
	path := filepath.Join(l.Bucket, filepath.FromSlash(l.Key))
	if l.Google {
		return filepath.Join(localGoogle, path)
	}
	return path
}

// Named is a text with the names of objects in the places of their local paths below a folder.
func Named(text, folder string) string {
	folder += string(filepath.Separator)
	text = strings.ReplaceAll(text, folder+localGoogle+string(filepath.Separator), googleScheme)
	return strings.ReplaceAll(text, folder, scheme)
}

// IsBelow says whether the location is another one or lies below it as a path does: s3://b/data/x is below s3://b/data,
// and s3://b/data2/x is not.
func (l Location) IsBelow(root Location) bool {
	if l.Bucket != root.Bucket || l.Google != root.Google {
		return false
	}
	return root.Key == "" || l.Key == root.Key || strings.HasPrefix(l.Key, root.Key+"/")
}
