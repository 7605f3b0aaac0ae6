package storetest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/plumbstore/plumb/feature"
)

// File is a Parquet, CSV, JSON lines or Arrow IPC file to write. The ending of its path determines the format.
type File struct {
	Path    string
	Columns []Column
	// RowGroup is the number of rows to a Parquet row group or an Arrow batch; 0 means all in one.
	RowGroup int
	// Int96 stores Parquet timestamps in the deprecated 96-bit form, in nanoseconds.
	Int96 bool
	// NoStatistics leaves Parquet row groups without any.
	NoStatistics bool
	// PageV2 writes Parquet data pages of version 2.
	PageV2 bool
	// Encryption is how Parquet is encrypted; nil if it is not.
	Encryption *parquet.FileEncryptionProperties
	// Compression is that of Parquet pages; the zero value is none.
	Compression compress.Compression

	// stored, if not nil, is what to write instead of Columns: values that are not yet of the declared types.
	stored []Column
	// unwritten says that the file is as it is, or is not there.
	unwritten bool
}

// Write writes the file, and the folder that it is in.
func (f File) Write() error {
	if f.unwritten {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(f.Path), 0o755); err != nil {
		return err
	}
	if f.stored != nil {
		f.Columns = f.stored
	}
	var err error
	switch ext := filepath.Ext(f.Path); ext {
	case ".parquet":
		err = f.writeParquet()
	case ".arrow":
		err = f.writeArrow()
	case ".csv":
		err = os.WriteFile(f.Path, []byte(f.csv()), 0o644)
	case ".jsonl":
		err = os.WriteFile(f.Path, []byte(f.jsonLines()), 0o644)
	default:
		err = fmt.Errorf("no writer for %s", ext)
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", f.Path, err)
	}
	return nil
}

func (f File) rows() int {
	if len(f.Columns) == 0 {
		return 0
	}
	return len(f.Columns[0].Values)
}

func (f File) rowGroup() int {
	if f.RowGroup > 0 {
		return f.RowGroup
	}
	return max(f.rows(), 1)
}

func (f File) hasFloats() bool {
	return slices.ContainsFunc(f.Columns, func(c Column) bool {
		form := c.Form
		if list, ok := form.(*arrow.ListType); ok {
			form = list.Elem()
		}
		return arrow.IsFloating(form.ID())
	})
}

func (f File) writeParquet() error {
	batch, err := record(f.Columns)
	if err != nil {
		return err
	}
	defer batch.Release()
	out, err := os.Create(f.Path)
	if err != nil {
		return err
	}
	writer, err := pqarrow.NewFileWriter(batch.Schema(), out, f.properties(),
		pqarrow.NewArrowWriterProperties(pqarrow.WithDeprecatedInt96Timestamps(f.Int96)))
	if err != nil {
		return err
	}
	if err := writer.Write(batch); err != nil {
		return err
	}
	return writer.Close()
}

// properties are those of the Parquet writer. A dictionary would make one NaN of all, and for lists that are all null
// or empty arrow-go writes a least and a greatest element that nothing can read.
func (f File) properties() *parquet.WriterProperties {
	lists := slices.ContainsFunc(f.Columns, func(c Column) bool { return arrow.IsListLike(c.Form.ID()) })
	page := parquet.DataPageV1
	if f.PageV2 {
		page = parquet.DataPageV2
	}
	properties := []parquet.WriterProperty{parquet.WithMaxRowGroupLength(int64(f.rowGroup())),
		parquet.WithVersion(parquet.V2_6), parquet.WithDataPageVersion(page), parquet.WithCompression(f.Compression),
		parquet.WithDictionaryDefault(!f.hasFloats()), parquet.WithStats(!lists && !f.NoStatistics)}
	for _, column := range f.Columns {
		if column.Encoding != parquet.Encodings.Plain {
			properties = append(properties, parquet.WithEncodingFor(column.Name, column.Encoding),
				parquet.WithDictionaryFor(column.Name, false))
		}
	}
	if f.Encryption != nil {
		properties = append(properties, parquet.WithEncryptionProperties(f.Encryption.Clone("")))
	}
	return parquet.NewWriterProperties(properties...)
}

// column is the column of a name.
func (f File) column(name string) *Column {
	at := slices.IndexFunc(f.Columns, func(c Column) bool { return c.Name == name })
	return &f.Columns[at]
}

func (f File) writeArrow() error {
	batch, err := record(f.Columns)
	if err != nil {
		return err
	}
	defer batch.Release()
	out, err := os.Create(f.Path)
	if err != nil {
		return err
	}
	defer out.Close()
	writer, err := ipc.NewFileWriter(out, ipc.WithSchema(batch.Schema()))
	if err != nil {
		return err
	}
	for start := 0; start < f.rows(); start += f.rowGroup() {
		part := batch.NewSlice(int64(start), int64(min(start+f.rowGroup(), f.rows())))
		err := writer.Write(part)
		part.Release()
		if err != nil {
			return err
		}
	}
	return writer.Close()
}

// csv leaves a null empty and quotes every string, the empty one too.
func (f File) csv() string {
	var text strings.Builder
	for i, column := range f.Columns {
		text.WriteString(separator(i) + quoted(column.Name))
	}
	text.WriteString("\n")
	for row := range f.rows() {
		for i, column := range f.Columns {
			text.WriteString(separator(i) + csvCell(column.Form, column.Values[row]))
		}
		text.WriteString("\n")
	}
	return text.String()
}

func separator(column int) string {
	if column == 0 {
		return ""
	}
	return ","
}

func quoted(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

func csvCell(form arrow.DataType, v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return quoted(v)
	case []byte:
		if len(v) == 0 {
			return `""`
		}
		return base64.StdEncoding.EncodeToString(v)
	case float64:
		return csvFloat(v, 64)
	case float32:
		return csvFloat(float64(v), 32)
	case feature.Instant:
		return csvInstant(form, v)
	case []any:
		return quoted(jsonCell(form, v))
	}
	return fmt.Sprint(v)
}

// jsonLines has an object for each row, nulls written out.
func (f File) jsonLines() string {
	var text strings.Builder
	for row := range f.rows() {
		for i, column := range f.Columns {
			text.WriteString([]string{"{", ", "}[min(i, 1)] + jsonText(column.Name) + ": " +
				jsonCell(column.Form, column.Values[row]))
		}
		text.WriteString("}\n")
	}
	return text.String()
}

// jsonCell is numbers and booleans as they are, and all else as the text that CSV has, in quotes.
func jsonCell(form arrow.DataType, v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return jsonText(v)
	case []byte:
		return jsonText(base64.StdEncoding.EncodeToString(v))
	case []any:
		elements := make([]string, len(v))
		for i := range v {
			elements[i] = jsonCell(form.(*arrow.ListType).Elem(), v[i])
		}
		return "[" + strings.Join(elements, ", ") + "]"
	case bool, int32, int64:
		return fmt.Sprint(v)
	}
	cell := strings.Trim(csvCell(form, v), `"`)
	if json.Valid([]byte(cell)) && cell != "" {
		return cell
	}
	return jsonText(cell)
}

func jsonText(text string) string {
	var quoted bytes.Buffer
	encoder := json.NewEncoder(&quoted)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(text) // A text can always be written.
	return strings.TrimSpace(quoted.String())
}

// csvInstant writes a naive time without a zone, and one in Kolkata with its offset.
func csvInstant(form arrow.DataType, v feature.Instant) string {
	timestamp, ok := form.(*arrow.TimestampType)
	switch {
	case ok && timestamp.TimeZone == "":
		return v.Time().Format("2006-01-02 15:04:05.000000")
	case ok && timestamp.TimeZone == "Asia/Kolkata":
		return v.Time().In(time.FixedZone("IST", 5*3600+1800)).Format(time.RFC3339Nano)
	}
	return v.String()
}

func csvFloat(v float64, bits int) string {
	switch {
	case math.IsInf(v, 1):
		return "Infinity"
	case math.IsInf(v, -1):
		return "-Infinity"
	}
	return strconv.FormatFloat(v, 'g', -1, bits)
}
