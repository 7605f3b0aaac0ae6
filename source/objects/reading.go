package objects

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/plumbstore/plumb/internal/fault"
)

// Reading is the objects that one operation reads. It lists a prefix once, and holds what it has opened until it is
// closed. It is safe for concurrent use.
type Reading struct {
	store *Store
	// scratch makes a folder for what is fetched, unless there is a cache.
	scratch func() (folder string, remove func() error, err error)

	mu     sync.Mutex
	folder string
	remove func() error
	listed map[Location][]Object
	opened map[Object]*File
}

// Begin starts an operation. scratch makes a folder of the operation's own; it is called only if something is read and
// there is no cache.
func (s *Store) Begin(scratch func() (folder string, remove func() error, err error)) *Reading {
	return &Reading{store: s, scratch: scratch, listed: map[Location][]Object{}, opened: map[Object]*File{}}
}

// List returns the objects whose keys begin with that of the prefix, in the bytewise order of the keys, without those
// that stand for folders.
func (r *Reading) List(ctx context.Context, prefix Location) ([]Object, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if found, ok := r.listed[prefix]; ok {
		return found, nil
	}
	found, err := r.store.list(ctx, prefix, 0)
	if err == nil {
		r.listed[prefix] = found
	}
	return found, err
}

// First returns the first objects whose keys begin with that of the prefix, at most limit of them.
func (r *Reading) First(ctx context.Context, prefix Location, limit int) ([]Object, error) {
	return r.store.list(ctx, prefix, limit)
}

// Look asks for the object of a key, and says false if there is none.
func (r *Reading) Look(ctx context.Context, at Location) (Object, bool, error) {
	return r.store.look(ctx, at)
}

// Open makes an object readable as a local file, in which there is nothing yet but what a cache has of it.
func (r *Reading) Open(object Object) (*File, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if file := r.opened[object]; file != nil {
		return file, nil
	}
	switch {
	case object.ETag == "":
		return nil, fault.Inputf("", "cannot read %s: the server gives it no ETag, by which a change would be seen; "+
			"put it there by an upload", object)
	case !isPlain(object.Key):
		return nil, fault.Inputf("", "cannot read %q: a key may not have empty parts, . or .. between slashes, or parts "+
			"of more than %d bytes; rename it", object.String(), maxName)
	case strings.ContainsAny(object.Key, "*?["):
		return nil, fault.Inputf("", "cannot read %s: a key may not contain any of * ? [; rename it", object)
	}
	if err := r.place(); err != nil {
		return nil, err
	}
	kept, err := openEntry(r.folder, r.store.server(object.Location).endpoint, object, r.remove == nil)
	if err != nil {
		return nil, err
	}
	file := &File{Object: object, store: r.store, entry: kept}
	r.opened[object] = file
	return file, nil
}

// place finds the folder of the entries.
func (r *Reading) place() (err error) {
	switch {
	case r.folder != "":
		return nil
	case r.store.config.CacheDir == "":
		r.folder, r.remove, err = r.scratch()
		return err
	}
	r.folder, err = openCache(r.store.config.CacheDir)
	return err
}

// Named is a text with the objects' names in the places of the paths of their local files.
func (r *Reading) Named(text string) string {
	r.mu.Lock()
	folder := r.folder
	r.mu.Unlock()
	if folder == "" {
		return text
	}
	var named strings.Builder
	for {
		before, after, found := strings.Cut(text, folder+"/")
		named.WriteString(before)
		if !found {
			return named.String()
		}
		name, rest, inside := strings.Cut(after, "/o/")
		if inside && isEntry(name) {
			beginning, location := scheme, rest
			if google, ok := strings.CutPrefix(rest, localGoogle+"/"); ok {
				beginning, location = googleScheme, google
			}
			named.WriteString(beginning)
			text = location
		} else {
			named.WriteString(folder + "/")
			text = after
		}
	}
}

// Close lets go of what was opened. A cache is brought back within its limit, and a folder of the operation is removed.
func (r *Reading) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var errs []error
	for object, file := range r.opened {
		errs = append(errs, file.entry.close())
		delete(r.opened, object)
	}
	switch {
	case r.remove != nil:
		errs = append(errs, r.remove())
	case r.folder != "" && r.store.config.CacheLimit > 0:
		errs = append(errs, evict(r.folder, r.store.config.CacheLimit))
	}
	r.folder, r.remove = "", nil
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("let go of objects: %w", err)
	}
	return nil
}
