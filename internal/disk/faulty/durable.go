package faulty

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// durable knows what of a folder a power failure leaves.
type durable struct{ nodes map[number]*node }

// number is what a file system knows a file by.
type number struct{ device, inode uint64 }

// node is a file or folder, whatever its name is.
type node struct {
	// keep is open so that no other file gets the number.
	keep *os.File
	mode fs.FileMode
	// content is that of a file when it was last synced. spoiled says that a sync failed, and no other counts.
	content []byte
	spoiled bool
	// names are those of a folder when it was last synced. spoiledNames were given when a sync failed, and are not durable
	// until they are given again. removed are files that were removed from it.
	names, spoiledNames, removed map[string]*node
}

func numberOf(info fs.FileInfo) number {
	stat := info.Sys().(*syscall.Stat_t)
	return number{uint64(stat.Dev), stat.Ino} //nolint:unconvert // The type of Dev differs between systems.
}

// node returns the one of a path that is there.
func (d *durable) node(path string) (*node, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if known := d.nodes[numberOf(info)]; known != nil {
		return known, nil
	}
	keep, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	n := &node{keep: keep, mode: info.Mode()}
	if info.IsDir() {
		n.names, n.spoiledNames, n.removed = map[string]*node{}, map[string]*node{}, map[string]*node{}
	}
	d.nodes[numberOf(info)] = n
	return n, nil
}

// remember takes a folder with all that it has as durable.
func (d *durable) remember(folder string) error {
	return filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := os.Lstat(path)
		if err != nil {
			return err
		}
		return d.sync(path, info, false)
	})
}

// forget closes the files.
func (d *durable) forget() {
	for _, n := range d.nodes {
		_ = n.keep.Close()
	}
}

// removing notes that the file at a path is removed.
func (d *durable) removing(path string) error {
	n, err := d.node(path)
	if err != nil {
		return err
	}
	folder, err := d.node(filepath.Dir(path))
	if err == nil {
		folder.removed[filepath.Base(path)] = n
	}
	return err
}

// sync makes a file or folder durable as it is, or, if it fails, spoils what has changed in it.
func (d *durable) sync(path string, info fs.FileInfo, fails bool) error {
	n := d.nodes[numberOf(info)]
	if n == nil {
		var err error
		if n, err = d.node(path); err != nil {
			return err
		}
	}
	if info.IsDir() {
		return d.syncNames(path, n, fails)
	}
	n.spoiled = n.spoiled || fails
	if n.spoiled {
		return nil
	}
	content, err := io.ReadAll(io.NewSectionReader(n.keep, 0, info.Size()))
	n.content = content
	return err
}

func (d *durable) syncNames(path string, folder *node, fails bool) error {
	entries, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	now := map[string]*node{}
	for _, entry := range entries {
		name := entry.Name()
		n, err := d.node(filepath.Join(path, name))
		if err != nil {
			return err
		}
		was, had := folder.names[name]
		switch {
		case fails && was != n:
			folder.spoiledNames[name] = n
		case folder.spoiledNames[name] != n:
			now[name] = n
		case had:
			now[name] = was
		}
	}
	if !fails {
		folder.names, folder.removed = now, map[string]*node{}
	}
	return nil
}

// restore leaves in a folder what a power failure does.
func (d *durable) restore(folder string, survivors Survivors) error {
	switch survivors {
	case Everything:
		return nil
	case Names:
		return d.restoreContents(folder)
	case Nothing, Removals:
	}
	n, err := d.node(folder)
	if err != nil {
		return err
	}
	return n.restoreTo(folder, survivors)
}

// restoreContents leaves all names, with zeros in the place of content that was not synced.
func (d *durable) restoreContents(folder string) error {
	return filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		n, err := d.node(path)
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		missing := max(0, info.Size()-int64(len(n.content)))
		return write(path, append(bytes.Clone(n.content), make([]byte, missing)...), n.mode)
	})
}

// restoreTo leaves in a folder what is durable.
func (n *node) restoreTo(folder string, survivors Survivors) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if err := os.RemoveAll(filepath.Join(folder, entry.Name())); err != nil {
			return err
		}
	}
	for name, child := range n.names {
		if survivors == Removals && n.removed[name] == child {
			continue
		}
		path := filepath.Join(folder, name)
		if !child.mode.IsDir() {
			err = write(path, child.content, child.mode)
		} else if err = os.Mkdir(path, child.mode.Perm()); err == nil {
			err = child.restoreTo(path, survivors)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// write puts a content in the place of a file, also of one that may not be written.
func write(path string, content []byte, mode fs.FileMode) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.WriteFile(path, content, mode.Perm())
}
