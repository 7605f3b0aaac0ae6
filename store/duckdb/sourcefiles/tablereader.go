package sourcefiles

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/source/objects"
)

// tableReader reads the files of a table, which are local ones or objects. Either has to lie below a root.
type tableReader struct {
	finder *Finder
	// reading has the objects; nil if no root is one of objects, and then no object lies below one.
	reading *objects.Reading
}

// tableFile is a file that a table's metadata names.
type tableFile struct {
	// path is the local path, and name what messages and inputs call the file.
	path, name string
	// info is that of a local file, and object that of any other.
	info   os.FileInfo
	object *objects.File
}

// anySize is the size of a file that the metadata say nothing about.
const anySize = -1

// open finds a file, which has to have the size that the metadata say.
func (r *tableReader) open(ctx context.Context, place string, size int64) (*tableFile, error) {
	if objects.IsLocation(place) {
		object, err := r.object(ctx, place)
		if err != nil {
			return nil, err
		}
		return &tableFile{path: object.Path(), name: place, object: object}, checkSize(place, object.Size, size)
	}
	resolved, err := r.finder.local(place)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(resolved)
	if err == nil {
		err = disk.CheckRegular(place, info)
	}
	if err != nil {
		return nil, fault.Inputf("", "cannot read %s: %s", place, disk.Reason(err))
	}
	return &tableFile{path: resolved, name: r.finder.relative(resolved), info: info}, checkSize(place, info.Size(), size)
}

func checkSize(place string, size, told int64) error {
	if told != anySize && size != told {
		return fault.Inputf("", "%s has %d bytes, and the metadata of its table says %d; it is damaged, or another file",
			place, size, told)
	}
	return nil
}

// object finds an object in one version.
func (r *tableReader) object(ctx context.Context, place string) (*objects.File, error) {
	location, err := objects.Parse(place)
	if err == nil {
		err = r.finder.LocateObject(place)
	}
	if err != nil {
		return nil, err
	}
	found, ok, err := r.reading.Look(ctx, location)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, r.finder.notBelowRoots(place)
	}
	opened, err := r.reading.Open(found)
	if err != nil {
		return nil, err
	}
	return opened, PlainPath(opened.Path())
}

// read is a lake.Reader.
func (r *tableReader) read(ctx context.Context, place string, limit int64) ([]byte, error) {
	file, err := r.open(ctx, place, anySize)
	if err != nil {
		return nil, err
	}
	if file.object != nil {
		if file.object.Size > limit {
			return nil, tooLong(place, limit)
		}
		if err := file.object.EnsureAll(ctx); err != nil {
			return nil, err
		}
	}
	opened, err := disk.OpenRegular(file.path)
	if err != nil {
		return nil, fault.Inputf("", "cannot read %s: %s", place, disk.Reason(err))
	}
	content, err := io.ReadAll(io.LimitReader(opened, limit+1))
	if err = errors.Join(err, opened.Close()); err != nil {
		return nil, fmt.Errorf("read %s: %w", place, err)
	}
	if int64(len(content)) > limit {
		return nil, tooLong(place, limit)
	}
	return content, nil
}

// list is a lake.Lister.
func (r *tableReader) list(ctx context.Context, folder string) ([]string, error) {
	if objects.IsLocation(folder) {
		return r.listObjects(ctx, folder)
	}
	if !r.finder.within(folder) {
		return nil, nil
	}
	found, err := os.ReadDir(folder)
	if err != nil {
		return nil, fault.Inputf("", "cannot read %s: %s", folder, disk.Reason(err))
	}
	var names []string
	for _, entry := range found {
		if !entry.IsDir() {
			names = append(names, entry.Name())
		}
	}
	return names, nil
}

func (r *tableReader) listObjects(ctx context.Context, folder string) ([]string, error) {
	location, err := objects.Parse(folder)
	if err == nil {
		err = r.finder.LocateObject(folder)
	}
	if err != nil {
		return nil, err
	}
	listing, err := r.reading.List(ctx, inside(location))
	var names []string
	for _, object := range listing {
		if name := strings.TrimPrefix(object.Key, inside(location).Key); !strings.Contains(name, "/") {
			names = append(names, name)
		}
	}
	return names, err
}

func tooLong(place string, limit int64) error {
	return fault.Inputf("", "cannot read %s: it has more than %d bytes", place, limit)
}

// local resolves the place of a local file of a table. Only a whole path is one: what is relative to a working folder,
// or in another kind of storage, lies below no root.
func (f *Finder) local(place string) (string, error) {
	if !filepath.IsAbs(place) {
		return "", f.notBelowRoots(place)
	}
	return f.withinRoots(place, place)
}
