package parity_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal256"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/plumbstore/plumb/feature"
	_ "github.com/plumbstore/plumb/internal/cli" // So that a result is not kept when what the binary is made of changes.
	"github.com/plumbstore/plumb/parity"
	"github.com/plumbstore/plumb/store/storetest"
)

// defect is a mistake in the product: a patch of its text, below testdata/defects. One binary has all of them, and the
// environment says which is at work: a patch asks defect(NAME), or has either(NAME, wrong, right). What stands before
// it says what is wrong, and:
//
//	Cause: one that the mismatches have to be reported with
//	Project: the project that shows it; levels unless it is said
//
// Each stage has some: the offline engine's two halves, the windows, the codec, the look-up, the readers of files.
type defect struct {
	name, patch    string
	cause, project string
	// files are those that it changes.
	files []string
}

func defects(t *testing.T) (all []defect) {
	t.Helper()
	for _, path := range must(filepath.Glob("testdata/defects/*.patch"))(t) {
		d := defect{name: strings.TrimSuffix(filepath.Base(path), ".patch"), patch: must(filepath.Abs(path))(t),
			project: "levels"}
		text := string(must(os.ReadFile(path))(t))
		for line := range strings.Lines(text) {
			line = strings.TrimSpace(line)
			for start, field := range map[string]*string{"Cause: ": &d.cause, "Project: ": &d.project} {
				if value, ok := strings.CutPrefix(line, start); ok {
					*field = value
				}
			}
			if file, ok := strings.CutPrefix(line, "--- a/"); ok {
				d.files = append(d.files, file)
			}
		}
		if d.cause == "" || len(d.files) == 0 || !strings.Contains(text, fmt.Sprintf("(%q", d.name)) {
			t.Fatalf("%s says no cause, changes no file or does not ask for its name", path)
		}
		all = append(all, d)
	}
	return all
}

// switches are in each package that has a defect.
const switches = `

import "os"

func defect(name string) bool { return os.Getenv("PLUMB_DEFECT") == name }

func either(name, wrong, right string) string {
	if defect(name) {
		return wrong
	}
	return right
}
`

// plant applies all patches to copies of the files that they change, and returns which file stands for which.
func plant(t *testing.T, root string, all []defect) map[string]string {
	t.Helper()
	folder, changed := t.TempDir(), map[string]string{}
	put := func(file, text string) {
		changed[filepath.Join(root, file)] = filepath.Join(folder, file)
		if err := os.MkdirAll(filepath.Dir(filepath.Join(folder, file)), 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(folder, file), text)
	}
	for _, d := range all {
		for _, file := range d.files {
			if changed[filepath.Join(root, file)] == "" {
				put(file, string(must(os.ReadFile(filepath.Join(root, file)))(t)))
				put(filepath.Dir(file)+"/defect.go", "package "+filepath.Base(filepath.Dir(file))+switches)
			}
		}
		cmd := exec.CommandContext(t.Context(), "git", "apply", d.patch)
		// Within a repository git would apply a patch to that.
		cmd.Dir, cmd.Env = folder, append(os.Environ(), "GIT_CEILING_DIRECTORIES="+filepath.Dir(folder))
		if output, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("the product has changed, and %s is no patch of it any more; write it anew: %v\n%s", d.patch, err, output)
		}
	}
	return changed
}

// build builds the product with all defects in it.
func build(t *testing.T, all []defect) string {
	t.Helper()
	folder, root := t.TempDir(), must(filepath.Abs(".."))(t)
	overlay, binary := filepath.Join(folder, "overlay.json"), filepath.Join(folder, "plumb")
	write(t, overlay, string(must(json.Marshal(map[string]any{"Replace": plant(t, root, all)}))(t)))
	cmd := exec.CommandContext(t.Context(), "go", "build", "-ldflags", "-s -w",
		"-overlay", overlay, "-o", binary, "./cmd/plumb")
	cmd.Dir = root
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("the product with its defects does not build: %v\n%s", err, output)
	}
	return binary
}

func must[T any](value T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

const definitions = `
entities:
  - {name: sensor, join_keys: [{name: sensor, type: INT64}]}
  - {name: shop, join_keys: [{name: shop, type: STRING}]}
sources:
  - {name: readings, parquet: {path: data/readings.parquet}, event_timestamp: at, created_timestamp: known}
  - {name: visits, parquet: {path: data/visits.parquet}, event_timestamp: at}
feature_views:
  - name: reading
    entities: [sensor]
    source: readings
    ttl: 1h
    features: [{name: level, type: FLOAT64}, {name: note, type: STRING}]
  - name: visit
    entities: [shop]
    source: visits
    features: [{name: people, type: INT32}]
feature_services:
  - name: model
    full_names: true
    features: [{view: reading}, {view: visit}]
`

// newProject makes a project with rows at every edge: levels of -0.0 and of null, rows that tie with and without
// created times, rows that became known long after, gaps longer than the ttl.
func newProject(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	write(t, filepath.Join(folder, "plumb.yaml"), "project: shops\ndefinitions: [features.yaml]\n"+
		"registry: sqlite:registry.db\nonline_store: sqlite:online.db\noffline: {roots: [data]}\n")
	write(t, filepath.Join(folder, "features.yaml"), definitions)
	random := rand.New(rand.NewPCG(7, 7))
	readings := []storetest.Column{
		{Name: "sensor", Form: arrow.PrimitiveTypes.Int64}, {Name: "at", Form: arrow.FixedWidthTypes.Timestamp_us},
		{Name: "known", Form: arrow.FixedWidthTypes.Timestamp_us}, {Name: "level", Form: arrow.PrimitiveTypes.Float64},
		{Name: "note", Form: arrow.BinaryTypes.String},
	}
	visits := []storetest.Column{
		{Name: "shop", Form: arrow.BinaryTypes.String}, {Name: "at", Form: arrow.FixedWidthTypes.Timestamp_us},
		{Name: "people", Form: arrow.PrimitiveTypes.Int32},
	}
	add := func(columns []storetest.Column, values ...any) {
		for i, value := range values {
			columns[i].Values = append(columns[i].Values, value)
		}
	}
	const minute, start = feature.Instant(60_000_000), feature.Instant(1_700_000_000_123_456)
	for step := range 120 {
		at := start + feature.Instant(step)*40*minute
		if step%5 == 4 {
			at += 35 * minute // The next one is 5 minutes later, and the one before is longer ago than the ttl.
		}
		for sensor := range int64(5) {
			known := at + feature.Instant(random.IntN(20))*10*minute
			levels := []any{math.Copysign(0, -1), 0.0, 1.5, nil}
			add(readings, sensor, at, known, levels[random.IntN(len(levels))], fmt.Sprint("first ", step))
			if random.IntN(3) == 0 {
				add(readings, sensor, at, known-minute, 2.5, fmt.Sprint("second ", step))
			}
		}
		for shop := range 4 {
			for range 1 + random.IntN(2) {
				add(visits, fmt.Sprint("shop ", shop), at, random.Int32N(1000))
			}
		}
	}
	for name, columns := range map[string][]storetest.Column{"readings": readings, "visits": visits} {
		file := storetest.File{Path: filepath.Join(folder, "data", name+".parquet"), Columns: columns}
		if err := file.Write(); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

const computedDefinitions = `
on_demand_views:
  - name: now
    request: [{name: weight, type: FLOAT64}, {name: count, type: INT64}]
    views: [{view: reading}]
    features:
      - {name: weighed, type: FLOAT64, expression: reading.level * weight}
      - {name: moved, type: FLOAT64, expression: reading.level * weight + 0.1}
      - {name: share, type: INT64, expression: 1000 / count}
      - {name: at, type: TIMESTAMP, expression: request_time}
feature_services:
  - {name: computed, features: [{view: now}]}
`

// newComputedProject makes a project that computes features of the rows of newProject, and serves nothing else.
func newComputedProject(t *testing.T) string {
	t.Helper()
	folder := newProject(t)
	views, _, _ := strings.Cut(definitions, "feature_services:")
	write(t, filepath.Join(folder, "features.yaml"), views+computedDefinitions)
	return folder
}

const wideDefinitions = `
entities:
  - {name: item, join_keys: [{name: item, type: INT64}]}
sources:
  - {name: prices, parquet: {path: data/prices.parquet}, event_timestamp: at}
feature_views:
  - {name: price, entities: [item], source: prices, features: [{name: price, type: FLOAT64}]}
feature_services:
  - {name: model, features: [{view: price}]}
`

// newWideProject makes a project with a column of decimals of 39 digits.
func newWideProject(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	write(t, filepath.Join(folder, "plumb.yaml"), "project: shops\ndefinitions: [features.yaml]\n"+
		"registry: sqlite:registry.db\nonline_store: sqlite:online.db\noffline: {roots: [data]}\n")
	write(t, filepath.Join(folder, "features.yaml"), wideDefinitions)
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "item", Type: arrow.PrimitiveTypes.Int64}, {Name: "at", Type: arrow.FixedWidthTypes.Timestamp_us},
		{Name: "price", Type: &arrow.Decimal256Type{Precision: 39, Scale: 2}},
	}, nil)
	builder := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer builder.Release()
	for row := range int64(50) {
		builder.Field(0).(*array.Int64Builder).Append(row % 7)
		builder.Field(1).(*array.TimestampBuilder).Append(arrow.Timestamp(1_700_000_000_000_000 + row*60_000_000))
		builder.Field(2).(*array.Decimal256Builder).Append(decimal256.FromI64(150 + row))
	}
	if err := os.MkdirAll(filepath.Join(folder, "data"), 0o755); err != nil {
		t.Fatal(err)
	}
	file := must(os.Create(filepath.Join(folder, "data", "prices.parquet")))(t)
	writer := must(pqarrow.NewFileWriter(schema, file, nil, pqarrow.DefaultWriterProps()))(t)
	if err := errors.Join(writer.Write(builder.NewRecordBatch()), writer.Close()); err != nil {
		t.Fatal(err)
	}
	return folder
}

const textDefinitions = `
entities:
  - {name: item, join_keys: [{name: item, type: STRING}]}
sources:
  - {name: csv, csv: {path: data/prices.csv}, event_timestamp: at, created_timestamp: known}
  - {name: lines, jsonl: {path: data/prices.jsonl}, event_timestamp: at, created_timestamp: known}
feature_views:
  - name: price
    entities: [item]
    source: csv
    features:
      - {name: price, type: FLOAT64}
      - {name: stock, type: INT64}
      - {name: note, type: STRING}
      - {name: open, type: BOOL}
      - {name: seen, type: TIMESTAMP}
      - {name: raw, type: BYTES}
      - {name: sizes, type: FLOAT64_ARRAY}
  - name: offer
    entities: [item]
    source: lines
    features: [{name: price, type: FLOAT64}, {name: stock, type: INT64}, {name: note, type: STRING}]
feature_services:
  - {name: model, full_names: true, features: [{view: price}, {view: offer}]}
`

const windowDefinitions = `
entities:
  - {name: sensor, join_keys: [{name: sensor, type: INT64}]}
sources:
  - name: readings
    parquet: {path: data/readings.parquet}
    event_timestamp: at
    created_timestamp: known
  - name: good
    parquet: {path: data/readings.parquet}
    event_timestamp: at
    columns: [{name: doubled, type: FLOAT64, expression: amount + amount}]
    filter: units > 10
feature_views:
  - name: recent
    entities: [sensor]
    source: readings
    lookback: 1h
    aggregations:
      - {functions: [rows], windows: [1h, 6h]}
      - {of: amount, functions: [count, sum, mean, max], windows: [1h, 6h, lifetime]}
      - {of: units, functions: [sum, min], windows: [2h], offset: 30m}
      - {of: units, functions: [sum], windows: [10m], hop: exact}
      - {of: note, functions: [last, {last_n: 3}, distinct], windows: [6h]}
  - name: filtered
    entities: [sensor]
    source: good
    aggregations:
      - {of: doubled, functions: [sum, count], windows: [1h, 6h]}
feature_services:
  - {name: model, full_names: true, features: [{view: recent}, {view: filtered}]}
`

// verify runs the binary with one defect at work, or none, and returns its report and exit code.
func verify(t *testing.T, binary, folder, defect string) (parity.Report, int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, "verify", "--plan", "--rows", "600", "--output", "json")
	cmd.Dir, cmd.Env = folder, append(os.Environ(), "PLUMB_DEFECT="+defect)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	var report parity.Report
	if err := json.Unmarshal(stdout.Bytes(), &report); err != nil {
		t.Fatalf("%v: %s\n%s", err, &stdout, &stderr)
	}
	return report, cmd.ProcessState.ExitCode()
}

func TestEveryDefectThatIsBuiltInIsCaughtAndToldByItsCause(t *testing.T) {
	all := defects(t)
	binary := build(t, all)
	projects := map[string]string{"levels": newProject(t), "decimals": newWideProject(t), "text": newTextProject(t),
		"computed": newComputedProject(t), "windows": newWindowProject(t)}
	report, code := verify(t, binary, projects["levels"], "")
	if code != 0 || report.Outcome != parity.Passed || report.Totals.Values != 600*3 {
		t.Fatalf("without a defect: exit code %d, %+v", code, report)
	}
	for _, name := range []string{"text", "computed", "windows"} {
		if report, code := verify(t, binary, projects[name], ""); code != 0 || report.Outcome != parity.Passed {
			t.Errorf("%s without a defect: exit code %d, %+v", name, code, report)
		}
	}
	if len(all) == 0 {
		t.Error("there are no defects")
	}
	for _, d := range all {
		t.Run(d.name, func(t *testing.T) {
			report, code := verify(t, binary, projects[d.project], d.name)
			if code != 1 || report.Outcome != parity.Failed {
				t.Errorf("exit code %d, outcome %q", code, report.Outcome)
			}
			if !slices.ContainsFunc(report.Causes, func(c parity.CauseCount) bool { return string(c.Cause) == d.cause }) {
				t.Errorf("the causes are %v, want %q among them", report.Causes, d.cause)
			}
		})
	}
}
