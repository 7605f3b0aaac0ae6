package winners

import (
	"os"
	"syscall"
	"unsafe"
)

// onHugePages requests huge pages for a large slice whose entries are accessed at random: with usual pages, finding the
// address of an entry takes longer than reading it. The system may decline.
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
