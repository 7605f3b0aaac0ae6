package objects

import (
	"context"
	"slices"
	"sync"
)

// File is an object as a local file, which has what was ensured of it. It is safe for concurrent use.
type File struct {
	Object
	store *Store

	mu    sync.Mutex
	entry *entry
}

// Path is that of the local file. It ends in the bucket and the key.
func (f *File) Path() string { return f.entry.path }

// tail is how many bytes of a Parquet file are fetched for its footer, which most often is shorter.
const tail = 64 << 10

// EnsureFooter fetches the footer of a Parquet file. A file that does not end as one has its end fetched, by which
// readers tell what it is.
func (f *File) EnsureFooter(ctx context.Context) error {
	if err := Fetch(ctx, []Need{{f, []Range{{max(f.Size-tail, 0), f.Size}}}}); err != nil || f.Size < footerEnd {
		return err
	}
	var last [footerEnd]byte
	if _, err := f.entry.data.ReadAt(last[:], f.Size-footerEnd); err != nil {
		return err
	}
	start, ok := footerStart(last[:], f.Size)
	if !ok {
		return nil // It is for readers of footers to refuse it.
	}
	return Fetch(ctx, []Need{{f, []Range{{start, f.Size}}}})
}

// EnsureAll fetches the whole object.
func (f *File) EnsureAll(ctx context.Context) error {
	return Fetch(ctx, []Need{{f, []Range{{0, f.Size}}}})
}

// missing is what is not there yet of the ranges, cut to the object.
func (f *File) missing(ranges []Range) []Range {
	wanted := slices.Clone(ranges)
	for i := range wanted {
		wanted[i].Start, wanted[i].End = max(wanted[i].Start, 0), min(wanted[i].End, f.Size)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return without(merged(wanted), f.entry.there)
}

// have notes that ranges were written.
func (f *File) have(ranges []Range) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.entry.add(merged(ranges))
}
