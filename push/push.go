// Package push brings rows that a caller has in hand online at once, and keeps them for training.
//
// Rows come in several forms: the columns of a request, JSON objects, files. A Decoder makes Rows of each, typed and
// column by column. A Pusher checks every row, packs those that can be stored, and writes them under newest-wins (R14);
// what cannot be stored is refused row by row, with a reason. So a rule about pushed rows is written once, whichever
// form they came in:
//
//	pusher := push.New(push.Config{Online: store, Now: time.Now, ClockSkew: push.DefaultClockSkew})
//	defer pusher.Close()
//	err := push.Lines{Path: "prices.jsonl"}.Decode(ctx, view, func(rows push.Rows) error {
//		report, err := pusher.Push(ctx, view, rows, false)
//		fmt.Println(report.Written, report.Refused)
//		return err
//	})
//
// A view may have a push log. Its rows are durable there before they are served, in the order in which they are served,
// and become Parquet files that training reads as part of the view's source. So what was served can be trained on
// (R17), however often a process is killed. Pushes that arrive while others are being written wait, and are then
// written together (groupCommit).
package push

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/pushlog"
)

// DefaultClockSkew is how far an event time may lie ahead of the clock unless configured (R15).
const DefaultClockSkew = 10 * time.Second

// Config says where pushed rows go. Online and Now are required; the owner of Online closes it.
type Config struct {
	Online online.Writer
	// Now is the clock that R15 goes by.
	Now func() time.Time
	// ClockSkew is how far an event time may lie ahead of the clock, whose own may be behind that of the caller.
	ClockSkew time.Duration
	// Retention is how long after a view's ttl the online store keeps expired rows (R13); see online.NewTable.
	Retention time.Duration
	// LogFolder returns the absolute folder of a push log, or why there cannot be one. Required if a view has one.
	LogFolder func(path string) (string, error)
	// Rolled returns where the Parquet files of a push log are kept if that is not its folder; nil if it is. May be nil.
	Rolled func(path string) (pushlog.Rolled, error)
	// Definition reads the current definition of a view from the registry; a *fault.NotFoundError if there is none. If
	// nil, definitions never change.
	Definition func(ctx context.Context, view string) (*feature.View, error)
	// LogBytes and LogInterval are after how many bytes, and how much time, rows of a push log become a Parquet file; see
	// pushlog.Config.
	LogBytes    int64
	LogInterval time.Duration
}

// Pusher writes rows straight into the online store, and into the push logs of the views that have one. It is safe for
// concurrent use. Its owner closes it.
type Pusher struct {
	config Config

	mu sync.Mutex
	// groupCommits are those of the views with a push log, by its path.
	groupCommits map[string]*groupCommit
}

// New returns a pusher.
func New(config Config) *Pusher { return &Pusher{config: config} }

// Refusal is a row that cannot be stored.
type Refusal struct {
	// Row is the row's place among those pushed, from 0.
	Row int64 `json:"row"`
	// Field is the join key, feature or time column that is wrong.
	Field string `json:"column"`
	// Reason is one sentence.
	Reason string `json:"reason"`
}

// Report counts what became of pushed rows.
type Report struct {
	// Written rows were stored; Older ones were not, since a newer row is there (R14), or came with the same push.
	Written, Older int64
	// Refused rows were not stored, in row order.
	Refused []Refusal
}

// Push stores rows of a view; the newest of each key wins (R14). Rows that cannot be stored are refused one by one and
// the others are stored; with atomic nothing is stored if any is refused. If the view has a push log, the rows are
// durable there before they are stored.
//
// It returns a *fault.PreconditionError for a view that is not online, and an error that wraps fault.ErrUnavailable if
// the store cannot be reached. After an error any of the rows may have been stored, and pushing them again is harmless.
//
// A refused row is no error, with atomic neither: the report then has the refusals and Written is 0. An error is about
// the push as a whole.
func (p *Pusher) Push(ctx context.Context, view *feature.View, rows Rows, atomic bool) (Report, error) {
	packed, err := p.pack(view, rows)
	if err != nil {
		return Report{}, err
	}
	report := Report{Refused: packed.refused}
	if atomic && len(packed.refused) > 0 {
		return report, nil
	}
	if view.Source.Log != nil {
		return report, p.pushLogged(ctx, view, rows, packed, &report)
	}
	return report, p.write(ctx, view, packed, &report)
}

// Check returns the rows that Push would refuse now, in row order. A row that passes also passes a later Push under the
// same definition, unless the clock is set back: the one check that depends on the time, R15, is met by more rows as
// time goes on. So a file can be checked whole before any of it is pushed.
func (p *Pusher) Check(view *feature.View, rows Rows) ([]Refusal, error) {
	packed, err := p.pack(view, rows)
	return packed.refused, err
}

// write gives the rows to the online store, a bounded number at a time. If one of these writes fails, those before it
// stay. Pushing all rows again is harmless, since an equal version replaces itself (R14).
func (p *Pusher) write(ctx context.Context, view *feature.View, packed packedRows, report *Report) error {
	table := online.NewTable(view, p.config.Retention)
	report.Older += packed.superseded
	for rows := packed.rows; len(rows) > 0; {
		part := rows[:chunk(rows)]
		rows = rows[len(part):]
		written, err := p.config.Online.Write(ctx, table, part)
		if err != nil {
			return fmt.Errorf("push to view %q: %w", view.Name, fault.WithCause(ctx, err))
		}
		report.Written += written.Written
		report.Older += written.Older
	}
	return nil
}

// chunkRows and chunkBytes bound what is written at once.
const (
	// 4,096 rows alone would be no bound: with texts of MaxFeatureText they are 4 GiB.
	chunkRows  = 4096
	chunkBytes = 4 << 20
)

// chunk is how many of the first rows are written at once, at least one.
func chunk(rows []online.Row) int {
	size := 0
	for i, row := range rows {
		if size += len(row.Key) + len(row.Value); i == chunkRows || i > 0 && size > chunkBytes {
			return i
		}
	}
	return len(rows)
}
