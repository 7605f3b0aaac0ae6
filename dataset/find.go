package dataset

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/plumbstore/plumb/internal/arrowipc"
	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/gitlfs"
	"github.com/plumbstore/plumb/internal/parquetfile"
	"github.com/plumbstore/plumb/store/offline"
)

// Found is a training set's manifest with where it was found.
type Found struct {
	// Output is the path of the training set, which need not be there.
	Output string
	// Manifest is nil if the manifest beside the file was changed by hand and the file holds none that is unchanged.
	Manifest *Manifest
	// Check says what there is to say of the manifest itself.
	Check Check
}

// Find finds the manifest of a training set by the path of either. The one beside the file counts, or the one within it
// if there is none beside. If they differ, or the one beside was changed by hand, the check says how. If a file or its
// manifest was renamed, the manifest in the file's folder that has the digest of the file's bytes counts. A manifest
// that contradicts itself is a *fault.InputError.
func Find(path string) (*Found, error) {
	found, err := find(path)
	if err != nil || found.Manifest == nil {
		return found, err
	}
	if details := found.Manifest.contradiction(); details != "" {
		return nil, fault.Inputf("", "cannot use the manifest %s: it contradicts itself: %s", found.Check.Name, details)
	}
	return found, nil
}

func find(path string) (*Found, error) {
	if folder, ok := folderOf(path); ok {
		return findFolder(folder)
	}
	found := &Found{Output: strings.TrimSuffix(path, Suffix)}
	beside := found.Output + Suffix
	found.Check = Check{Subject: "manifest", Name: beside, State: Same}
	within, withinErr := embedded(found.Output)
	if within != nil && within.Shard != nil {
		return nil, fault.Inputf("", "%s is one of the files of a training set; name the folder that has them all",
			found.Output)
	}
	text, err := readManifest(beside)
	if errors.Is(err, os.ErrNotExist) && path != beside {
		if renamed := findRenamed(found.Output); renamed != nil {
			return renamed, nil
		}
		if withinErr == nil {
			found.Manifest, found.Check.Detail = within, "the one within "+found.Output
			found.Check.Name = found.Output
			return found, nil
		}
		return nil, withoutManifest(path, beside, withinErr)
	}
	if err != nil {
		return nil, fault.Inputf("", "cannot read manifest %s: %v", beside, reason(err))
	}
	manifest, err := Parse(text)
	if err != nil && !errors.Is(err, ErrEdited) {
		return nil, unusable(beside, err)
	}
	return found, found.compare(manifest, err != nil, within)
}

// SetOf is the path of a training set, given that of its manifest.
func SetOf(manifest string) string {
	if filepath.Base(manifest) == FolderManifest {
		return filepath.Dir(manifest)
	}
	return strings.TrimSuffix(manifest, Suffix)
}

// folderOf is the folder of a training set in several files, given the path of either; it says false if it is one file.
func folderOf(path string) (string, bool) {
	if filepath.Base(path) == FolderManifest {
		return filepath.Dir(path), true
	}
	info, err := os.Stat(path)
	return path, err == nil && info.IsDir()
}

// findFolder finds the manifest of a training set in several files.
func findFolder(folder string) (*Found, error) {
	at := filepath.Join(folder, FolderManifest)
	text, err := readManifest(at)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fault.Inputf("", "%s has no manifest %s, which plumb historical --shards writes once all files are there",
			folder, FolderManifest)
	}
	if err != nil {
		return nil, fault.Inputf("", "cannot read manifest %s: %v", at, reason(err))
	}
	manifest, err := Parse(text)
	if errors.Is(err, ErrEdited) {
		return &Found{Output: folder, Check: Check{Subject: "manifest", Name: at, State: Changed, Detail: "it was changed " +
			"by hand"}}, nil
	}
	if err == nil && len(manifest.Parts) == 0 {
		err = errors.New("it is not that of a folder")
	}
	if err != nil {
		return nil, unusable(at, err)
	}
	return &Found{Output: folder, Manifest: manifest, Check: Check{Subject: "manifest", Name: at, State: Same}}, nil
}

// PartWithin reads the manifest that a Parquet file holds, whatever the file's name. The error says why there is none.
func PartWithin(path string) (*Manifest, error) { return embeddedAs(path, ".parquet") }

// withoutManifest says of a file why it has no manifest.
func withoutManifest(path, beside string, within error) error {
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return fault.Inputf("", "there is no %s, and no manifest %s", path, beside)
	}
	return fault.Inputf("", "%s has no manifest: there is no %s, and %v", path, beside, within)
}

// maxManifest bounds a manifest beside a file, in bytes: 10,000 columns take some 20 MB.
const maxManifest = 256 << 20

func readManifest(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errors.New("it is not a file")
	case info.Size() > maxManifest:
		return nil, fmt.Errorf("it has %d bytes, and a manifest has at most %d", info.Size(), maxManifest)
	}
	if _, ok := gitlfs.Read(path); ok {
		return nil, errors.New("it is a Git LFS pointer; run git lfs pull")
	}
	return os.ReadFile(path)
}

// findRenamed looks for the manifest of a file among those in its folder, by the digest of the file's bytes; nil if
// there is none. A file that cannot be read is skipped. The file is read only if a manifest speaks of its size.
func findRenamed(output string) *Found {
	info, err := os.Stat(output)
	if err != nil || !info.Mode().IsRegular() {
		return nil
	}
	manifests, err := filepath.Glob(filepath.Join(escaped(filepath.Dir(output)), "*"+Suffix))
	if err != nil {
		return nil
	}
	digest := ""
	for _, path := range manifests {
		text, err := readManifest(path)
		if err != nil {
			continue
		}
		manifest, err := Parse(text)
		if err != nil || manifest.File == nil || manifest.File.Size != info.Size() {
			continue
		}
		if digest == "" {
			if digest, err = digestOf(context.Background(), output, info); err != nil {
				return nil
			}
		}
		if manifest.File.Digest == digest {
			return &Found{Output: output, Manifest: manifest, Check: Check{Subject: "manifest", Name: path, State: Same,
				Detail: "it has the digest of " + output}}
		}
	}
	return nil
}

// escaped makes a path stand for itself in a pattern.
func escaped(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// compare takes the manifest beside the file, unless it was edited, and says in what it differs from the one within.
// Since format 2 the one beside has members that the one within has not, which are left out of the comparison.
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
	compared := beside
	if within.Format > 1 {
		compared = beside.common()
	}
	members, err := Differences(within, compared)
	if err != nil {
		return err
	}
	switch {
	case edited && len(members) == 0:
		f.Check.Detail = "it was changed by hand in what the file does not hold"
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
func embedded(path string) (*Manifest, error) { return embeddedAs(path, formatOf(path)) }

func embeddedAs(path, format string) (manifest *Manifest, err error) {
	defer func() {
		if recover() != nil { // A damaged file is allowed to break the decoder, and nothing else.
			manifest, err = nil, errors.New("the file is damaged")
		}
	}()
	opened, err := disk.OpenRegular(path)
	if err != nil {
		return nil, reason(err)
	}
	defer func() { _ = opened.Close() }()
	if _, ok := gitlfs.Read(path); ok {
		return nil, errors.New("the file is a Git LFS pointer; run git lfs pull")
	}
	var text *string
	switch format {
	case ".parquet":
		reader, err := parquetfile.NewReader(opened)
		if err != nil {
			return nil, errors.New("the file is damaged")
		}
		text = reader.MetaData().KeyValueMetadata().FindValue(offline.ManifestKey)
	case ".arrow":
		reader, err := arrowipc.OpenFile(opened, batchBytes)
		if err != nil {
			return nil, errors.New("the file is damaged")
		}
		defer reader.Close()
		metadata := reader.Schema().Metadata()
		if value, ok := metadata.GetValue(offline.ManifestKey); ok {
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

// unusable is the *fault.InputError that names the manifest which an error of Parse is about, and wraps that too.
func unusable(path string, err error) error {
	return &manifestError{input: fault.Inputf("", "cannot use manifest %s: %v", path, err), cause: err}
}

// manifestError is an InputError that also is its cause.
type manifestError struct {
	input *fault.InputError
	cause error
}

func (e *manifestError) Error() string   { return e.input.Error() }
func (e *manifestError) Unwrap() []error { return []error{e.input, e.cause} }

// reason is a file error without the path, which the message has said already.
func reason(err error) error {
	if path, ok := errors.AsType[*os.PathError](err); ok {
		return path.Err
	}
	return err
}
