package winners

import (
	"os"
	"syscall"
	"unsafe"
)

// onHugePages asks for pages of megabytes below a large slice whose entries are found at random: with usual pages, to
// Find where an entry is takes longer than to read it. The system may decline.
func onHugePages[T any](entries []T) []T {
	const least = 4 << 20
	bytes := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(entries))), len(entries)*int(unsafe.Sizeof(*new(T))))
	if len(bytes) < least {
		return entries
	}
	page := os.Getpagesize()
	begin := int(-uintptr(unsafe.Pointer(unsafe.SliceData(bytes))) % uintptr(page))
	whole := (len(bytes) - begin) / page * page
	_ = syscall.Madvise(bytes[begin:begin+whole], syscall.MADV_HUGEPAGE) // Advice: slower without, not wrong.
	return entries
}
