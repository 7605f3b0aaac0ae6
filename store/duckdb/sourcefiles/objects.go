package sourcefiles

import (
	"context"
	"path"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
	"golang.org/x/sync/errgroup"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/source/objects"
	"github.com/plumbstore/plumb/store/duckdb/columnchunks"
)

// Begin starts the reading of objects of one operation, which its caller closes; nil if no root is one of objects.
// scratch makes a folder of the operation's own.
func (f *Finder) Begin(scratch func() (folder string, remove func() error, err error)) *objects.Reading {
	if f.objectRoots == nil || f.store == nil {
		return nil
	}
	return f.store.Begin(scratch)
}

// belowObjectRoot says whether a location lies below a root.
func (f *Finder) belowObjectRoot(location objects.Location) bool {
	return slices.ContainsFunc(f.objectRoots, location.IsBelow)
}

// LocateObject says by a *fault.InputError that an object does not lie below the roots.
func (f *Finder) LocateObject(name string) error {
	location, err := objects.Parse(name)
	if err == nil && !f.belowObjectRoot(location) {
		err = f.notBelowRoots(name)
	}
	return err
}

// findObjects finds the objects of a source, in the bytewise order of their keys (R3), and the folder if it names one.
func (f *Finder) findObjects(ctx context.Context, files *Files, named feature.Files, reading *objects.Reading) (
	folder string, err error,
) {
	location, err := objects.Parse(named.Path)
	if err != nil {
		return "", err
	}
	if reading == nil {
		return "", f.notBelowRoots(named.Path)
	}
	found, folder, err := f.objectsOf(ctx, named, location, reading)
	if err != nil {
		return "", err
	}
	for _, object := range found {
		if err := files.addObject(reading, object); err != nil {
			return "", err
		}
	}
	return folder, nil
}

// addObject adds an object.
func (f *Files) addObject(reading *objects.Reading, object objects.Object) error {
	opened, err := reading.Open(object)
	if err != nil {
		return err
	}
	if err := PlainPath(opened.Path()); err != nil {
		return err
	}
	f.Paths, f.Names = append(f.Paths, opened.Path()), append(f.Names, object.String())
	f.listed, f.infos = append(f.listed, object.String()), append(f.infos, nil)
	f.objects = append(f.objects, opened)
	return nil
}

// objectsOf lists the objects that a location names: one by its key, those of a folder, or those of a pattern.
func (f *Finder) objectsOf(ctx context.Context, named feature.Files, location objects.Location,
	reading *objects.Reading,
) (found []objects.Object, folder string, err error) {
	if strings.ContainsAny(location.Key, `*?[{\`) {
		found, err = f.matchedObjects(ctx, named, location, reading)
		return found, "", err
	}
	if !f.belowObjectRoot(location) {
		return nil, "", f.notBelowRoots(named.Path)
	}
	// One request tells a file from a folder most often: what ends as a file does is one.
	if location.Key != "" && hasEnding(location.Key, named.Format) {
		if object, ok, err := reading.Look(ctx, location); ok || err != nil {
			return []objects.Object{object}, "", err
		}
	}
	listing, err := reading.List(ctx, inside(location))
	if err != nil {
		return nil, "", err
	}
	if len(listing) == 0 && location.Key != "" {
		if object, ok, err := reading.Look(ctx, location); ok || err != nil {
			return []objects.Object{object}, "", err
		}
		return nil, "", f.notBelowRoots(named.Path)
	}
	found, others := inFolder(listing, inside(location).Key, named.Format)
	if len(found) == 0 {
		return nil, "", noFiles(named.Path, named.Format, others)
	}
	return found, location.String(), f.checkObjectLakes(ctx, named.Path, listing, location, reading)
}

// inside is what the keys in a folder begin with.
func inside(folder objects.Location) objects.Location {
	if folder.Key != "" {
		folder.Key += "/"
	}
	return folder
}

// inFolder picks the objects of a format from the listing of a folder, without hidden ones, and the names of those with
// other endings.
func inFolder(listing []objects.Object, prefix string, format feature.Format) (
	found []objects.Object, others []string,
) {
	for _, object := range listing {
		below := strings.Split(strings.TrimPrefix(object.Key, prefix), "/")
		switch {
		case slices.ContainsFunc(below, isHidden):
		case hasEnding(object.Key, format):
			found = append(found, object)
		default:
			others = append(others, object.String())
		}
	}
	return found, others
}

// matchedObjects lists the objects that a pattern matches, by the rules of matched.
func (f *Finder) matchedObjects(ctx context.Context, named feature.Files, location objects.Location,
	reading *objects.Reading,
) ([]objects.Object, error) {
	pattern := location.Key
	if !doublestar.ValidatePattern(pattern) {
		return nil, fault.Inputf("", "cannot list %s: it is not a pattern; check its brackets and braces", named.Path)
	}
	if alternatives(pattern) > maxAlternatives {
		return nil, fault.Inputf("", "the braces of %s stand for more than %d paths; use * or ** in their place",
			named.Path, maxAlternatives)
	}
	base, rest := doublestar.SplitPattern(pattern)
	folder := location.At(strings.TrimPrefix(base, "."))
	if !f.belowObjectRoot(folder) {
		return nil, f.notBelowRoots(named.Path)
	}
	prefix := inside(folder)
	prefix.Key += rest[:strings.IndexAny(rest+"*", `*?[{\`)]
	listing, err := reading.List(ctx, prefix)
	if err != nil {
		return nil, err
	}
	var found []objects.Object
	for _, object := range listing {
		if matchesObject(pattern, object.Key, named.Format) {
			found = append(found, object)
		}
	}
	if len(found) == 0 {
		return nil, fault.Inputf("", "no file matches %s", named.Path)
	}
	return found, f.checkObjectLakes(ctx, named.Path, listing, folder, reading)
}

// matchesObject says whether a pattern takes in a key: by matching it, or by matching a folder that is named as a file
// is, as Spark names its output.
func matchesObject(pattern, key string, format feature.Format) bool {
	matches := func(name string) bool {
		ok, err := doublestar.Match(pattern, name)
		return err == nil && ok && isSpelled(pattern, name)
	}
	if matches(key) {
		return true
	}
	if !hasEnding(key, format) {
		return false
	}
	for folder := path.Dir(key); folder != "."; folder = path.Dir(folder) {
		if hasEnding(folder, format) && matches(folder) {
			return !slices.ContainsFunc(strings.Split(strings.TrimPrefix(key, folder+"/"), "/"), isHidden)
		}
	}
	return false
}

// checkObjectLakes refuses objects of a lake table, as checkLakes does: one that lies in the listing, or one that the
// folder lies in, up to the root.
func (f *Finder) checkObjectLakes(ctx context.Context, source string, listing []objects.Object,
	folder objects.Location, reading *objects.Reading,
) error {
	for _, object := range listing {
		if at, mark, table := lakeObject(object.Key); table != "" {
			return inLake(source, object.At(at).String(), mark, table)
		}
	}
	for f.belowObjectRoot(folder) {
		for _, begins := range []string{"_delta_log/", ".hoodie", "metadata/"} {
			prefix := inside(folder)
			prefix.Key += begins
			first, err := reading.First(ctx, prefix, lakeKeys)
			if err != nil {
				return err
			}
			for _, object := range first {
				if _, mark, table := lakeObject(strings.TrimPrefix(object.Key, inside(folder).Key)); table != "" {
					return inLake(source, folder.String(), mark, table)
				}
			}
		}
		if folder.Key == "" {
			return nil
		}
		folder.Key = strings.TrimPrefix(path.Dir(folder.Key), ".")
	}
	return nil
}

// lakeKeys is how many keys are looked at for the mark of a lake table.
const lakeKeys = 100

// lakeObject is the folder of a lake table that the key of an object is a mark of, the mark, and the kind of table.
func lakeObject(key string) (folder, mark, table string) {
	parts := strings.Split(key, "/")
	for i, part := range parts {
		at := strings.Join(parts[:i], "/")
		switch {
		case part == "_delta_log" && i+1 < len(parts):
			return at, part, aDelta
		case part == ".hoodie" || part == ".hoodie_partition_metadata":
			return at, part, "a Hudi"
		case part == "metadata" && i+2 == len(parts) && strings.Contains(parts[i+1], ".metadata.json"):
			return at, part + "/" + parts[i+1], anIceberg
		}
	}
	return "", "", ""
}

// concurrent is how many objects are looked at side by side.
const concurrent = 32

// fetchFooters fetches what is read of objects before any statement: the footers of Parquet files, and text whole.
func (f Files) fetchFooters(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(concurrent)
	for _, object := range f.objects {
		switch {
		case object == nil:
		case f.IsText():
			group.Go(func() error { return object.EnsureAll(ctx) })
		default:
			group.Go(func() error { return object.EnsureFooter(ctx) })
		}
	}
	return group.Wait()
}

// fetchLeaf fetches one leaf of a file that is an object.
func (f Files) fetchLeaf(ctx context.Context, i, leaf int) error {
	if f.objects[i] == nil {
		return nil
	}
	layout, err := columnchunks.Read(f.Paths[i])
	if err != nil {
		return err
	}
	return objects.Fetch(ctx, []objects.Need{{File: f.objects[i], Ranges: layout.Leaf(leaf)}})
}

// Object is the object that the file at a position is a part of; nil for a local file.
func (f Files) Object(i int) *objects.File { return f.objects[i] }

// leftOutObjects is LeftOut for a folder of objects.
func (f *Finder) leftOutObjects(ctx context.Context, files feature.Files, reading *objects.Reading) ([]string, error) {
	location, err := objects.Parse(files.Path)
	if err != nil || reading == nil || strings.ContainsAny(location.Key, `*?[{\`) || !f.belowObjectRoot(location) {
		return nil, nil //nolint:nilerr // The reader of such a path reports it.
	}
	listing, err := reading.List(ctx, inside(location))
	if err != nil {
		return nil, err
	}
	_, others := inFolder(listing, inside(location).Key, files.Format)
	return others, nil
}
