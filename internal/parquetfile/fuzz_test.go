package parquetfile_test

import "testing"

// FuzzFooter opens anything as a Parquet file.
func FuzzFooter(f *testing.F) {
	f.Add(sample(f))
	f.Add(whole(footer(group(1<<31-1), leaf())))
	f.Fuzz(func(t *testing.T, content []byte) {
		if used := allocated(func() { _ = open(t, content) }); used > 64<<20+uint64(200*len(content)) {
			t.Errorf("%d bytes are asked for of a file of %d", used, len(content))
		}
	})
}
