package storetest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/store/offline"
)

// readAllCases reads every case file of the repository, for worlds in the project folder.
func readAllCases(t *testing.T, folder string) []*Case {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(repository(t), "testdata", "pointintime", "*.test"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("there are no case files: %v", err)
	}
	var all []*Case
	for _, path := range paths {
		cases, err := ReadCases(path, folder)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, cases...)
	}
	return all
}

// repository is the folder with go.mod, above the package under test.
func repository(t *testing.T) string {
	t.Helper()
	folder, err := os.Getwd()
	for err == nil {
		if _, missing := os.Stat(filepath.Join(folder, "go.mod")); missing == nil {
			return folder
		}
		if folder == filepath.Dir(folder) {
			err = errors.New("no go.mod above the package")
		}
		folder = filepath.Dir(folder)
	}
	t.Fatal(err)
	return ""
}

// verify checks the reference against what the case expects.
func (c *Case) verify() error {
	var found []error
	for _, join := range c.Joins {
		if err := c.verifyJoin(join); err != nil && join.Fails == nil {
			found = append(found, fmt.Errorf("%s:%d: %w", c.File, join.Line, err))
		}
	}
	for _, window := range c.Windows {
		rows, _ := c.World.Histories[window.View].Newest(window.Window)
		if err := differ(rowDifferences(rows, window.Rows)); err != nil {
			found = append(found, fmt.Errorf("%s:%d: %w", c.File, window.Line, err))
		}
	}
	return errors.Join(found...)
}

func (c *Case) verifyJoin(join ScriptedJoin) error {
	selection, err := c.World.Select(join.Question)
	if err != nil {
		return err
	}
	answer, _, err := c.World.Answer(selection, join.Question)
	if err != nil {
		return err
	}
	expected, err := join.expected(answer)
	if err != nil {
		return err
	}
	none := &Table{Rows: make([][]any, len(answer.Rows))}
	return differ(differences(answer, none, expected))
}

func rowDifferences(got, want []SourceRow) []string {
	var found []string
	if len(got) != len(want) {
		found = append(found, fmt.Sprintf("%d keys, want %d", len(got), len(want)))
	}
	for _, row := range want {
		if !slices.ContainsFunc(got, func(r SourceRow) bool { return sameRow(r, row) }) {
			found = append(found, fmt.Sprintf("no row %s at %s", Show(append(row.Keys, row.Features...)), Show(row.Event)))
		}
	}
	return found
}

func sameRow(a, b SourceRow) bool {
	return sameKey(a.Keys, b.Keys) && SameValue(a.Features, b.Features) && compareInstants(a.Event, b.Event) == 0 &&
		compareInstants(a.Created, b.Created) == 0
}

// hold asks an engine what the case asks, and checks it against the reference.
func (c *Case) hold(ctx context.Context, engine offline.Store) error {
	for _, join := range c.Joins {
		if err := c.holdJoin(ctx, engine, join); err != nil {
			return fmt.Errorf("%s:%d: %w", c.File, join.Line, err)
		}
	}
	snapshot, err := c.World.Snapshot()
	if err != nil {
		return err
	}
	for _, window := range c.Windows {
		view, err := snapshot.View(window.View)
		if err != nil {
			return err
		}
		if err := c.World.checkNewest(ctx, engine, view, window.Window); err != nil {
			return fmt.Errorf("%s:%d: %w", c.File, window.Line, err)
		}
	}
	return nil
}

func (c *Case) holdJoin(ctx context.Context, engine offline.Store, join ScriptedJoin) error {
	labels := join.Question.Labels
	labels.Path = filepath.Join(c.World.Folder, labels.Path)
	if err := labels.Write(); err != nil {
		return err
	}
	if join.Fails == nil {
		return c.World.check(ctx, engine, join.Question, "")
	}
	_, _, err := c.World.ask(ctx, engine, join.Question, "")
	return refused(err, join.Fails...)
}

// refused says whether the error puts the mistake on the user's side and says all of the words.
func refused(err error, words ...string) error {
	var input *fault.InputError
	var collision *fault.CollisionError
	var missing *fault.NotFoundError
	switch {
	case err == nil:
		return fmt.Errorf("was accepted, want an error with %q", words)
	case !errors.As(err, &input) && !errors.As(err, &collision) && !errors.As(err, &missing):
		return fmt.Errorf("failed with a %T, want an error of input: %w", err, err)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			return fmt.Errorf("the error does not say %q: %w", word, err)
		}
	}
	return nil
}
