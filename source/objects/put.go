package objects

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // S3 checks objects by their MD5.
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/minio/minio-go/v7"
)

// Put writes an object of a few bytes, in the place of one that is there. It is not cancelled.
func (s *Store) Put(ctx context.Context, at Location, content []byte) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), completion)
	defer cancel()
	return s.put(ctx, at, bytes.NewReader(content), int64(len(content)), minio.PutObjectOptions{})
}

// PutNew writes an object of a few bytes if there is none of its name, and says whether it did. It is not cancelled.
func (s *Store) PutNew(ctx context.Context, at Location, content []byte) (bool, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), completion)
	defer cancel()
	options := minio.PutObjectOptions{UserMetadata: map[string]string{markName: newMark()}}
	options.SetMatchETagExcept("*")
	err := s.put(ctx, at, bytes.NewReader(content), int64(len(content)), options)
	if !errors.Is(err, errTaken) {
		return err == nil, err
	}
	// Maybe it was written by a request whose answer was lost.
	info, err := s.server(at).StatObject(ctx, at.Bucket, at.Key, minio.StatObjectOptions{})
	if err != nil {
		return false, s.explainWrite(ctx, at, err)
	}
	return isMarked(info, options.UserMetadata[markName]), nil
}

// Keep makes a local file an object if there is none of its name. It is sent in one request, and appears whole. An
// object that is there is taken for the file.
func (s *Store) Keep(ctx context.Context, path string, at Location) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	options := minio.PutObjectOptions{}
	options.SetMatchETagExcept("*")
	if err := s.put(ctx, at, file, info.Size(), options); !errors.Is(err, errTaken) {
		return err
	}
	return nil
}

// errTaken says that there is an object of a name already.
var errTaken = errors.New("there is an object of this name")

// put sends an object in one request. errTaken says that the options do not want one in the place of another.
func (s *Store) put(ctx context.Context, at Location, content io.ReaderAt, size int64,
	options minio.PutObjectOptions,
) error {
	options.ContentType = "application/octet-stream"
	digest := md5.New() //nolint:gosec // S3 checks objects by their MD5.
	if _, err := io.Copy(digest, io.NewSectionReader(content, 0, size)); err != nil {
		return fmt.Errorf("read what was written for %s: %w", at, err)
	}
	sum := base64.StdEncoding.EncodeToString(digest.Sum(nil))
	err := s.send(ctx, content, Range{0, size}, func(ctx context.Context, body io.Reader) error {
		_, err := s.server(at).PutObject(ctx, at.Bucket, at.Key, body, size, sum, "", options)
		return err
	})
	switch {
	case err == nil:
		return nil
	case minio.ToErrorResponse(err).StatusCode == http.StatusPreconditionFailed:
		return errTaken
	}
	return s.explainWrite(ctx, at, err)
}

// Remove removes an object. One that is not there is removed already. It is not cancelled.
func (s *Store) Remove(ctx context.Context, at Location) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), completion)
	defer cancel()
	err := s.server(at).RemoveObject(ctx, at.Bucket, at.Key, minio.RemoveObjectOptions{})
	if err != nil && minio.ToErrorResponse(err).StatusCode != http.StatusNotFound {
		return s.explainWrite(ctx, at, err)
	}
	return nil
}
