package fault

import (
	"context"
	"errors"
	"fmt"
)

// WithCause makes sure that a failure which follows from the cancellation of ctx says so: engines answer a cancelled
// call with errors of their own.
func WithCause(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && !errors.Is(err, cause) {
		return fmt.Errorf("%w: %w", cause, err)
	}
	return err
}
