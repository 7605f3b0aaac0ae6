package objects

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/minio/minio-go/v7"

	"github.com/plumbstore/plumb/internal/fault"
)

// changed is the error of an object that is another than the one that was listed.
func changed(object Location) error {
	return fault.Inputf("", "%s was changed while it was in use; run again once it is whole", object)
}

// access is what a request wanted: its verb in messages, and the rights that it needs.
type access struct{ verb, rights string }

// explain is the error of a request that reads.
func (s *Store) explain(ctx context.Context, at Location, err error) error {
	return s.explained(ctx, at, err, access{"read", "the right to list the bucket and to get its objects"})
}

// explainWrite is the error of a request that writes.
func (s *Store) explainWrite(ctx context.Context, at Location, err error) error {
	return s.explained(ctx, at, err, access{"write", "the right to put and delete objects and to abort uploads"})
}

// explained turns the error of a request into one sentence. What is missing or refused is the user's to put right, and
// what may pass by itself is fault.ErrUnavailable. No credentials are in it: they travel in headers, and no header is
// in a message.
func (s *Store) explained(ctx context.Context, at Location, err error, wanted access) error {
	at.Key = strings.TrimSuffix(at.Key, "/")
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	answer := minio.ToErrorResponse(err)
	switch {
	case answer.StatusCode == http.StatusPreconditionFailed,
		answer.StatusCode == http.StatusRequestedRangeNotSatisfiable:
		return changed(at)
	case answer.Code == minio.NoSuchBucket:
		return fault.Inputf("", "cannot %s %s: %s has no bucket %q; check its name, or objects.endpoint", wanted.verb, at,
			s.server(at).endpoint, at.Bucket)
	case answer.Code == minio.NoSuchKey:
		return fault.Inputf("", "%s was removed while it was in use; run again", at)
	case answer.Code == "ExpiredToken" || answer.Code == "ExpiredTokenException" || answer.Code == "TokenRefreshRequired":
		return fault.Inputf("", "cannot %s %s: the credentials have expired (%s); renew them", wanted.verb, at, answer.Code)
	case answer.Code == minio.InvalidAccessKeyID || answer.Code == "SignatureDoesNotMatch" ||
		answer.Code == "InvalidToken":
		return fault.Inputf("", "cannot %s %s: %s does not take the credentials (%s); check objects.access_key and "+
			"objects.secret_key, or those of the environment", wanted.verb, at, s.server(at).endpoint, answer.Code)
	case answer.StatusCode == http.StatusForbidden || answer.StatusCode == http.StatusUnauthorized:
		return fault.Inputf("", "cannot %s %s: %s refuses access (%s); check the credentials, which need %s", wanted.verb,
			at, s.server(at).endpoint, answer.Code, wanted.rights)
	case answer.StatusCode == http.StatusMovedPermanently || answer.Code == "AuthorizationHeaderMalformed":
		return fault.Inputf("", "cannot %s %s: the bucket is in another region (%s); set objects.region", wanted.verb, at,
			answer.Code)
	case answer.StatusCode >= http.StatusBadRequest && answer.StatusCode < http.StatusInternalServerError &&
		answer.StatusCode != http.StatusTooManyRequests:
		return fault.Inputf("", "cannot %s %s: %s answers %s", wanted.verb, at, s.server(at).endpoint, answer.Code)
	case answer.StatusCode >= http.StatusInternalServerError || answer.StatusCode == http.StatusTooManyRequests:
		return fmt.Errorf("cannot %s %s: %s answered %d %s %d times: %w", wanted.verb, at, s.server(at).endpoint,
			answer.StatusCode, answer.Code, attempts, fault.ErrUnavailable)
	}
	return fmt.Errorf("cannot %s %s at %s: %s: %w", wanted.verb, at, s.server(at).endpoint, reason(err),
		fault.ErrUnavailable)
}

// reason is what a connection failed with, without the address that was asked.
func reason(err error) string {
	if failed, ok := errors.AsType[*url.Error](err); ok {
		err = failed.Err
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() || errors.Is(err, errStalled) {
		return "the server sends nothing"
	}
	return err.Error()
}
