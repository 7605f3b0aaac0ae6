package objects

import (
	"strings"

	"github.com/plumbstore/plumb/internal/fault"
)

// Scheme begins the paths of objects.
const Scheme = "s3://"

// maxName is how long a part of a key between slashes may be, since it is the name of a local file or folder.
const maxName = 255

// Location is a bucket with a key, or with what keys begin with.
type Location struct{ Bucket, Key string }

// IsLocation says whether a path is that of objects and not of files.
func IsLocation(path string) bool { return strings.HasPrefix(path, Scheme) }

// Parse reads s3://BUCKET/KEY, with a key or without. A slash at its end is left out.
func Parse(path string) (Location, error) {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(path, Scheme), "/")
	key = strings.TrimSuffix(key, "/")
	if !IsLocation(path) || !isBucket(bucket) {
		return Location{}, fault.Inputf("", "%s is not of the form s3://BUCKET/KEY, with a bucket of 3 to 63 lowercase "+
			"letters, digits, dots and hyphens", path)
	}
	if key != "" && !isPlain(key) {
		return Location{}, fault.Inputf("", "%s: a key may not have empty parts, nor . or .. between slashes", path)
	}
	return Location{bucket, key}, nil
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

func (l Location) String() string {
	if l.Key == "" {
		return Scheme + l.Bucket
	}
	return Scheme + l.Bucket + "/" + l.Key
}

// IsBelow says whether the location is another one or lies below it as a path does: s3://b/data/x is below s3://b/data,
// and s3://b/data2/x is not.
func (l Location) IsBelow(root Location) bool {
	if l.Bucket != root.Bucket {
		return false
	}
	return root.Key == "" || l.Key == root.Key || strings.HasPrefix(l.Key, root.Key+"/")
}
