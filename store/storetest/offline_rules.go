package storetest

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/offline"
)

// offlineTests are the tests that need more than a case file can say. A name begins with its rule.
var offlineTests = []struct {
	name string
	run  func(t *testing.T, suite Offline)
}{
	{"R1_zoned_nanoseconds_before_1970_are_floored_or_refused", zonedNanoseconds},
	{"R2_ttl_at_the_ends_of_time", ttlAtTheEndsOfTime},
	{"R3_ties_do_not_depend_on_the_number_of_threads", tiesOnManyThreads},
	{"R3_rows_of_a_query_tie_by_what_features_are_of_them", queriesTieByValue},
	{"R6_many_labels_keep_their_order", manyLabels},
	{"R6_label_columns_of_every_type_come_back_untouched", labelColumnsOfEveryType},
	{"R6_values_of_CSV_labels_stay_what_they_are", csvValuesStay},
	{"R6_keys_of_CSV_labels_stay_what_they_are", csvKeysStay},
	{"R6_CSV_labels_of_all_writers_are_read", csvOfAllWriters},
	{"R6_label_columns_of_other_types_stay_or_are_refused", labelFormsStay},
	{"R7_zeros_of_both_signs_survive_in_result_files", zerosInFiles},
	{"R8_label_keys_without_a_type_match_nothing", untypedLabelKeys},
	{"R9_partitions_are_text", partitionsAreText},
	{"R9_text_is_never_taken_for_a_number", textIsText},
	{"R9_text_spells_a_key_in_one_way", textSpellsKeysInOneWay},
	{"R10_names_that_differ_by_case_are_kept_or_refused", namesByCase},
	{"R10_a_column_may_be_read_more_than_once", columnsReadTwice},
	{"R10_names_that_an_engine_may_use_itself_are_free", engineNames},
	{"R3_columns_named_like_places_do_not_deceive", placeNames},
	{"R25_request_inputs_come_from_labels_of_every_format", requestInputsOfFormats},
	{"R25_request_inputs_come_from_columns_of_other_types", requestInputsOfOtherForms},
	{"R25_joins_that_compute_are_explained", computedJoinsExplained},
	{"R25_text_that_does_not_fit_a_request_input_is_told", misfitsInText},
	{"R25_outputs_of_every_type_come_out_of_every_format", outputsOfEveryType},
	{"R25_many_rows_are_computed_in_their_order", manyComputedRows},
	{"R6_many_labels_of_windows_keep_their_order", manyWindowedLabels},
	{"R20_long_runs_give_equal_bits_whatever_the_files_and_threads", longRuns},
	{"R20_kinds_of_files_make_no_difference_to_windows", windowsOfManyKinds},
	{"R21_exact_sums_of_long_runs", cancellingRuns},
}

// InZone runs tests of the calling test binary once more, on a machine whose time zone is another one (R1).
func InZone(t *testing.T, zone, tests string) {
	command := exec.CommandContext(t.Context(), os.Args[0], "-test.v", "-test.run="+tests, "-rapid.checks=25",
		"-rapid.nofailfile")
	command.Env = append(os.Environ(), "TZ="+zone)
	output, err := command.CombinedOutput()
	if err != nil || !strings.Contains(string(output), "--- PASS: Test") {
		t.Errorf("in time zone %s: %v\n%s", zone, err, output)
	}
}

// caseOf reads one case from text and writes its sources, for worlds in the folder. Each test has a prefix of its own.
func caseOf(t *testing.T, folder, text string) *Case {
	t.Helper()
	cases, err := parseCases("case "+t.Name()+"\n"+text, strings.ReplaceAll(t.Name(), "/", "_"), folder)
	if err != nil {
		t.Fatal(err)
	}
	if err := cases[0].World.Write(); err != nil {
		t.Fatal(err)
	}
	return cases[0]
}

// holdAll checks an engine against everything that the case asks.
func holdAll(t *testing.T, engine offline.Store, c *Case) {
	t.Helper()
	if err := c.hold(t.Context(), engine); err != nil {
		t.Error(err)
	}
}

// weather is the plain world that most tests vary.
const weather = `
view weather (airport STRING) ttl 3h: temp FLOAT64, gust FLOAT64
load weather
  airport  event  temp   gust
  "EWR"    06:00  39.02  null
  "EWR"    07:00  40.5   11.5
  "JFK"    06:30  41     null
join weather
  airport  event_timestamp | temp   gust
  "EWR"    06:59           | 39.02  null
`

func ttlAtTheEndsOfTime(t *testing.T, suite Offline) {
	folder := t.TempDir()
	engine := suite.Start(t, folder, 2)
	const first, last = feature.Instant(-9223372022400000000), feature.Instant(math.MaxInt64 - 1)
	c := caseOf(t, folder, `
view probe () ttl 2562047h: n INT64
load probe
  event n
join probe
  event_timestamp | n
`)
	history, file, labels := c.World.Histories["probe"], &c.World.Files[0], &c.Joins[0].Question.Labels
	ttl := feature.Instant(history.TTL.Microseconds())
	for i, event := range []feature.Instant{first, 0, last} {
		history.Rows = append(history.Rows, SourceRow{
			Event: &event, Features: []any{int64(i)}, File: file.Path, Number: i,
		})
		file.Columns[0].Values = append(file.Columns[0].Values, event)
		file.Columns[1].Values = append(file.Columns[1].Values, int64(i))
	}
	labels.stored = nil
	for _, at := range []feature.Instant{
		first, first + 1, first + ttl, first + ttl + 1, -1, 0, ttl, ttl + 1, last - 1, last,
	} {
		labels.Columns[0].Values = append(labels.Columns[0].Values, at)
	}
	if err := c.World.Write(); err != nil {
		t.Fatal(err)
	}
	holdAll(t, engine, c)
}

func tiesOnManyThreads(t *testing.T, suite Offline) {
	folder := t.TempDir()
	c := caseOf(t, folder, `
view weather (airport INT64): temp INT64
load weather
  airport event created temp
load weather
  airport event created temp
load weather
  airport event created temp
join weather
  airport event_timestamp | temp
`)
	history, labels := c.World.Histories["weather"], &c.Joins[0].Question.Labels
	hour := *instantOf(t, "06:00")
	for i := range 21_000 { // Each of seven threads may have a row group of each file.
		file := &c.World.Files[i%3]
		file.RowGroup = 1_000
		event, created := hour+feature.Instant(i/7%2), hour+feature.Instant(i/11%2)
		row := SourceRow{
			Keys: []any{int64(i % 5)}, Event: &event, Created: &created, Features: []any{int64(i)},
			File: file.Path, Number: i / 3,
		}
		history.Rows = append(history.Rows, row)
		for at, v := range []any{row.Keys[0], event, created, row.Features[0]} {
			file.Columns[at].Values = append(file.Columns[at].Values, v)
		}
	}
	labels.stored = nil
	for i := range 10 {
		labels.Columns[0].Values = append(labels.Columns[0].Values, int64(i%5))
		labels.Columns[1].Values = append(labels.Columns[1].Values, hour+feature.Instant(i/5))
	}
	if err := c.World.Write(); err != nil {
		t.Fatal(err)
	}
	for _, threads := range []int{1, 2, 7} {
		holdAll(t, suite.Start(t, folder, threads), c)
	}
}

func instantOf(t *testing.T, word string) *feature.Instant {
	t.Helper()
	parsed, err := timeLiteral(word)
	if err != nil {
		t.Fatal(err)
	}
	return new(feature.InstantOf(parsed))
}

func manyLabels(t *testing.T, suite Offline) {
	folder := t.TempDir()
	engine := suite.Start(t, folder, 4)
	c := caseOf(t, folder, weather)
	labels := &c.Joins[0].Question.Labels
	labels.stored, labels.RowGroup = nil, 10_000
	number := Column{Name: "number", Form: arrow.PrimitiveTypes.Int64}
	airports := []any{"EWR", nil, "LGA", "JFK"}
	six := *instantOf(t, "06:00")
	for i := range 66_000 { // More than a batch has, and several row groups.
		labels.Columns[0].Values = append(labels.Columns[0].Values, airports[i%len(airports)])
		labels.Columns[1].Values = append(labels.Columns[1].Values, six+feature.Instant(i*7919%20_000)*1_000_000)
		number.Values = append(number.Values, int64(i))
	}
	number.Values = append([]any{int64(-1)}, number.Values...)
	labels.Columns = append(labels.Columns, number)
	holdAll(t, engine, c)
	labels.Path = strings.TrimSuffix(labels.Path, ".parquet") + ".csv"
	holdAll(t, engine, c)
}

func labelColumnsOfEveryType(t *testing.T, suite Offline) {
	folder := t.TempDir()
	engine := suite.Start(t, folder, 2)
	c := caseOf(t, folder, weather)
	labels := &c.Joins[0].Question.Labels
	for number := range plumbv1.Type_name {
		for i, form := range forms(plumbv1.Type(number)) {
			if number == 0 || strings.Contains(form.String(), "float16") {
				continue
			}
			name := fmt.Sprintf("%s %d", plumbv1.Type(number), i)
			value := sample(plumbv1.Type(number), form)
			labels.stored = append(labels.stored, Column{Name: name, Form: form, Values: []any{value}})
		}
	}
	for _, ending := range []string{".parquet", ".arrow"} {
		labels.Path = strings.TrimSuffix(labels.Path, filepath.Ext(labels.Path)) + ending
		holdAll(t, engine, c)
	}
}

// sample is a value of the declared type that the form can hold.
func sample(declared plumbv1.Type, form arrow.DataType) any {
	if element, ok := value.ElementType(declared); ok {
		return []any{sample(element, form.(*arrow.ListType).Elem()), nil}
	}
	if declared == plumbv1.Type_TIMESTAMP {
		return snap(form, anchors[0])
	}
	return snap(form, edges[declared][len(edges[declared])-1])
}

// zerosInFiles repeats few values often, which is when writers of files begin to share them.
func zerosInFiles(t *testing.T, suite Offline) {
	folder := t.TempDir()
	engine := suite.Start(t, folder, 2)
	c := caseOf(t, folder, `
view zero (id INT64): x FLOAT64, y FLOAT32, z FLOAT64_ARRAY
load zero
  id  event  x     y     z
  1   06:00  -0.0  -0.0  [-0.0 0.0]
  2   06:00  0.0   0.0   [0.0 -0.0]
join zero
  id  weight:FLOAT64  event_timestamp | x y z
`)
	question := &c.Joins[0].Question
	for i := range 40 {
		for at, v := range []any{int64(i%2 + 1), math.Copysign(0, float64(i%3)-1), *instantOf(t, "07:00")} {
			question.Labels.Columns[at].Values = append(question.Labels.Columns[at].Values, v)
		}
	}
	question.Labels.stored = nil
	if err := writeLabels(c); err != nil {
		t.Fatal(err)
	}
	for _, out := range []string{"out.parquet", "out.arrow", "out.csv"} {
		if err := c.World.check(t.Context(), engine, *question, out); err != nil {
			t.Errorf("%s: %v", out, err)
		}
	}
}

// zonedNanoseconds allows an engine that cannot floor them to refuse, but not to cut towards 1970.
func zonedNanoseconds(t *testing.T, suite Offline) {
	folder := t.TempDir()
	engine := suite.Start(t, folder, 2)
	c := caseOf(t, folder, `
view probe (): n INT64
load probe
  event:TIMESTAMP_NS_UTC          n
  1969-12-31T23:59:59.999998999Z  1
join probe
  event_timestamp              | n
  1969-12-31T23:59:59.999998Z  | 1
`)
	if err := c.hold(t.Context(), engine); err != nil && refused(err, "event", "1969-12-31") != nil {
		t.Error(err)
	}
}

// partitionsAreText has a key that is in the folders' names alone.
func partitionsAreText(t *testing.T, suite Offline) {
	folder := t.TempDir()
	engine := suite.Start(t, folder, 2)
	c := caseOf(t, folder, `
view code (code STRING): n INT64
load code
  code   event  n
  "01"   06:00  1
load code
  code   event  n
  "1"    06:00  2
load code
  code   event  n
  "a b"  06:00  3
load code
  code   event  n
  null   06:00  4
join code
  code   event_timestamp | n
  "01"   07:00           | 1
  "1"    07:00           | 2
  "a b"  07:00           | 3
  null   07:00           | NOT_FOUND
newest code (-, 07:00]
  code   event  n
  "01"   06:00  1
  "1"    06:00  2
  "a b"  06:00  3
`)
	c.pathOf().Path = path.Join(c.prefix, "parts")
	for i, name := range []string{"code=01", "code=1", "code=a%20b", "code=__HIVE_DEFAULT_PARTITION__"} {
		file := &c.World.Files[i]
		file.Path, file.Columns = path.Join(c.prefix, "parts", name, "0.parquet"), file.Columns[1:]
		c.World.Histories["code"].Rows[i].File = file.Path
	}
	if err := c.World.Write(); err != nil {
		t.Fatal(err)
	}
	holdAll(t, engine, c)
}

func textIsText(t *testing.T, suite Offline) {
	folder := t.TempDir()
	engine := suite.Start(t, folder, 2)
	c := caseOf(t, folder, `
view code (code STRING): n INT64
load code
  code         event  n
  "007"        06:00  1
  "7"          06:00  2
  "1.0"        06:00  3
  "true"       06:00  4
  "2013-01-01" 06:00  5
  ""           06:00  6
  "NULL"       06:00  7
join code
  code         event_timestamp | n
  "007"        07:00           | 1
  "7"          07:00           | 2
  "1.0"        07:00           | 3
  "1"          07:00           | NOT_FOUND
  "true"       07:00           | 4
  "2013-01-01" 07:00           | 5
  ""           07:00           | 6
  "NULL"       07:00           | 7
  null         07:00           | NOT_FOUND
`)
	labels := &c.Joins[0].Question.Labels
	for _, ending := range []string{".parquet", ".arrow", ".csv"} {
		labels.Path = strings.TrimSuffix(labels.Path, filepath.Ext(labels.Path)) + ending
		holdAll(t, engine, c)
	}
}
