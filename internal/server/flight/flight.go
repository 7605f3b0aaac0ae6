// Package flight answers training jobs over Arrow Flight: point-in-time joins of label rows that a client sends, or
// that lie on the server.
//
// DoExchange takes label rows as they come, DoGet a label file below the project's roots; both stream the joined rows
// back. The request is a plumb.v1.HistoricalRequest in the JSON form of protobuf, as the command of the descriptor or
// as the ticket. Errors are those of the lower layers; the server's interceptor turns them into statuses.
//
// Nothing here holds a whole dataset. Label rows that a client sends go to a file of the call's own, up to a bound, and
// the result goes out batch by batch, as fast as the client reads. A join holds a slot from its plan to its last row;
// the slots are as many as share the engine's memory. A call ends, and with it its query and its file, once its context
// does. The context also ends if its client neither sends nor takes anything for too long.
//
// A client that sends its labels goes through these steps:
//
//	client: the command {"featureService": "pricing"}, then batches of label rows, then the end
//	server: messages of progress, if asked for, with metadata and no Arrow data
//	server: the schema, then batches of joined rows, in the order of the labels (R6)
//	server: an empty batch, whose metadata has the report
//
// The labels come to their end before the first joined row goes back, since any of them may ask for any row of a
// source.
package flight

import (
	"cmp"
	"context"
	"time"

	"buf.build/go/protovalidate"
	"github.com/apache/arrow-go/v18/arrow/flight"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/lineage"
	"github.com/plumbstore/plumb/store/offline"
)

// MaxLabelMessage bounds one message of label rows, in bytes.
const MaxLabelMessage = 64 << 20

// tickInterval is how often progress is sent.
const tickInterval = time.Second

// Engine is what joins need of an offline engine.
type Engine interface {
	offline.Files
	// PlanJoin is that of offline.Store.
	PlanJoin(ctx context.Context, request offline.JoinRequest) (offline.Join, error)
}

// Limits bound what joins take together. Each has a default that applies if it is zero.
type Limits struct {
	// Jobs is how many joins run at a time: 2. The engine is given to be opened with that share of the memory.
	Jobs int
	// Queue is how many calls may wait for those: 16. Negative: none.
	Queue int
	// SpoolBytes bounds the label rows of one call on disk: 1 GB.
	SpoolBytes int64
	// Idle bounds how long a client may take to send or take a message: 5 min.
	Idle time.Duration
}

// Config says what to join with. Engine, Snapshot, Validator and Now are required.
type Config struct {
	Engine Engine
	// Snapshot returns the newest revision, or the reason that there is none.
	Snapshot  func() (*feature.Snapshot, error)
	Validator protovalidate.Validator
	Now       func() time.Time
	Limits    Limits
	// Manifests makes the manifests that requests ask for; if nil, those are refused.
	Manifests *Manifests
	// Lineage records each join; nil records nothing.
	Lineage *lineage.Recorder
	// MaxMessage bounds a message of the result, in bytes.
	MaxMessage int
	// Ticks says when a call sends its progress; if nil, each second.
	Ticks <-chan time.Time
}

// Service implements Arrow Flight's service.
type Service struct {
	flight.BaseFlightServer
	config Config
	queue  *queue
}

// New makes the service.
func New(config Config) *Service {
	config.Limits.Jobs = cmp.Or(config.Limits.Jobs, 2)
	config.Limits.Queue = max(cmp.Or(config.Limits.Queue, 16), 0)
	config.Limits.SpoolBytes = cmp.Or(config.Limits.SpoolBytes, 1_000_000_000)
	config.Limits.Idle = cmp.Or(config.Limits.Idle, 5*time.Minute)
	return &Service{config: config, queue: newQueue(config.Limits.Jobs, config.Limits.Queue)}
}

// LimitError says that a call goes beyond a bound of the server, which another time or a smaller call may not.
type LimitError struct{ Message string }

func (e *LimitError) Error() string { return e.Message }
