package push

import (
	"context"

	"github.com/plumbstore/plumb/feature"
)

// Decoder reads rows of a view from one of the forms in which rows come: the columns of a request (Columns), JSON
// objects (JSON), a file of objects (Lines), a file that the offline engine reads (File). Whoever pushes knows this
// interface alone, and a new form, such as an event of a stream in a format of its own, is a new type that implements
// it.
//
// A decoder finds out what is wrong with what it was given, and nothing else: whether a time lies in the future or a
// text is too long is for Pusher to say, in one place for every form. What is wrong with one row refuses that row
// (Rows.Refused), and the rows around it are decoded all the same. An error is about everything: a column that is
// missing from a request, a file that cannot be read.
//
// For example, a consumer of a stream has read two messages, each a JSON object. It pushes both at once, and then knows
// that they are durable:
//
//	messages := push.JSON{first.Value, second.Value}
//	err := messages.Decode(ctx, view, func(rows push.Rows) error {
//		report, err := pusher.Push(ctx, view, rows, false)
//		for _, refusal := range report.Refused {
//			logger.Warn("a message holds no row", "message", refusal.Row, "reason", refusal.Reason)
//		}
//		return err
//	})
type Decoder interface {
	// Decode hands the rows to yield, in the order in which they were given, and ends with the first error that yield
	// returns. Columns and JSON yield once, with all rows, so that they can be pushed all or none; files are yielded a
	// bounded number of rows at a time. Rows are numbered from 0 in each call of yield, and valid until it returns.
	//
	// Decode may be called again, and then decodes the same rows from the beginning.
	Decode(ctx context.Context, view *feature.View, yield func(Rows) error) error
}
