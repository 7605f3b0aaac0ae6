package offline

import (
	"context"
	"errors"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// ErrOutOfMemory says that an operation needs more memory than it may have; the operator can raise
// offline.memory_limit.
var ErrOutOfMemory = errors.New("out of memory")

// Store reads sources and joins them to label rows. Methods are safe for concurrent use.
//
// Faults of what the user gave (a file that is not there, a column that cannot be cast) are *fault.InputError and
// name the file, column, row and value; anything else is a fault of the machine, such as one that wraps
// fault.ErrDiskFull or ErrOutOfMemory.
type Store interface {
	Inspector
	// PlanJoin reads the labels' schema, checks the request against it and chooses how to join. The caller closes the
	// join.
	PlanJoin(ctx context.Context, request JoinRequest) (Join, error)
	// Files lists the files that these sources are read from, as Join.Files does.
	Inputs(ctx context.Context, sources []*feature.Source) ([]feature.Input, error)
	// Division names the way in which keys are divided among the shards of a window (Part). Engines that name it alike, on
	// whichever machine, put a key into the same shard.
	Division() string
	// Read opens a reading of views, for many windows. The caller closes it.
	Read(ctx context.Context, views []*feature.View) (Reading, error)
	Windowed
	Close() error
}

// Reading reads windows of some views, one at a time and as often as wanted. What all windows have in common is done
// once: files are listed when the reading is opened, and a SQL source is run in the first window. A file that has
// changed since is an error. A request for a Part is refused: its inputs are its own. It is not safe for concurrent
// use, and can be used after an error of a window.
type Reading interface {
	Windowed
	Close() error
}

// Windowed streams the rows of views with event times in a window (R5).
type Windowed interface {
	// Newest streams what a materialization of a window has to write: for each entity key the greatest row (R3) with an
	// event time in the window, in batches with these columns by position: the view's keys in order, event_ts and
	// created_ts (int64 microseconds, created_ts may be null), the features in order. Their names are for people: a
	// feature may be named as a key is. Keys and features have the Arrow type of their declared type (ArrowType). Rows
	// with a null key or null event time are counted, not streamed (R3, R8).
	//
	// Rows that fail are counted and omitted as the request allows; see FailedRow. If more fail, nothing is yielded, and
	// the error is a *fault.InputError that names some of them.
	//
	// The batch is valid until yield returns, which is called by one goroutine at a time; an error from yield ends the
	// stream and is returned. The report is filled in, as far as it is known, even if an error is returned.
	Newest(ctx context.Context, request NewestRequest, yield func(arrow.RecordBatch) error) (NewestReport, error)
	// Events streams the rows of a view of the kind feature.Windows that have an event time in a window, as events: in
	// batches with the columns of Newest, but the features are those of View.Aggregated.Events. Computed columns and the
	// filter are left to the caller. Rows of one key are next to each other, and ascend by event time; a row comes as
	// often as the source has it, and which of the rows of one time comes first is open.
	//
	// The report, failed rows, batches and errors are as Newest has them, but every row counts, so a value that does not
	// fit fails in any row. NewestReport.Before is 0.
	Events(ctx context.Context, request EventsRequest, yield func(arrow.RecordBatch) error) (NewestReport, error)
}

// Inspector reports what sources hold, for validation.
type Inspector interface {
	// Columns returns the columns of a source in its order. It fails with a *fault.InputError for a file that is not
	// there or lies outside the roots, is not a Parquet file, or for a query that does not parse, refers to what is no
	// source or, directly or not, to itself, or uses what queries may not.
	Columns(ctx context.Context, source *feature.Source) ([]feature.Column, error)
	// ColumnsOfEach calls found with each of the sources in turn, and with what Columns returns for it. Many sources take
	// less together than one by one. An error of found ends it and is returned.
	ColumnsOfEach(ctx context.Context, sources []*feature.Source,
		found func(*feature.Source, []feature.Column, error) error) error
	// CanBecome says whether values of the column may be brought to the declared type, as a feature or as a join key:
	// nil, or an error that says why never.
	CanBecome(column feature.Column, declared plumbv1.Type, joinKey bool) error
	// CanBeTime says whether the column may be an event or created timestamp: nil, or an error that says why not.
	CanBeTime(column feature.Column) error
	// EventWise says whether the rows of a source are events that can be aggregated: those of files are, and those of a
	// query if each of its rows comes of one row of one source. Otherwise a *fault.InputError says what in the query
	// prevents that.
	EventWise(ctx context.Context, source *feature.Source) error
}

// JoinRequest describes a point-in-time join.
type JoinRequest struct {
	Selection *feature.Selection
	// Labels is the label file: .parquet, .csv or .arrow (IPC).
	Labels string
	// LabelsName is how messages name the labels, a singular such as "the label table"; empty for "label file" and the
	// path.
	LabelsName string
	// TimestampColumn is the label column with the instant T of each row.
	TimestampColumn string
	// Statuses adds <output name>__status, one of PRESENT, NULL, NOT_FOUND, EXPIRED, INVALID, after each output (R13,
	// R26).
	Statuses bool
	// EventTimestamps adds <alias>__event_timestamp, the winning row's, after the outputs. With Statuses it is also given
	// if the status is EXPIRED.
	EventTimestamps bool
	// Provenance adds for each use of a view, after the outputs, where its values come from (ProvenanceOf): the
	// view's definition_revision, null if it is not known, and definition_hash, in hexadecimal; and of the winning row
	// source_file, relative to the project and null for a SQL source, event_timestamp, created_timestamp, and age_micros,
	// from the event time to T, at most the greatest number. The values of the row are given whenever EventTimestamps
	// gives its time, which Provenance implies.
	Provenance bool
	// AsKnown asks that a row also has created time <= T (R4).
	AsKnown bool
	// Diagnose asks for ViewReport.Unmatched if few label rows find a row, which takes another reading of the source.
	Diagnose bool
	// Only, unless it is nil, are the files that sources may be read from, as Join.Files lists them: others count as not
	// there.
	Only []feature.Input
	// Shard, unless it is nil, is all that is joined.
	Shard *LabelShard
	// Progress, if not nil, is called now and then with the progress of the join, from one goroutine at a time. It has to
	// return at once.
	Progress func(Progress)
	// Seal, unless it is nil, is called by WriteFile with the path of the file that was written whole, before it appears
	// under its name. What it returns is kept in the file under ManifestKey: in Parquet's key-value metadata, in the
	// schema's metadata of Arrow, and nowhere in CSV. Its error keeps the file from appearing.
	Seal func(ctx context.Context, written string, report JoinReport) (string, error)
}

// ProvenanceColumns are the columns that a join adds for each use of a view if JoinRequest.Provenance is set; see
// ProvenanceOf. Their names follow the alias and two underscores.
var ProvenanceColumns = []feature.Field{
	{Name: "definition_revision", Type: plumbv1.Type_INT64},
	{Name: "definition_hash", Type: plumbv1.Type_STRING},
	{Name: "source_file", Type: plumbv1.Type_STRING},
	{Name: "event_timestamp", Type: plumbv1.Type_TIMESTAMP},
	{Name: "created_timestamp", Type: plumbv1.Type_TIMESTAMP},
	{Name: "age_micros", Type: plumbv1.Type_INT64},
}

// ProvenanceOf are the columns that a join adds for a use of a view: of the kind feature.Windows two more than of
// others. events counts the events in the longest window of the view (of several such the one with the least offset),
// and earliest_event_timestamp is the time of the first of them. Values of such a view come of many rows:
// event_timestamp is the latest event's that counts in any window, and source_file and created_timestamp are null.
func ProvenanceOf(view *feature.View) []feature.Field {
	if view.Kind != feature.Windows {
		return ProvenanceColumns
	}
	return slices.Concat(ProvenanceColumns, []feature.Field{
		{Name: "events", Type: plumbv1.Type_INT64},
		{Name: "earliest_event_timestamp", Type: plumbv1.Type_TIMESTAMP},
	})
}

// ManifestKey is the name in a file's metadata of what Seal returned.
const ManifestKey = "plumb.manifest"

// Progress is how far a join is.
type Progress struct {
	// Step says what is being done, such as "reading view weather".
	Step string
	// Rows of Total are done: source rows to read and label rows to write. A Total of 0 is not known yet; it may grow.
	Rows, Total int64
}

// Join is a planned point-in-time join. It has one row for each label row, in label order: the label columns, then the
// outputs (R6).
type Join interface {
	// Files lists the files that the sources are read from, also those that the join may find it need not read.
	Inputs() []feature.Input
	// Divide divides the label rows by their instants into this many ranges. Rows of one instant are in one range; other
	// than that, each has about as many rows as the others, and may have none.
	Divide(ctx context.Context, shards int) ([]LabelShard, error)
	// Explain returns the strategy for each view, the estimate that it is based on, and the SQL. It may read the labels.
	Explain(ctx context.Context) (string, error)
	// WriteFile writes the result to a .parquet, .csv or .arrow file, which appears whole or not at all.
	WriteFile(ctx context.Context, path string) (JoinReport, error)
	// Stream hands the result to yield in batches, in order, at least one, so that a result without rows has its schema.
	// The batch is valid until yield returns.
	Stream(ctx context.Context, yield func(arrow.RecordBatch) error) (JoinReport, error)
	Close() error
}

// JoinReport counts what a join did.
type JoinReport struct {
	// Rows is the number of label rows, and of result rows.
	Rows int64 `json:"rows"`
	// Views has one entry for each use of a feature view, in the order of Selection.References.
	Views []ViewReport `json:"views"`
	// Computed has one entry for each use of an on-demand view, in the order of the selection, and then one for each use
	// of a view of the kind feature.Windows that has INVALID values.
	Computed []ComputedReport `json:"computed,omitempty"`
	// Files are those of the sources, including files that the join did not have to read because of their footers.
	Inputs []feature.Input `json:"-"`
	// NaiveTimes says that instants of label rows have no zone, and were taken as UTC (R1).
	NaiveTimes bool `json:"-"`
	// Labels are the columns of the label rows, which come first in the result.
	Labels []feature.Column `json:"-"`
}

// ViewReport counts what became of one use of a view.
type ViewReport struct {
	Alias string `json:"alias"`
	// Matched is the number of label rows that have a visible row.
	Matched int64 `json:"matched"`
	// NullKeys and NullTimes count source rows that can never be seen (R8, R3).
	NullKeys  int64 `json:"null_keys"`
	NullTimes int64 `json:"null_times"`
	// Unmatched says why few label rows have a visible row, if that is so and was asked for; nil otherwise.
	Unmatched *Unmatched `json:"unmatched,omitempty"`
}

// ComputedReport counts what became of one use of an on-demand view, or of a view of the kind feature.Windows.
type ComputedReport struct {
	Alias string `json:"alias"`
	// Invalid has the features with values that do not exist (R26).
	Invalid []InvalidValues `json:"invalid,omitempty"`
}

// InvalidValues is the number of rows in which a feature is INVALID.
type InvalidValues struct {
	Feature string `json:"feature"`
	Rows    int64  `json:"rows"`
}

// Unmatched says why label rows have no visible row of a view. One label row may be counted under several causes.
type Unmatched struct {
	// These are the first and the last instant of the label rows, and of the source's rows with all keys, in microseconds
	// since the epoch; nil if there are no rows.
	LabelsFrom *int64 `json:"labels_from"`
	LabelsTo   *int64 `json:"labels_to"`
	SourceFrom *int64 `json:"source_from"`
	SourceTo   *int64 `json:"source_to"`
	// NullKeys counts label rows with a null in a key (R8), UnknownKeys those with a key that no row of the source has.
	NullKeys    int64 `json:"null_keys"`
	UnknownKeys int64 `json:"unknown_keys"`
	// Early counts label rows before all rows of the source, Late those that are later than the last one by more than the
	// ttl.
	Early int64 `json:"early"`
	Late  int64 `json:"late"`
}
