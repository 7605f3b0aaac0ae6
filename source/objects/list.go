package objects

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/plumbstore/plumb/internal/fault"
)

// page is how many keys a listing asks for at a time.
const page = 1000

// maxListed bounds how many objects a listing may have.
const maxListed = 1_000_000

// Object is an object as it was listed.
type Object struct {
	Location
	Size     int64
	ETag     string
	Modified time.Time
}

// list lists the objects whose keys begin with the prefix, in the bytewise order of the keys: at most limit of them, or
// all if that is 0. Keys that end in a slash, which stand for folders, are left out.
func (s *Store) list(ctx context.Context, prefix Location, limit int) ([]Object, error) {
	listing, cancel := context.WithCancel(ctx)
	defer cancel()
	var found []Object
	options := minio.ListObjectsOptions{Prefix: prefix.Key, Recursive: true, MaxKeys: page}
	if limit > 0 {
		options.MaxKeys = min(page, limit+1)
	}
	for listed := range s.server(prefix).ListObjectsIter(listing, prefix.Bucket, options) {
		if listed.Err != nil {
			return nil, s.explain(ctx, prefix, listed.Err)
		}
		if strings.HasSuffix(listed.Key, "/") {
			continue
		}
		if !strings.HasPrefix(listed.Key, prefix.Key) || listed.Size < 0 {
			return nil, fault.Inputf("", "cannot list %s: %s lists %q, which is not below it", prefix, s.server(prefix).endpoint,
				listed.Key)
		}
		found = append(found, Object{prefix.At(listed.Key), listed.Size, strings.Trim(listed.ETag, `"`),
			listed.LastModified.UTC()})
		if len(found) == limit {
			break
		}
		if len(found) > maxListed {
			return nil, fault.Inputf("", "%s has more than %d objects; name fewer", prefix, maxListed)
		}
	}
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	// Not every server lists in order, on which the order of sources rests.
	slices.SortFunc(found, func(a, b Object) int { return strings.Compare(a.Key, b.Key) })
	return found, nil
}

// look asks for one object. It says false if there is none of the key.
func (s *Store) look(ctx context.Context, at Location) (Object, bool, error) {
	info, err := s.server(at).StatObject(ctx, at.Bucket, at.Key, minio.StatObjectOptions{})
	if err != nil {
		answer := minio.ToErrorResponse(err)
		if answer.StatusCode == http.StatusNotFound && answer.Code != minio.NoSuchBucket {
			return Object{}, false, context.Cause(ctx)
		}
		return Object{}, false, s.explain(ctx, at, err)
	}
	return Object{at, info.Size, strings.Trim(info.ETag, `"`), info.LastModified.UTC()}, true, nil
}
