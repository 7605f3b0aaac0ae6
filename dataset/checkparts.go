package dataset

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
)

// checkParts is checkOutput for a training set in several files. A Parquet file besides these counts as a change, since
// readers of the folder would read it too.
func (f *Found) checkParts(ctx context.Context, check Check, selection *feature.Selection) (Check, error) {
	m := f.Manifest
	known, outputs := m.known(selection), make([]Output, len(m.Parts))
	if further := f.further(); further != "" {
		check.State, check.Detail = Changed, fmt.Sprintf("it also has %s", further)
		return check, nil
	}
	for i, part := range m.Parts {
		path := filepath.Join(f.Output, part.Name)
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
			check.State, check.Detail = Missing, part.Name+" is gone"
			return check, nil
		}
		t := table{path: path, format: formatOf(path)}
		scan, err := t.scan(ctx, measuring(known))
		if input, ok := errors.AsType[*fault.InputError](err); ok {
			check.State, check.Detail = Changed, input.Message
			return check, nil
		}
		if err != nil {
			return check, err
		}
		outputs[i] = m.asRead(scan, known, selection)
		if outputs[i].Digest != part.Digest {
			check.State, check.Detail = Changed, part.Name+" has other rows"
			return check, nil
		}
	}
	actual, err := joined(outputs)
	if err != nil {
		return check, fault.Inputf("", "cannot use the manifest %s: %v", f.Check.Name, err)
	}
	return f.compareOutput(check, actual, selection)
}

// further is a Parquet file of the folder that the manifest does not have; empty if there is none.
func (f *Found) further() string {
	files, err := filepath.Glob(filepath.Join(escaped(f.Output), "*.parquet"))
	if err != nil {
		return ""
	}
	for _, path := range files {
		name := filepath.Base(path)
		if !slices.ContainsFunc(f.Manifest.Parts, func(part Part) bool { return part.Name == name }) {
			return name
		}
	}
	return ""
}
