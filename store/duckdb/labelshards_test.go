package duckdb

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbstore/plumb/internal/fault"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/offline"
)

// shards divides a join of v to labels with these instants, in microseconds.
func shards(t *testing.T, count int, instants string) []string {
	t.Helper()
	p := newProject(t, map[string]string{"a.parquet": "SELECT 1::BIGINT AS k, make_timestamp(0) AS at, 1.5 AS x"},
		"data/a.parquet", &plumbv1.Feature{Name: "x", Type: plumbv1.Type_FLOAT64})
	join, err := p.plan(t, "labels.parquet",
		"SELECT 1::BIGINT AS k, make_timestamp(n::BIGINT) AS t FROM unnest("+instants+"::BIGINT[]) AS i(n)")
	if err != nil {
		t.Fatal(err)
	}
	defer join.Close()
	divided, err := join.Divide(t.Context(), count)
	if err != nil {
		t.Fatal(err)
	}
	var shown []string
	for _, shard := range divided {
		from := "beginning"
		if shard.Window.Start != nil {
			from = fmt.Sprint(int64(*shard.Window.Start))
		}
		shown = append(shown, fmt.Sprintf("(%s, %d] %d rows", from, shard.Window.End, shard.Rows))
		if len(shard.Inputs) != 1 {
			t.Errorf("a shard has the inputs %v", shard.Inputs)
		}
	}
	return shown
}

func TestR6_LabelRowsOfOneInstantAreInOneShard(t *testing.T) {
	for _, c := range []struct {
		count    int
		instants string
		want     []string
	}{
		{1, "[3, 1, 2]", []string{"(beginning, 3] 3 rows"}},
		{2, "[4, 1, 3, 2]", []string{"(beginning, 2] 2 rows", "(2, 4] 2 rows"}},
		{2, "[1, 2, 2, 2, 2, 3]", []string{"(beginning, 2] 5 rows", "(2, 3] 1 rows"}},
		{3, "[7, 7, 7]", []string{"(beginning, 7] 3 rows", "(7, 7] 0 rows", "(7, 7] 0 rows"}},
		{4, "[-5, 9]", []string{"(beginning, -5] 1 rows", "(-5, -5] 0 rows", "(-5, 9] 1 rows", "(9, 9] 0 rows"}},
		{2, "[]", []string{"(beginning, 0] 0 rows", "(0, 0] 0 rows"}},
	} {
		if diff := cmp.Diff(c.want, shards(t, c.count, c.instants)); diff != "" {
			t.Errorf("%s in %d shards (-want +got):\n%s", c.instants, c.count, diff)
		}
	}
}

// inSecondShard joins the second of two shards of labels.
func inSecondShard(t *testing.T, p *project, between func()) error {
	t.Helper()
	join, err := p.plan(t, "labels.parquet", "SELECT k, make_timestamp(n) AS t FROM "+
		"(VALUES ('1', 10::BIGINT), ('2', 30), ('3', 5), ('1.5', 40)) AS i(k, n)")
	if err != nil {
		t.Fatal(err)
	}
	divided, err := join.Divide(t.Context(), 2)
	if err = errors.Join(err, join.Close()); err != nil {
		t.Fatal(err)
	}
	between()
	selection, err := p.snapshot(t).SelectFeatures([]string{"v:*"}, false)
	if err != nil {
		t.Fatal(err)
	}
	join, err = p.open(t).PlanJoin(t.Context(), offline.JoinRequest{Selection: selection,
		Labels: p.folder + "/labels.parquet", TimestampColumn: "t", Shard: &divided[1]})
	if err != nil {
		return err
	}
	defer join.Close()
	_, err = join.WriteFile(t.Context(), p.folder+"/out.parquet")
	return err
}

func TestR9_AKeyInAShardIsNamedByItsRowAmongAllLabels(t *testing.T) {
	p := newProject(t, map[string]string{"a.parquet": "SELECT 1::BIGINT AS k, make_timestamp(0) AS at, 1.5 AS x"},
		"data/a.parquet", &plumbv1.Feature{Name: "x", Type: plumbv1.Type_FLOAT64})
	err := inSecondShard(t, p, func() {})
	if _, ok := errors.AsType[*fault.InputError](err); !ok || !strings.Contains(err.Error(), "row 4 of the labels") {
		t.Errorf("the error is %v", err)
	}
}

func TestAShardOfLabelsReadsTheInputsThatTheLabelsWereDividedWith(t *testing.T) {
	p := newProject(t, map[string]string{"a.parquet": "SELECT 1::BIGINT AS k, make_timestamp(0) AS at, 1.5 AS x"},
		"data/*.parquet", &plumbv1.Feature{Name: "x", Type: plumbv1.Type_FLOAT64})
	err := inSecondShard(t, p, func() {
		p.write(t, "data/a.parquet", "SELECT 1::BIGINT AS k, make_timestamp(0) AS at, 2.5 AS x")
	})
	if found, ok := errors.AsType[*offline.ChangedInputError](err); !ok || found.Input != "data/a.parquet" {
		t.Errorf("the error is %v", err)
	}
}
