package project

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/plumbstore/plumb/dataset"
	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/source/objects"
)

// staging has the label rows and training sets of an operation that are objects, as local files. The engine and package
// dataset read and write these. An object's local path is not for users: errors go through explained, other texts
// through named.
//
// What is fetched for s3://BUCKET/KEY is an entry of the cache. What is written, and what has to lie beside something
// else, is FOLDER/BUCKET/KEY in a folder of the operation. An operation with local files alone has no folder, and needs
// no configuration of objects.
type staging struct {
	project *Project
	store   *objects.Store
	reading *objects.Reading
	folder  string
	remove  func() error
}

func (p *Project) staging() *staging { return &staging{project: p} }

// open makes what the first object needs.
func (s *staging) open(ctx context.Context) error {
	if s.folder != "" {
		return nil
	}
	store, err := openObjects(s.project.Config)
	if err != nil {
		return err
	}
	engine, err := s.project.Offline(ctx)
	if err != nil {
		return err
	}
	folder, remove, err := engine.Scratch()
	if err != nil {
		return err
	}
	s.folder, s.remove, s.store, s.reading = folder, remove, store, store.Begin(engine.Scratch)
	return nil
}

// close removes the local files.
func (s *staging) close() error {
	if s.folder == "" {
		return nil
	}
	return errors.Join(s.reading.Close(), s.remove())
}

// end ends an operation with its error.
func (s *staging) end(err error) error { return errors.Join(s.explained(err), s.close()) }

// named is a text with the names of objects in the places of their local paths.
func (s *staging) named(text string) string {
	if s.folder == "" {
		return text
	}
	return s.reading.Named(objects.Named(text, s.folder))
}

// explained names objects in the mistakes of an error.
func (s *staging) explained(err error) error {
	if s.folder == "" {
		return err
	}
	return rewritten(err, s.named)
}

// staged is a label file that can be read here.
type staged struct {
	// Path is the local one.
	Path string
	// Object is the name and the version if it is an object; nil for a file.
	Object *feature.Input
}

// labels makes a label file readable. The whole object is fetched, since a join reads all columns of the labels.
func (s *staging) labels(ctx context.Context, path string) (staged, error) {
	if !objects.IsLocation(path) {
		return staged{Path: path}, nil
	}
	at, err := objects.Parse(path)
	if err != nil {
		return staged{}, err
	}
	file, err := s.fetch(ctx, at, ensureAll)
	if err != nil {
		return staged{}, err
	}
	if file == nil {
		return staged{}, fault.Inputf("", "cannot read label file %s: there is no such object", at)
	}
	version := feature.ObjectVersion{Size: file.Size, ETag: file.ETag, Modified: file.Modified}
	return staged{Path: file.Path(), Object: &feature.Input{Name: at.String(), Version: version}}, nil
}

// fetch opens an object and fetches what ensure does of it; nil if there is none.
func (s *staging) fetch(ctx context.Context, at objects.Location, ensure func(context.Context, *objects.File) error) (
	*objects.File, error,
) {
	if err := s.open(ctx); err != nil {
		return nil, err
	}
	object, ok, err := s.reading.Look(ctx, at)
	if err != nil || !ok {
		return nil, err
	}
	file, err := s.reading.Open(object)
	if err != nil {
		return nil, err
	}
	return file, ensure(ctx, file)
}

// version asks for the version of an object. It says false if there is none.
func (s *staging) version(ctx context.Context, path string) (feature.ObjectVersion, bool, error) {
	at, err := objects.Parse(path)
	if err != nil {
		return feature.ObjectVersion{}, false, err
	}
	if err := s.open(ctx); err != nil {
		return feature.ObjectVersion{}, false, err
	}
	object, ok, err := s.reading.Look(ctx, at)
	return feature.ObjectVersion{Size: object.Size, ETag: object.ETag, Modified: object.Modified}, ok, err
}

// output is the local path of a file that will be written, and be published if it is to be an object. Whether the
// object can be written shows before hours of work.
func (s *staging) output(ctx context.Context, path string) (string, error) {
	if !objects.IsLocation(path) {
		return path, nil
	}
	at, err := objects.Parse(path)
	if err != nil {
		return "", err
	}
	if err := s.open(ctx); err != nil {
		return "", err
	}
	if err := s.store.Writable(ctx, at); err != nil {
		return "", inField(OutField, err)
	}
	return s.place(at)
}

// place is the local path of an object in the folder of the operation.
func (s *staging) place(at objects.Location) (string, error) {
	path := filepath.Join(s.folder, at.Local())
	return path, disk.Real().MkdirAll(filepath.Dir(path), 0o700)
}

// upload makes a file that was written an object.
func (s *staging) upload(ctx context.Context, local, path string) error {
	at, err := objects.Parse(path)
	if err != nil {
		return err
	}
	return s.store.Upload(ctx, local, at)
}

// publish makes a training set that was written an object, and then the manifest beside it. Without a manifest one that
// an earlier output of this name has left is removed.
func (s *staging) publish(ctx context.Context, local, path string, manifest []byte) error {
	at, err := objects.Parse(path)
	if err != nil {
		return err
	}
	if err := s.store.Upload(ctx, local, at); err != nil {
		return err
	}
	at.Key += dataset.Suffix
	if manifest == nil {
		return s.store.Remove(ctx, at)
	}
	return s.store.Put(ctx, at, manifest)
}

// trainingSet makes a training set and the manifest beside it readable, by the path of either, and returns the local
// path. What is not there is not there locally either. Without whole, only what has the manifest within is fetched.
func (s *staging) trainingSet(ctx context.Context, path string, whole bool) (string, error) {
	if !objects.IsLocation(path) {
		return path, nil
	}
	given, err := objects.Parse(path)
	if err != nil {
		return "", err
	}
	if folder, ok := strings.CutSuffix(given.Key, "/"+dataset.FolderManifest); ok {
		return s.trainingFolder(ctx, given.At(folder), whole)
	}
	set := given
	set.Key = strings.TrimSuffix(given.Key, dataset.Suffix)
	ensure := ensureAll
	if !whole && strings.HasSuffix(strings.ToLower(set.Key), ".parquet") {
		ensure = ensureManifest
	}
	beside := set.At(set.Key + dataset.Suffix)
	there := false
	for _, part := range []struct {
		at     objects.Location
		ensure func(context.Context, *objects.File) error
	}{{set, ensure}, {beside, ensureAll}} {
		linked, err := s.link(ctx, part.at, part.ensure)
		if err != nil {
			return "", err
		}
		there = there || linked
	}
	if !there {
		return s.trainingFolder(ctx, given, whole)
	}
	return s.place(given)
}

// trainingFolder is trainingSet for one in several files, by the path of its folder.
func (s *staging) trainingFolder(ctx context.Context, folder objects.Location, whole bool) (string, error) {
	if err := s.open(ctx); err != nil {
		return "", err
	}
	manifest := folder.At(folder.Key + "/" + dataset.FolderManifest)
	path, err := s.place(folder)
	if err != nil {
		return "", err
	}
	if there, err := s.link(ctx, manifest, ensureAll); err != nil || !there || !whole {
		return path, err
	}
	found, err := dataset.Find(path)
	if err != nil || found.Manifest == nil {
		return path, err
	}
	listed, err := s.reading.List(ctx, folder.At(folder.Key+"/"))
	for _, object := range listed {
		if err == nil && strings.HasSuffix(object.Key, ".parquet") {
			_, err = s.link(ctx, object.Location, ensureAll)
		}
	}
	return path, err
}

// ensureAll fetches the whole object.
func ensureAll(ctx context.Context, file *objects.File) error { return file.EnsureAll(ctx) }

// ensureManifest fetches what readers of the metadata of a Parquet file look at.
func ensureManifest(ctx context.Context, file *objects.File) error {
	const magic = 4
	first := objects.Need{File: file, Ranges: []objects.Range{{Start: 0, End: magic}}}
	return errors.Join(objects.Fetch(ctx, []objects.Need{first}), file.EnsureFooter(ctx))
}

// link gives an object its place in the folder of the operation. It says false if there is none.
func (s *staging) link(ctx context.Context, at objects.Location, ensure func(context.Context, *objects.File) error,
) (bool, error) {
	file, err := s.fetch(ctx, at, ensure)
	if err != nil || file == nil {
		return false, err
	}
	path, err := s.place(at)
	if err != nil {
		return false, err
	}
	return true, os.Symlink(file.Path(), path)
}
