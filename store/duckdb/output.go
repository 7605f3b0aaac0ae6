package duckdb

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"

	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/duckdb/casts"
	"github.com/plumbstore/plumb/store/duckdb/labelfile"
	"github.com/plumbstore/plumb/store/duckdb/quote"
	"github.com/plumbstore/plumb/store/duckdb/session"
	"github.com/plumbstore/plumb/store/offline"
)

// WriteFile implements offline.Join. It writes a partial file beside the path, puts the manifest into it, and renames
// it. A file under its final name is therefore always whole and sealed, and a run that fails leaves an older file as it
// was.
func (j *join) WriteFile(ctx context.Context, path string) (report offline.JoinReport, err error) {
	format, err := labelfile.FormatOf(path)
	if err != nil {
		return report, err
	}
	partial, err := createPartial(j.engine.config.Disk, path)
	if err != nil {
		return report, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, j.engine.config.Disk.Discard(partial))
		}
	}()
	var mark string
	if format == labelfile.Arrow {
		report, err = j.writeArrow(ctx, partial)
	} else {
		if mark, err = j.mark(format); err != nil {
			return report, err
		}
		report, err = j.prepare(ctx, []string{partial}, func(s *session.Session, ran []*useRun) error {
			return j.copyTo(ctx, s, ran, partial, format, mark)
		})
	}
	if err != nil {
		return report, err
	}
	if err := j.seal(ctx, partial, format, mark, report); err != nil {
		return report, err
	}
	return report, j.engine.config.Disk.Publish(partial, path)
}

// createPartial makes an empty file beside path, to be renamed once whole. DuckDB is given an absolute path.
func createPartial(on disk.Disk, path string) (string, error) {
	partial, err := on.CreatePartial(path)
	if err != nil {
		return "", err
	}
	absolute, err := filepath.Abs(partial.Name())
	if err = errors.Join(err, partial.Close()); err != nil {
		return "", errors.Join(fmt.Errorf("cannot write %s: %w", path, err), on.Discard(partial.Name()))
	}
	return absolute, nil
}

// copyTo streams the result to a Parquet or CSV file. The mark, if any, is kept in the place of the manifest.
func (j *join) copyTo(ctx context.Context, s *session.Session, ran []*useRun, path, format, mark string) error {
	names, standIns, err := namesForSQL(j.columnNames())
	if err != nil {
		return err
	}
	labels, err := j.writtenLabels(ctx, s, format)
	if err != nil {
		return err
	}
	query, options := j.result(ran, labels, quote.Identifiers(names)), parquetOptions(len(names))
	if format == labelfile.CSV {
		query, options = j.textResult(ran, labels, names, standIns)
	}
	marked := options
	if mark != "" {
		marked += fmt.Sprintf(", KV_METADATA {%s: %s}", quote.Literal(offline.ManifestKey), quote.Literal(mark))
	}
	if err := j.execute(ctx, s, fmt.Sprintf("COPY (%s) TO %s (%s)", query, quote.Literal(path), marked)); err != nil {
		return j.blameLabel(ctx, s, err, labels, path, options)
	}
	if format == labelfile.CSV {
		return nil
	}
	return standIns.exchange(path)
}

// blameLabel names the label column that cannot be written, if it is one.
func (j *join) blameLabel(ctx context.Context, s *session.Session, err error, labels []string, path, options string,
) error {
	var input *fault.InputError
	if !errors.As(err, &input) || strings.Contains(input.Message, "column ") {
		return err
	}
	for i, column := range labels {
		probe := fmt.Sprintf("COPY (SELECT %s AS c FROM %s.labels l) TO %s (%s)", column, session.Schema, quote.Literal(path),
			options)
		if unfit := s.Exec(ctx, probe); unfit != nil {
			return fault.Inputf("", "label column %q cannot be written: %v", j.labels.Columns[i].Name, unfit)
		}
	}
	return err
}

// parquetOptions are how Parquet is written. DuckDB's dictionaries take -0.0 for 0.0 and one NaN for another, so the
// file has none.
func parquetOptions(columns int) string {
	return fmt.Sprintf("FORMAT parquet, DICTIONARY_SIZE_LIMIT 0, USE_TMP_FILE false, ROW_GROUP_SIZE %d",
		rowGroupRows(columns))
}

// writtenLabels are the label columns as a format has them: in CSV those of a CSV file stay letter for letter.
func (j *join) writtenLabels(ctx context.Context, s *session.Session, format string) ([]string, error) {
	if format == labelfile.CSV && j.labels.Format == labelfile.CSV {
		return quote.Numbered("l.c", len(j.labels.Columns)), nil
	}
	labels, err := j.labelTypes(ctx, s)
	if err != nil {
		return nil, err
	}
	for i, column := range j.labels.Columns {
		switch {
		case format == labelfile.Parquet:
			labels[i] = asLists(labels[i], column.Type)
		case column.Type == "FLOAT" || column.Type == "DOUBLE":
			labels[i] = csvText(labels[i], plumbv1.Type_FLOAT64)
		}
	}
	return labels, nil
}

// arrayLength finds the lengths of arrays in a type's text, and passes over quoted names and values.
var arrayLength = regexp.MustCompile(`"(?:[^"]|"")*"|'(?:[^']|'')*'|\[\d+\]`)

// asLists returns a column with lists in place of fixed-length arrays. If some of these arrays are null, DuckDB writes
// Parquet files that cannot be read.
func asLists(column, typeName string) string {
	lists := arrayLength.ReplaceAllStringFunc(typeName, func(found string) string {
		if found[0] == '[' {
			return "[]"
		}
		return found
	})
	if lists == typeName {
		return column
	}
	return fmt.Sprintf("CAST(%s AS %s)", column, lists)
}

// rowGroupRows is how many rows a row group gets: DuckDB's own number, but fewer in wide results, since a thread writes
// whole groups and so holds one in memory: 122,880 rows of 10 columns, 20,000 of 100, and never fewer than 10,240.
func rowGroupRows(columns int) int {
	const values, usual, least = 2_000_000, 122_880, 10_240
	return min(max(values/columns, least), usual)
}

// labelTypes returns the label columns. Those of a CSV file get types, but join keys keep their text if another type
// would spell it differently, so that the result can be joined by them again: the key 1.50 as a DOUBLE would be written
// as 1.5, which is another key (R9).
func (j *join) labelTypes(ctx context.Context, s *session.Session) ([]string, error) {
	columns := j.typedLabels()
	if j.labels.Format != labelfile.CSV {
		return columns, nil
	}
	types, err := casts.TypesOfText(ctx, s, session.Schema+".labels", quote.Numbered("c", len(columns)))
	if err != nil {
		return nil, err
	}
	for i, name := range types {
		if declared, isKey := j.keyTypes[i]; isKey && !keepsText(name, declared) {
			name = "VARCHAR"
		}
		if i != j.timeColumn {
			columns[i] = fmt.Sprintf("CAST(%s AS %s)", columns[i], name)
		}
	}
	return columns, nil
}

// keepsText says whether a type that was found for the texts of a join key is the one that was declared. A key that is
// declared as STRING stays text even if all of its values look like numbers.
func keepsText(found string, declared plumbv1.Type) bool {
	whole := declared == plumbv1.Type_INT32 || declared == plumbv1.Type_INT64
	return whole && found == "BIGINT" || declared == plumbv1.Type_BOOL && found == "BOOLEAN"
}

// textResult is the result with every output as text. A heading that SQL cannot have is a row of the result.
func (j *join) textResult(ran []*useRun, labels, names []string, standIns standIns) (query, options string) {
	text := &join{computed: j.computed, outputs: make([]column, len(j.outputs))}
	for i, output := range j.outputs {
		text.outputs[i] = column{name: output.name, sql: output.csv}
	}
	query = text.result(ran, labels, quote.Identifiers(names))
	if len(standIns) == 0 {
		return query, "FORMAT csv, HEADER true, NULLSTR '', USE_TMP_FILE false"
	}
	heading := make([]string, len(names))
	for i, name := range j.columnNames() {
		heading[i] = quote.Literal(name)
	}
	return "SELECT " + strings.Join(heading, ", ") + " UNION ALL (" + query + ")",
		"FORMAT csv, HEADER false, NULLSTR '', USE_TMP_FILE false"
}

// Stream implements offline.Join.
func (j *join) Stream(ctx context.Context, yield func(arrow.RecordBatch) error) (offline.JoinReport, error) {
	return j.prepare(ctx, nil, func(s *session.Session, ran []*useRun) error {
		labels, err := j.labelTypes(ctx, s)
		if err != nil {
			return err
		}
		names := j.columnNames()
		statement := fmt.Sprintf("CREATE TABLE %s.result AS\nSELECT row_number() OVER () - 1 AS n, * FROM (%s)",
			session.Schema,
			j.result(ran, labels, quote.Numbered("r", len(names))))
		if err := j.execute(ctx, s, statement); err != nil {
			return err
		}
		return s.Stream(ctx, "result", func(batch arrow.RecordBatch) error {
			return yield(renamed(withoutSlack(batch), names))
		})
	})
}

// renamed gives the columns of a batch their users' names, which our tables could not hold side by side with ours.
func renamed(batch arrow.RecordBatch, names []string) arrow.RecordBatch {
	fields := batch.Schema().Fields()
	for i, name := range names {
		fields[i].Name = name
	}
	return array.NewRecordBatch(arrow.NewSchema(fields, nil), batch.Columns(), batch.NumRows())
}

func (j *join) writeArrow(ctx context.Context, path string) (report offline.JoinReport, err error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return report, fmt.Errorf("write Arrow IPC: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	var writer *ipc.FileWriter
	report, err = j.Stream(ctx, func(batch arrow.RecordBatch) error {
		if writer == nil {
			if writer, err = ipc.NewFileWriter(file, ipc.WithSchema(batch.Schema())); err != nil {
				return fmt.Errorf("write Arrow IPC: %w", err)
			}
		}
		if err := writer.Write(batch); err != nil {
			return fmt.Errorf("write Arrow IPC: %w", err)
		}
		return nil
	})
	if err != nil {
		return report, err
	}
	if err := writer.Close(); err != nil {
		return report, fmt.Errorf("write Arrow IPC: %w", err)
	}
	return report, nil
}

// csvText returns the SQL of a value's text in CSV: bytes are base64, times RFC 3339 with microseconds, and arrays
// JSON. In JSON, a value that it has no form for is a string. These are the forms that CSV sources are read in, so that
// a result in CSV can itself be a source, with the same values: [1.5, NaN, null] is written as [1.5,"NaN",null].
func csvText(column string, t plumbv1.Type) string {
	if element, ok := value.ElementType(t); ok {
		text := "to_json(" + csvText("element", element) + ")"
		if element == plumbv1.Type_FLOAT32 || element == plumbv1.Type_FLOAT64 {
			text = "CASE WHEN isfinite(element) THEN CAST(CAST(element AS VARCHAR) AS JSON) ELSE " + text + " END"
		}
		return fmt.Sprintf("CAST(to_json(list_transform(%s, lambda element: coalesce(%s, 'null'::JSON))) AS VARCHAR)",
			column, text)
	}
	switch t {
	case plumbv1.Type_BYTES:
		return "base64(" + column + ")"
	case plumbv1.Type_TIMESTAMP:
		return "strftime(CAST(" + column + " AS TIMESTAMP), '%Y-%m-%dT%H:%M:%S.%fZ')"
	case plumbv1.Type_FLOAT32, plumbv1.Type_FLOAT64:
		return strings.ReplaceAll("CASE WHEN isnan($) THEN 'NaN' WHEN isinf($) AND $ > 0 THEN 'Infinity' WHEN isinf($) THEN "+
			"'-Infinity' ELSE CAST($ AS VARCHAR) END", "$", column)
	}
	return column
}
