package dataset

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/gitlfs"
)

// checkOutput compares the training set with its manifest: its content, and then each number that the manifest says of
// it, which no digest covers. The selection is that of the manifest's revision; nil if it is not known. A manifest that
// says something else of the same content is a *fault.InputError. The content is compared first: in a file with other
// rows the numbers differ too, and then it is the file that has changed, and not the manifest that is wrong.
func (f *Found) checkOutput(ctx context.Context, find *finder, selection *feature.Selection) (Check, error) {
	check := Check{Subject: "output", Name: f.Output, State: Same}
	if len(f.Manifest.Parts) > 0 {
		return f.checkParts(ctx, check, selection)
	}
	path, check, err := f.locateOutput(ctx, find, check)
	if err != nil || !check.State.Holds() {
		return check, err
	}
	m := f.Manifest
	known := m.known(selection)
	t := table{path: path, format: formatOf(path), types: declaredTypes(known)}
	scan, err := t.scan(ctx, measuring(known))
	if input, ok := errors.AsType[*fault.InputError](err); ok {
		check.State, check.Detail = Changed, input.Message
		return check, nil
	}
	if err != nil {
		return check, err
	}
	return f.compareOutput(check, m.asRead(scan, known, selection), selection)
}

// known is what is known of the columns.
func (m *Manifest) known(selection *feature.Selection) map[string]Column {
	if selection == nil {
		return byName(m.Output.Columns)
	}
	return columnsOf(selection, m.Options)
}

// compareOutput compares what was read with the manifest.
func (f *Found) compareOutput(check Check, actual Output, selection *feature.Selection) (Check, error) {
	m := f.Manifest
	if details := m.Output.differsFrom(actual); details != "" {
		check.State, check.Detail = Changed, details
		return check, nil
	}
	if details := m.misstates(actual, selection); details != "" {
		return check, fault.Inputf("", "cannot use the manifest %s: it contradicts the file: %s", f.Check.Name, details)
	}
	return check, nil
}

// asRead is the output as it was read. Without the selection, what a column is for is as the manifest says.
func (m *Manifest) asRead(scan *tableScan, known map[string]Column, selection *feature.Selection) Output {
	if selection != nil {
		return outputOf(scan, known, selection)
	}
	return outputOf(scan, known, &feature.Selection{})
}

// locateOutput finds the training set, which may have been moved or renamed within its folder.
func (f *Found) locateOutput(ctx context.Context, find *finder, check Check) (string, Check, error) {
	written := f.Manifest.File
	if pointer, ok := gitlfs.Read(f.Output); ok {
		known := ""
		if written != nil {
			known = written.Digest
		}
		check.State, check.Detail = pointed(pointer, known)
		return "", check, nil
	}
	if _, err := os.Stat(f.Output); err == nil || !errors.Is(err, os.ErrNotExist) {
		return f.Output, check, nil
	}
	if written != nil {
		path, err := find.file(ctx, f.Output, written.Size, written.Digest, false)
		if err != nil {
			return "", check, err
		}
		if path != "" {
			check.State, check.Detail = Moved, "it is now "+find.shown(path)
			return path, check, nil
		}
	}
	check.State, check.Detail = Missing, tracked(f.Output, written)
	return "", check, nil
}

// pointed is the state of a file in whose place there is a pointer of Git LFS. known is the digest that it should have;
// empty if that is not known.
func pointed(pointer gitlfs.Pointer, known string) (State, string) {
	switch known {
	case "":
		return NotCompared, "it is a Git LFS pointer; run git lfs pull, and verify again"
	case pointer.Digest:
		return Missing, "it is a Git LFS pointer to these very bytes; run git lfs pull"
	}
	return Changed, fmt.Sprintf("it is a Git LFS pointer to other bytes, %s in the place of %s", pointer.Digest, known)
}

// digested is what was read of a table, by its digests alone.
func digested(scan *tableScan) Output {
	output := Output{Rows: scan.rows, Columns: make([]Column, len(scan.columns))}
	for i, column := range scan.columns {
		sum := column.digest.sum()
		output.Columns[i] = Column{Name: column.name, Digest: named(sum[:])}
	}
	output.Digest = contentDigest(output.Rows, output.Columns)
	return output
}
