package objects

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"syscall"
	"time"

	"github.com/minio/minio-go/v7"
	"golang.org/x/sync/errgroup"

	"github.com/plumbstore/plumb/internal/fault"
)

// Need is ranges of a file that are to be there.
type Need struct {
	File   *File
	Ranges []Range
}

// Fetch makes the ranges of all files be there, by as few requests as do not fetch much more than what is missing, some
// at a time. It ends with the context. After an error none of what it fetched counts for the file that failed.
func Fetch(ctx context.Context, needs []Need) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(2 * requests)
	for _, need := range needs {
		missing := need.File.missing(need.Ranges)
		if missing == nil {
			continue
		}
		group.Go(func() error { return need.File.fetch(ctx, coalesced(missing)) })
	}
	return group.Wait()
}

// fetch fetches ranges of one object.
func (f *File) fetch(ctx context.Context, ranges []Range) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, r := range ranges {
		group.Go(func() error {
			select {
			case f.store.slots <- struct{}{}:
				defer func() { <-f.store.slots }()
				return f.get(ctx, r)
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if err := f.have(ranges); err != nil {
		return onDisk(f.Location, err)
	}
	return nil
}

// get writes a range of the object to its place. A body that ends early is continued by another request.
func (f *File) get(ctx context.Context, r Range) error {
	for attempt := 1; ; attempt++ {
		written, err := f.part(ctx, r)
		if r.Start += written; err == nil {
			return nil
		}
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
		cut, isCut := errors.AsType[*cutError](err)
		switch {
		case !isCut:
			return err
		case attempt == attempts:
			return f.store.explain(ctx, f.Location, cut.err)
		}
		if err := pause(ctx, attempt); err != nil {
			return err
		}
	}
}

// pause waits longer from attempt to attempt, and not as long as others that failed at the same moment.
func pause(ctx context.Context, attempt int) error {
	most := min(100*time.Millisecond<<attempt, 5*time.Second)
	timer := time.NewTimer(time.Duration(rand.Int64N(int64(most))) + time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// cutError says that a body ended before its end.
type cutError struct{ err error }

func (e *cutError) Error() string { return e.err.Error() }

// errStalled ends a request whose server sends nothing.
var errStalled = errors.New("the server sends nothing")

// part makes one request, and returns how many bytes of the range it has written from its start on.
func (f *File) part(ctx context.Context, r Range) (int64, error) {
	request, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stalled := time.AfterFunc(2*f.store.patience, func() { cancel(errStalled) })
	defer stalled.Stop()
	var options minio.GetObjectOptions
	if err := options.SetRange(r.Start, r.End-1); err != nil {
		return 0, err
	}
	if err := options.SetMatchETag(f.ETag); err != nil {
		return 0, err
	}
	body, info, header, err := f.store.server(f.Location).GetObject(request, f.Bucket, f.Key, options)
	if err != nil {
		if errors.Is(context.Cause(request), errStalled) {
			return 0, &cutError{errStalled}
		}
		return 0, f.store.explain(ctx, f.Location, err)
	}
	defer body.Close()
	if err := f.check(r, info, header); err != nil {
		return 0, err
	}
	return f.write(body, r, func() { stalled.Reset(f.store.patience) }, func() error { return context.Cause(request) })
}

// check refuses an answer that is not the range of the version that was asked for.
func (f *File) check(r Range, info minio.ObjectInfo, header http.Header) error {
	if tag := strings.Trim(info.ETag, `"`); tag != f.ETag {
		return changed(f.Location)
	}
	wanted := fmt.Sprintf("bytes %d-%d/%d", r.Start, r.End-1, f.Size)
	if got := header.Get("Content-Range"); got != wanted {
		return fault.Inputf("", "cannot read %s: %s answers with the range %q where %q was asked for", f.Location,
			f.store.server(f.Location).endpoint, got, wanted)
	}
	return nil
}

// write copies a body to the range's place.
func (f *File) write(body io.Reader, r Range, alive func(), ended func() error) (int64, error) {
	buffer := make([]byte, min(r.Length(), 256<<10))
	var written int64
	for written < r.Length() {
		count, err := body.Read(buffer[:min(int64(len(buffer)), r.Length()-written)])
		if count > 0 {
			alive()
			if _, err := f.entry.data.WriteAt(buffer[:count], r.Start+written); err != nil {
				return written, onDisk(f.Location, err)
			}
			written += int64(count)
		}
		switch cause := ended(); {
		case written == r.Length():
		case errors.Is(cause, errStalled):
			return written, &cutError{cause}
		case errors.Is(err, io.EOF):
			return written, &cutError{io.ErrUnexpectedEOF}
		case err != nil:
			return written, &cutError{err}
		}
	}
	return written, nil
}

// onDisk is the error of a part that could not be kept.
func onDisk(at Location, err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("cannot keep what was fetched of %s; free some disk, or name another folder in offline.cache_dir: "+
			"%w: %w", at, fault.ErrDiskFull, err)
	}
	return fmt.Errorf("keep what was fetched of %s: %w", at, err)
}
