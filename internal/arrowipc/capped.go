package arrowipc

import (
	"fmt"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow/memory"
)

// LimitError says that data take more memory than they may.
type LimitError struct {
	// Limit is what they may take, in bytes.
	Limit int64
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("a batch takes more than %d bytes of memory once it is decompressed; write batches of fewer rows",
		e.Limit)
}

// capped bounds the memory that is held at a time. It is safe for concurrent use: DuckDB releases batches on threads of
// its own.
type capped struct {
	memory.Allocator
	limit int64
	used  atomic.Int64
}

// NewCapped returns an allocator that panics with a *LimitError beyond a limit in bytes: it has no other way to refuse.
// Readers of this package turn the panic into an error.
func NewCapped(limit int64) memory.Allocator {
	return &capped{Allocator: memory.DefaultAllocator, limit: limit}
}

// Allocate implements memory.Allocator.
func (c *capped) Allocate(size int) []byte {
	c.use(size)
	return c.Allocator.Allocate(size)
}

// Reallocate implements memory.Allocator.
func (c *capped) Reallocate(size int, b []byte) []byte {
	c.use(size - len(b))
	return c.Allocator.Reallocate(size, b)
}

// Free implements memory.Allocator.
func (c *capped) Free(b []byte) {
	c.used.Add(-int64(len(b)))
	c.Allocator.Free(b)
}

func (c *capped) use(size int) {
	if used := c.used.Add(int64(size)); used > c.limit || size > 0 && used < int64(size) {
		c.used.Add(-int64(size))
		panic(&LimitError{c.limit}) //nolint:forbidigo // An allocator has no other way to refuse.
	}
}
