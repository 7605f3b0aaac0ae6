package dataset

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/parquet/file"

	"github.com/plumbstore/plumb/registry"
	"github.com/plumbstore/plumb/store"
)

// Found is a training set's manifest with where it was found.
type Found struct {
	// Output is the path of the training set, which need not be there.
	Output string
	// Manifest is nil where the one there is was changed by hand and the file holds none that was not.
	Manifest *Manifest
	// Check says what there is to say of the manifest itself.
	Check Check
}

// Find finds the manifest of a training set by the path of either. The one beside the file counts, and the one within
// it where there is none beside. Where they differ, or the one beside was changed by hand, the check says in what.
func Find(path string) (*Found, error) {
	found := &Found{Output: strings.TrimSuffix(path, Suffix)}
	beside := found.Output + Suffix
	found.Check = Check{Subject: "manifest", Name: beside, State: Same}
	within, withinErr := embedded(found.Output)
	text, err := os.ReadFile(beside)
	if errors.Is(err, os.ErrNotExist) && path != beside {
		if withinErr != nil {
			return nil, registry.Inputf("", "%s has no manifest: there is no %s, and %v", path, beside, withinErr)
		}
		found.Manifest, found.Check.Detail = within, "the one within "+found.Output
		found.Check.Name = found.Output
		return found, nil
	}
	if err != nil {
		return nil, registry.Inputf("", "cannot read manifest %s: %v", beside, reason(err))
	}
	manifest, err := Parse(text)
	if err != nil && !errors.Is(err, ErrEdited) {
		return nil, unusable(beside, err)
	}
	return found, found.compare(manifest, err != nil, within)
}

// compare takes the manifest beside the file, unless it was edited, and says in what it differs from the one within.
func (f *Found) compare(beside *Manifest, edited bool, within *Manifest) error {
	if !edited {
		f.Manifest = beside
	} else {
		f.Manifest = within
		f.Check.State, f.Check.Detail = Changed, "it was changed by hand, and the file holds none to compare it with"
	}
	if within == nil {
		return nil
	}
	members, err := Differences(within, beside)
	if err != nil {
		return err
	}
	switch {
	case edited && len(members) == 0:
		f.Check.Detail = "it was changed by hand in its digest alone"
	case edited:
		f.Check.Detail = "it was changed by hand: " + listed(members) + "; what follows rests on the one within " + f.Output
	case len(members) > 0:
		f.Check.State, f.Check.Detail = Changed, "it differs from the one within "+f.Output+": "+listed(members)
	}
	return nil
}

// listed names a few of many.
func listed(names []string) string {
	const most = 5
	if len(names) > most {
		names = append(append([]string{}, names[:most]...), "…")
	}
	return strings.Join(names, ", ")
}

// embedded reads the manifest that a Parquet or Arrow file holds. The error says why there is none.
func embedded(path string) (manifest *Manifest, err error) {
	defer func() {
		if recover() != nil { // A damaged file is allowed to break the decoder, and nothing else.
			manifest, err = nil, errors.New("the file is damaged")
		}
	}()
	opened, err := os.Open(path)
	if err != nil {
		return nil, reason(err)
	}
	defer func() { _ = opened.Close() }()
	var text *string
	switch formatOf(path) {
	case ".parquet":
		reader, err := file.NewParquetReader(opened)
		if err != nil {
			return nil, errors.New("the file is damaged")
		}
		text = reader.MetaData().KeyValueMetadata().FindValue(store.ManifestKey)
	case ".arrow":
		reader, err := ipc.NewFileReader(opened)
		if err != nil {
			return nil, errors.New("the file is damaged")
		}
		metadata := reader.Schema().Metadata()
		if value, ok := metadata.GetValue(store.ManifestKey); ok {
			text = &value
		}
	default:
		return nil, errors.New("files of this format hold none")
	}
	if text == nil {
		return nil, errors.New("the file holds none")
	}
	return parseWithin(path, *text)
}

func parseWithin(path, text string) (*Manifest, error) {
	manifest, err := Parse([]byte(text))
	if err != nil {
		return nil, unusable("within "+filepath.Base(path), err)
	}
	return manifest, nil
}
