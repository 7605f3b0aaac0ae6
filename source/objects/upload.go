package objects

import (
	"context"
	"crypto/md5" //nolint:gosec // S3 checks parts by their MD5.
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"golang.org/x/sync/errgroup"

	"github.com/plumbstore/plumb/internal/fault"
)

const (
	// leastPart is how many bytes a part of an upload has, but for the last one. Very large files have larger ones.
	leastPart = 16 << 20
	// mostParts is how many parts S3 allows.
	mostParts = 10_000
	// partsAtOnce is how many parts of an upload are sent at a time.
	partsAtOnce = 4
	// cleanup bounds the time for aborting an upload, also of an operation that was cancelled.
	cleanup = 30 * time.Second
	// completion bounds the time in which an object appears. What has begun is not cancelled.
	completion = 10 * time.Minute
)

// markName is the name in an object's metadata of the number of the upload that made it.
const markName = "Plumb-Upload"

// Writable says whether an object of this name could be written: it begins an upload and aborts it. Uploads of the name
// that are there before are aborted too: those of processes that were killed.
func (s *Store) Writable(ctx context.Context, at Location) error {
	if at.Key == "" {
		return fault.Inputf("", "cannot write %s: it is a bucket; name a key in it", at)
	}
	s.abortLeft(ctx, at)
	id, err := s.server(at).NewMultipartUpload(ctx, at.Bucket, at.Key, minio.PutObjectOptions{})
	if err != nil {
		return s.explainWrite(ctx, at, err)
	}
	if err := s.server(at).AbortMultipartUpload(ctx, at.Bucket, at.Key, id); err != nil && !isGone(err) {
		return s.explainWrite(ctx, at, err)
	}
	return nil
}

// abortLeft aborts the uploads of a name. Not every server can list them, and not everybody may: the upload that comes
// next does not depend on it, and says what is wrong if more is.
func (s *Store) abortLeft(ctx context.Context, at Location) {
	listed, err := s.server(at).ListMultipartUploads(ctx, at.Bucket, at.Key, "", "", "", page)
	if err != nil {
		return
	}
	for _, left := range listed.Uploads {
		if left.Key == at.Key {
			_ = s.server(at).AbortMultipartUpload(ctx, at.Bucket, at.Key, left.UploadID)
		}
	}
}

// Upload makes a local file an object, in the place of one that is there. It appears whole, by the completion of its
// upload: an error before that, or the end of the context, leaves what was there.
func (s *Store) Upload(ctx context.Context, path string, at Location) (err error) {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	u := &upload{store: s, at: at, file: file, size: info.Size(), mark: newMark()}
	u.id, err = s.server(at).NewMultipartUpload(ctx, at.Bucket, at.Key, minio.PutObjectOptions{
		ContentType: "application/octet-stream", UserMetadata: map[string]string{markName: u.mark}})
	if err != nil {
		return s.explainWrite(ctx, at, err)
	}
	parts, err := u.parts(ctx)
	if err == nil {
		err = u.complete(ctx, parts)
	}
	if err != nil {
		u.abort(ctx)
	}
	return err
}

// upload is a file on its way.
type upload struct {
	store *Store
	at    Location
	file  *os.File
	size  int64
	id    string
	mark  string
}

func newMark() string {
	mark := make([]byte, 16)
	_, _ = rand.Read(mark) // It never fails.
	return hex.EncodeToString(mark)
}

// partSize is how many bytes a part has.
func (s *Store) partSize(size int64) int64 {
	return max(s.part, (size+mostParts-1)/mostParts)
}

// parts sends the parts, some at a time.
func (u *upload) parts(ctx context.Context) ([]minio.CompletePart, error) {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(partsAtOnce)
	length := u.store.partSize(u.size)
	parts := make([]minio.CompletePart, max(1, (u.size+length-1)/length))
	for i := range parts {
		r := Range{int64(i) * length, min(int64(i+1)*length, u.size)}
		group.Go(func() error {
			select {
			case u.store.slots <- struct{}{}:
				defer func() { <-u.store.slots }()
			case <-ctx.Done():
				return context.Cause(ctx)
			}
			tag, err := u.part(ctx, i+1, r)
			parts[i] = minio.CompletePart{PartNumber: i + 1, ETag: tag}
			return err
		})
	}
	return parts, group.Wait()
}

// part sends a part.
func (u *upload) part(ctx context.Context, number int, r Range) (tag string, err error) {
	digest := md5.New() //nolint:gosec // S3 checks parts by their MD5.
	if _, err := io.Copy(digest, io.NewSectionReader(u.file, r.Start, r.Length())); err != nil {
		return "", fmt.Errorf("read what was written for %s: %w", u.at, err)
	}
	options := minio.PutObjectPartOptions{Md5Base64: base64.StdEncoding.EncodeToString(digest.Sum(nil))}
	err = u.store.send(ctx, u.file, r, func(ctx context.Context, body io.Reader) error {
		sent, err := u.store.server(u.at).PutObjectPart(ctx, u.at.Bucket, u.at.Key, u.id, number, body, r.Length(), options)
		tag = sent.ETag
		return err
	})
	if err != nil {
		return "", u.explain(ctx, err)
	}
	return tag, nil
}

// send makes a request with a range of a content as its body, again if need be. The client would rewind a reader to
// send it again, also while the connection of the attempt before still reads it. So each attempt gets a reader of its
// own, which cannot be rewound. A server that takes nothing any more is asked again too.
func (s *Store) send(ctx context.Context, content io.ReaderAt, r Range,
	request func(ctx context.Context, body io.Reader) error,
) error {
	for attempt := 1; ; attempt++ {
		err := s.try(ctx, io.NewSectionReader(content, r.Start, r.Length()), request)
		if err == nil || ctx.Err() != nil || !mayPass(err) || attempt == attempts {
			return err
		}
		if err := pause(ctx, attempt); err != nil {
			return err
		}
	}
}

func (s *Store) try(ctx context.Context, content io.Reader,
	request func(ctx context.Context, body io.Reader) error,
) error {
	attempt, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stalled := time.AfterFunc(2*s.patience, func() { cancel(errStalled) })
	defer stalled.Stop()
	err := request(attempt, watched(func(into []byte) (int, error) {
		stalled.Reset(2 * s.patience)
		return content.Read(into)
	}))
	if err != nil && errors.Is(context.Cause(attempt), errStalled) {
		return errStalled
	}
	return err
}

// mayPass says whether an error of a request may pass by itself: one of the connection, or of a server that is busy.
func mayPass(err error) bool {
	answer := minio.ToErrorResponse(err)
	switch answer.StatusCode {
	case 0, http.StatusRequestTimeout, http.StatusTooManyRequests:
		return true
	}
	return answer.StatusCode >= http.StatusInternalServerError || answer.Code == "RequestTimeout"
}

// watched is a reader of bytes, and no more than that.
type watched func(into []byte) (int, error)

func (w watched) Read(into []byte) (int, error) { return w(into) }

// complete has the object appear. Like the renaming of a file it is not cancelled once it has begun. If the answer is
// lost, or the request was made again after it had been carried out, the object itself says whether it is this one.
func (u *upload) complete(ctx context.Context, parts []minio.CompletePart) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), completion)
	defer cancel()
	server := u.store.server(u.at)
	_, err := server.CompleteMultipartUpload(ctx, u.at.Bucket, u.at.Key, u.id, parts, minio.PutObjectOptions{})
	if err == nil {
		return nil
	}
	info, unseen := server.StatObject(ctx, u.at.Bucket, u.at.Key, minio.StatObjectOptions{})
	if unseen == nil && isMarked(info, u.mark) {
		return nil
	}
	return u.explain(ctx, err)
}

// isMarked says whether an object was made by the upload with a mark. Servers spell names of metadata as they like.
func isMarked(info minio.ObjectInfo, mark string) bool {
	for name, value := range info.UserMetadata {
		if strings.EqualFold(name, markName) {
			return value == mark
		}
	}
	return false
}

// abort removes what was sent. It is done after a cancellation too. What cannot be aborted, since the server has gone,
// is left for Writable.
func (u *upload) abort(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanup)
	defer cancel()
	_ = u.store.server(u.at).AbortMultipartUpload(ctx, u.at.Bucket, u.at.Key, u.id)
}

func (u *upload) explain(ctx context.Context, err error) error {
	if isGone(err) {
		return fault.Inputf("", "%s was not written: its upload was aborted by another; run again once no other run "+
			"writes it", u.at)
	}
	return u.store.explainWrite(ctx, u.at, err)
}

// isGone says whether the server does not know an upload.
func isGone(err error) bool { return minio.ToErrorResponse(err).Code == minio.NoSuchUpload }
