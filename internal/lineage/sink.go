package lineage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// File appends events to a file, a line each. Several processes may append to one file.
type File struct{ Path string }

// Deliver writes the line by one call, so that lines of processes do not mix.
func (f File) Deliver(_ context.Context, event []byte) error {
	file, err := os.OpenFile(f.Path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return reasonOf(err)
	}
	_, err = file.Write(append(event, '\n'))
	return errors.Join(reasonOf(err), file.Close())
}

func (f File) String() string { return f.Path }

// reasonOf is an error of a file without its path, which is said before.
func reasonOf(err error) error {
	if path, ok := errors.AsType[*os.PathError](err); ok {
		return path.Err
	}
	return err
}

// callTime bounds a call of an endpoint. Events are delivered one after the other, so a receiver that hangs delays
// those behind it by as much.
const callTime = 5 * time.Second

// defaultPath is the path at which receivers of OpenLineage accept events.
const defaultPath = "/api/v1/lineage"

// Endpoint posts events over HTTP.
type Endpoint struct {
	url, shown, key string
	client          *http.Client
}

// NewEndpoint returns the endpoint at a URL. If the URL has no path, events go to /api/v1/lineage below it. key, if it
// is not empty, is the bearer token that is sent.
func NewEndpoint(address, key string) (*Endpoint, error) {
	parsed, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("the address is no URL") // The error would show what is in it.
	}
	if strings.Trim(parsed.Path, "/") == "" {
		parsed.Path = defaultPath
	}
	shown := *parsed
	shown.User, shown.RawQuery = nil, ""
	return &Endpoint{url: parsed.String(), shown: shown.String(), key: key, client: &http.Client{Timeout: callTime}}, nil
}

// Deliver posts one event.
func (e *Endpoint) Deliver(ctx context.Context, event []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, bytes.NewReader(event))
	if err != nil {
		return errors.New("the address is no URL")
	}
	request.Header.Set("Content-Type", "application/json")
	if e.key != "" {
		request.Header.Set("Authorization", "Bearer "+e.key)
	}
	response, err := e.client.Do(request)
	if err != nil {
		return withoutURL(err)
	}
	defer response.Body.Close()
	const most = 200
	answer, _ := io.ReadAll(io.LimitReader(response.Body, most)) // It is in the error if there is one.
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s", response.Status, strings.Join(strings.Fields(string(answer)), " "))
	}
	return nil
}

// withoutURL is the cause of a failed call, without the URL, which may hold a password.
func withoutURL(err error) error {
	failed, ok := errors.AsType[*url.Error](err)
	if !ok {
		return err
	}
	if failed.Timeout() {
		return errNoAnswer
	}
	return failed.Err
}

func (e *Endpoint) String() string { return e.shown }
