package pulled_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/jackc/pgx/v5/pgconn"
	"go.uber.org/goleak"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/parquetfile"
	"github.com/plumbstore/plumb/internal/postgrestest"
	"github.com/plumbstore/plumb/store/pulled"
	"github.com/plumbstore/plumb/store/pulled/postgres"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// source is a source over a database of its own.
type source struct {
	*testing.T
	url    string
	folder string
	pull   *feature.Pull
	// memory is what known rows may take.
	memory int64
	// connect replaces the URL that is connected to, if set.
	connect string
	// disk is where files go; the machine's unless set.
	disk disk.Disk
}

// newSource makes a database with these statements, and a source over a query in it whose times are in column at.
func newSource(t *testing.T, server *postgrestest.Server, query string, statements ...string) *source {
	t.Helper()
	s := &source{T: t, url: server.Database(), folder: t.TempDir(), memory: 1 << 20,
		pull: &feature.Pull{Connection: "warehouse", Query: query, By: "at", Overlap: time.Hour}}
	s.exec(statements...)
	return s
}

func (s *source) exec(statements ...string) {
	s.Helper()
	ctx := context.WithoutCancel(s.Context())
	connection, err := pgconn.Connect(ctx, s.url)
	if err != nil {
		s.Fatal(err)
	}
	defer func() { _ = connection.Close(ctx) }()
	for _, statement := range statements {
		if _, err := connection.Exec(ctx, statement).ReadAll(); err != nil {
			s.Fatalf("%s: %v", statement, err)
		}
	}
}

func (s *source) config() (config pulled.Config, closing func()) {
	var opened *postgres.Snapshot
	address := s.url
	if s.connect != "" {
		address = s.connect
	}
	config = pulled.Config{Source: "payments", Pull: s.pull, Folder: s.folder, Memory: s.memory, Disk: s.disk,
		Open: func(ctx context.Context) (pulled.Snapshot, error) {
			snapshot, err := postgres.Open(ctx, postgres.Source{Name: "payments", Connection: "warehouse", Address: address,
				Query: s.pull.Query, By: s.pull.By})
			if err != nil {
				return nil, err
			}
			opened = snapshot
			return snapshot, nil
		}}
	return config, func() {
		if opened != nil {
			opened.Close(context.WithoutCancel(s.Context()))
		}
	}
}

func (s *source) run(request pulled.Request) (*pulled.Report, error) {
	config, closing := s.config()
	defer closing()
	return pulled.Run(s.Context(), config, request)
}

func (s *source) must(request pulled.Request) *pulled.Report {
	s.Helper()
	report, err := s.run(request)
	if err != nil {
		s.Fatal(err)
	}
	return report
}

// refused pulls, which has to fail with an error that has this text, and to leave what is there as it was.
func (s *source) refused(request pulled.Request, want string) {
	s.Helper()
	before, _ := pulled.List(s.filesFolder())
	_, err := s.run(request)
	if err == nil || !strings.Contains(err.Error(), want) {
		s.Errorf("got %v\nwant %s", err, want)
	}
	if after, _ := pulled.List(s.filesFolder()); !slices.Equal(before, after) {
		s.Errorf("there were %q, and are %q", before, after)
	}
}

func (s *source) filesFolder() string { return filepath.Join(s.folder, s.pull.Folder()) }

// files are the names in the folder of the query.
func (s *source) files() []string {
	s.Helper()
	entries, err := os.ReadDir(s.filesFolder())
	if err != nil && !os.IsNotExist(err) {
		s.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

// rows are those of the files that count, each as text.
func (s *source) rows() []string {
	s.Helper()
	paths, err := pulled.List(s.filesFolder())
	if err != nil {
		s.Fatal(err)
	}
	var rows []string
	for _, path := range paths {
		table := readFile(s.T, path)
		reader := rowsOf(table)
		rows = append(rows, reader...)
		table.Release()
	}
	return rows
}

func readFile(t *testing.T, path string) arrow.Table {
	t.Helper()
	opened, err := parquetfile.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	reader, err := pqarrow.NewFileReader(opened, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
	if err != nil {
		t.Fatal(err)
	}
	table, err := reader.ReadTable(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func rowsOf(table arrow.Table) []string {
	rows := make([]string, table.NumRows())
	for i := range int(table.NumCols()) {
		at := 0
		for _, chunk := range table.Column(i).Data().Chunks() {
			for row := range chunk.Len() {
				if i > 0 {
					rows[at] += "|"
				}
				rows[at] += chunk.ValueStr(row)
				at++
			}
		}
	}
	return rows
}

// expect compares rows, in whatever order.
func (s *source) expect(want ...string) {
	s.Helper()
	got := s.rows()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		s.Errorf("the files have\n%s\nand not\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// ids are those of the rows, from a query whose first column they are.
func (s *source) expectIDs(from, to int) {
	s.Helper()
	var want []string
	for id := from; id <= to; id++ {
		want = append(want, fmt.Sprint(id))
	}
	var got []string
	for _, row := range s.rows() {
		id, _, _ := strings.Cut(row, "|")
		got = append(got, id)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		s.Errorf("the files have the ids %v, not %d to %d", got, from, to)
	}
}
