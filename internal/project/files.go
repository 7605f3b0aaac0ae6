package project

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/source/objects"
)

// Parts of requests that errors name.
const (
	OutField    = "out"
	LabelsField = "labels"
	StoreField  = "store"
)

// fileFormats are those of label files and of what is written.
var fileFormats = []string{".parquet", ".csv", ".arrow"}

// checkFiles checks the files that the making of a training set reads and writes: that their formats are known, that
// the labels are there, and that the output would overwrite neither the labels nor what a source reads.
func (p *Project) checkFiles(snapshot *feature.Snapshot, request TrainingSetRequest) error {
	labels, err := LabelFile(request.Labels)
	if err != nil {
		return err
	}
	if request.Out == "" {
		return nil
	}
	if objects.IsLocation(request.Out) && request.DVC {
		return fault.Inputf("--dvc", "is for files, and %s is an object; leave it out, or write a file", request.Out)
	}
	out, err := outputFile(request.Out)
	if err != nil {
		return err
	}
	return p.checkApart(snapshot, labels, out, request.Out)
}

// checkApart refuses an output, which a request calls name, if it would overwrite the labels or be read by a source.
func (p *Project) checkApart(snapshot *feature.Snapshot, labels, out, name string) error {
	if sameFile(labels, out) {
		return fault.Inputf(OutField, "%s is the label file; name another one", name)
	}
	for _, definition := range snapshot.State.GetDefinitions().GetSources() {
		if files, ok := feature.KindOf(definition).(feature.Files); ok && p.isPartOf(out, files.Path) {
			return fault.Inputf(OutField, "%s is part of what source %s reads; name a file elsewhere",
				name, definition.GetName())
		}
	}
	for _, definition := range snapshot.State.GetDefinitions().GetFeatureViews() {
		path := definition.GetPushLog().GetPath()
		if path != "" && p.isPartOf(out, path) {
			return fault.Inputf(OutField, "%s is in the push log of view %s; name a file elsewhere", name,
				definition.GetName())
		}
	}
	return nil
}

// LabelFile returns the absolute path of a label file, which has to be there, or the name of an object. The Python
// client has the same words.
func LabelFile(path string) (string, error) {
	if !IsFileFormat(path) {
		return "", fault.Inputf("", "label file %s has to end in .parquet, .csv or .arrow", path)
	}
	if objects.IsLocation(path) {
		at, err := objects.Parse(path)
		return at.String(), inField(LabelsField, err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", fault.Inputf("", "cannot read label file %s: %v", path, disk.Reason(err))
	}
	if info.IsDir() {
		return "", fault.Inputf("", "cannot read label file %s: it is a folder", path)
	}
	return resolved(path)
}

// outputFile returns the absolute path of a file that can be written as far as its name goes, or the name of an object.
func outputFile(path string) (string, error) {
	if !IsFileFormat(path) {
		return "", fault.Inputf(OutField, "%s has to end in .parquet, .csv or .arrow", path)
	}
	if objects.IsLocation(path) {
		at, err := objects.Parse(path)
		return at.String(), inField(OutField, err)
	}
	if err := Writable(OutField, path); err != nil {
		return "", err
	}
	return resolved(path)
}

// Writable checks that a file can be written as far as its folder goes. field is what errors call it.
func Writable(field, path string) error {
	folder := filepath.Dir(path)
	info, err := os.Stat(folder)
	if err != nil {
		return fault.Inputf(field, "cannot write %s: folder %s: %v", path, folder, disk.Reason(err))
	}
	if !info.IsDir() {
		return fault.Inputf(field, "cannot write %s: %s is not a folder", path, folder)
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return fault.Inputf(field, "cannot write %s: it is a folder", path)
	}
	return nil
}

// IsFileFormat says whether label rows can be in a file of this name.
func IsFileFormat(path string) bool {
	return slices.Contains(fileFormats, strings.ToLower(filepath.Ext(path)))
}

// resolved is the absolute path of a file, with the symbolic links of its folder resolved.
func resolved(path string) (string, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	folder, err := filepath.EvalSymlinks(filepath.Dir(absolute))
	return filepath.Join(folder, filepath.Base(absolute)), err
}

// isPartOf says whether a file is, or lies below, what a source's path names: a file, a folder or a glob.
//
// A training set that is written there would be read as feature rows by the next join. So
// data/prices/2024/train.parquet is part of data/prices, of data/*/2024 and of data/prices/**/*.parquet: the file and
// each folder above it are compared with the path, symbolic links resolved on both sides.
func (p *Project) isPartOf(file, source string) bool {
	if objects.IsLocation(file) || objects.IsLocation(source) {
		const separator = "://"
		return isMatched(strings.Replace(file, separator, "/", 1), strings.Replace(source, separator, "/", 1), isEqual)
	}
	if !filepath.IsAbs(source) {
		source = filepath.Join(p.Config.ProjectDir, source)
	}
	folder, pattern := doublestar.SplitPattern(filepath.ToSlash(source))
	if resolved, err := filepath.EvalSymlinks(filepath.FromSlash(folder)); err == nil {
		folder = filepath.ToSlash(resolved)
	}
	return isMatched(filepath.ToSlash(file), folder+"/"+pattern, sameFile)
}

// isMatched says whether a path, or a folder above it, is what a source's path names.
func isMatched(file, source string, same func(a, b string) bool) bool {
	source = strings.TrimSuffix(source, "/")
	for at := file; ; at = path.Dir(at) {
		if same(source, at) {
			return true
		}
		if matches, err := doublestar.Match(source, at); err == nil && matches {
			return true
		}
		if path.Dir(at) == at {
			return false
		}
	}
}

func isEqual(a, b string) bool { return a == b }

// sameFile says whether two paths lead to one file, if need be by a link.
func sameFile(a, b string) bool {
	if a == b {
		return true
	}
	left, err := os.Stat(a)
	if err != nil {
		return false
	}
	right, err := os.Stat(b)
	return err == nil && os.SameFile(left, right)
}
