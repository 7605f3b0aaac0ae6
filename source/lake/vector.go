package lake

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math/bits"
	"os"

	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/fault"
)

// Vector is where the positions of the deleted rows of one file are within another.
type Vector struct {
	Place          string
	Offset, Length int64
	// Inline has the positions themselves, and then there is no place. They are a bitmap with the mark before it.
	Inline []byte
	// Rows is the number of deleted rows.
	Rows int64
}

// A deletion vector is a blob within a file, such as a Puffin file of Iceberg: its length, a mark, a bitmap of 64 bits,
// and a checksum of the mark and the bitmap. The bitmap has a bitmap of 32 bits for each value of the upper half,
// in Roaring's portable format.

// vectorMark begins what the checksum is of.
const vectorMark = "\xd1\xd3\x39\x64"

// maxVector is the size of the largest vector that is read: that of one of every other row of 4 billion.
const maxVector = 1 << 29

// The kinds of Roaring bitmaps, by their first number, and of the containers of 65,536 values in them.
const (
	withoutRuns  = 12346
	withRuns     = 12347
	fewWithRuns  = 4 // Bitmaps with runs have the places of their containers only from this number of them on.
	mostInArray  = 4096
	bitmapBytes  = 8192
	containerMax = 1 << 16
)

var errShort = errors.New("it is cut off")

// ReadVector reads the deletion vector of a file from the local path of its place, and hands out the numbers of the
// deleted rows in ascending order, counted from 0. What is wrong is a *fault.InputError.
func ReadVector(ctx context.Context, path string, file File, visit func(row int64) error) error {
	damagedVector := func(err error) error {
		return fault.Inputf("", "the deletion vector of %s in %s is damaged: %v", Shown(file.Path),
			cmp.Or(file.Vector.Place, "its metadata"), err)
	}
	blob, check := file.Vector.Inline, afterMark
	if blob == nil {
		var err error
		if blob, err = readBlob(path, file.Vector); err != nil {
			return err
		}
		check = checkBlob
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	bitmap, err := check(blob)
	if err != nil {
		return damagedVector(err)
	}
	count, refused := int64(0), error(nil)
	err = decodeBitmap(bitmap, func(row int64) error {
		if file.Rows != AnyRows && row >= file.Rows {
			return fmt.Errorf("it has row %d of a file of %d rows", row, file.Rows)
		}
		count++
		refused = visit(row)
		return refused
	})
	switch {
	case refused != nil:
		return refused
	case err != nil:
		return damagedVector(err)
	case count != file.Vector.Rows:
		return damagedVector(fmt.Errorf("it has %d rows, and the metadata says %d", count, file.Vector.Rows))
	}
	return nil
}

// readBlob reads the bytes of a vector.
func readBlob(path string, vector *Vector) ([]byte, error) {
	opened, err := disk.OpenRegular(path)
	if err != nil {
		return nil, fault.Inputf("", "cannot read %s: %s", vector.Place, disk.Reason(err))
	}
	defer opened.Close()
	info, err := opened.Stat()
	if err != nil {
		return nil, err
	}
	if !isWithin(info, vector) {
		return nil, fault.Inputf("", "cannot read %s: it has %d bytes, and a deletion vector has %d from byte %d on",
			vector.Place, info.Size(), vector.Length, vector.Offset)
	}
	blob := make([]byte, vector.Length)
	if _, err := opened.ReadAt(blob, vector.Offset); err != nil {
		return nil, fmt.Errorf("read %s: %w", vector.Place, err)
	}
	return blob, nil
}

// isWithin says whether a file has the bytes of a vector. Neither sum may overflow.
func isWithin(info os.FileInfo, vector *Vector) bool {
	size := info.Size()
	return vector.Offset >= 0 && vector.Length >= 0 && vector.Length <= maxVector && vector.Offset <= size &&
		vector.Length <= size-vector.Offset
}

// checkBlob is the bitmap of a blob whose length, mark and checksum are right.
func checkBlob(blob []byte) ([]byte, error) {
	const length, checksum = 4, 4
	if len(blob) < length+len(vectorMark)+checksum {
		return nil, errShort
	}
	checked := blob[length : len(blob)-checksum]
	if uint64(binary.BigEndian.Uint32(blob)) != uint64(len(checked)) {
		return nil, errors.New("its length is another")
	}
	bitmap, err := afterMark(checked)
	if err == nil && crc32.ChecksumIEEE(checked) != binary.BigEndian.Uint32(blob[len(blob)-checksum:]) {
		err = errors.New("its checksum is another")
	}
	return bitmap, err
}

// afterMark is the bitmap that follows the mark.
func afterMark(checked []byte) ([]byte, error) {
	bitmap, ok := bytes.CutPrefix(checked, []byte(vectorMark))
	if !ok {
		return nil, errors.New("it does not begin as one")
	}
	return bitmap, nil
}

// decodeBitmap hands out the values of a bitmap of 64 bits.
func decodeBitmap(data []byte, visit func(int64) error) error {
	r := &bytesReader{data: data}
	parts := r.uint64()
	previous := int64(-1)
	for range parts {
		key := int64(r.uint32())
		switch {
		case r.short:
			return errShort
		case key <= previous || key > 1<<31-1:
			return errors.New("its parts are out of order")
		}
		previous = key
		if err := decode32(r, key<<32, visit); err != nil {
			return err
		}
	}
	if r.short || len(r.data) > 0 {
		return errors.New("it has more or fewer bytes than its bitmaps")
	}
	return nil
}

// container is one of 65,536 values that share their upper bits.
type container struct {
	key   uint16
	count int
	runs  bool
}

// decode32 hands out the values of a bitmap of 32 bits, each with base added.
func decode32(r *bytesReader, base int64, visit func(int64) error) error {
	containers, err := readContainers(r)
	if err != nil {
		return err
	}
	previous := -1
	for _, c := range containers {
		if int(c.key) <= previous {
			return errors.New("its containers are out of order")
		}
		previous = int(c.key)
		if err := c.decode(r, base|int64(c.key)<<16, visit); err != nil {
			return err
		}
	}
	return nil
}

// readContainers reads what a bitmap says of its containers before them. Their places are not needed: they lie one
// behind the other.
func readContainers(r *bytesReader) ([]container, error) {
	cookie := r.uint32()
	var count int
	var runs []byte
	switch {
	case cookie&0xffff == withRuns:
		count = int(cookie>>16) + 1
		runs = r.take((count + 7) / 8)
	case cookie == withoutRuns:
		count = int(min(r.uint32(), containerMax+1))
	default:
		return nil, errors.New("it is no Roaring bitmap")
	}
	if r.short || count > containerMax {
		return nil, errShort
	}
	containers := make([]container, count)
	for i := range containers {
		containers[i] = container{key: r.uint16(), count: int(r.uint16()) + 1,
			runs: runs != nil && runs[i/8]>>(i%8)&1 == 1}
	}
	if runs == nil || count >= fewWithRuns {
		r.take(4 * count)
	}
	if r.short {
		return nil, errShort
	}
	return containers, nil
}

// decode hands out the values of a container.
func (c container) decode(r *bytesReader, base int64, visit func(int64) error) error {
	switch {
	case c.runs:
		return c.decodeRuns(r, base, visit)
	case c.count <= mostInArray:
		return c.decodeArray(r, base, visit)
	}
	return c.decodeBits(r, base, visit)
}

func (c container) decodeArray(r *bytesReader, base int64, visit func(int64) error) error {
	previous := -1
	for range c.count {
		value := int(r.uint16())
		switch {
		case r.short:
			return errShort
		case value <= previous:
			return errors.New("its values are out of order")
		}
		previous = value
		if err := visit(base | int64(value)); err != nil {
			return err
		}
	}
	return nil
}

func (c container) decodeBits(r *bytesReader, base int64, visit func(int64) error) error {
	words := r.take(bitmapBytes)
	if r.short {
		return errShort
	}
	count := 0
	for at := 0; at < bitmapBytes; at += 8 {
		word := binary.LittleEndian.Uint64(words[at:])
		count += bits.OnesCount64(word)
		for ; word != 0; word &= word - 1 {
			if err := visit(base | int64(8*at+bits.TrailingZeros64(word))); err != nil {
				return err
			}
		}
	}
	if count != c.count {
		return fmt.Errorf("a container has %d values and says %d", count, c.count)
	}
	return nil
}

func (c container) decodeRuns(r *bytesReader, base int64, visit func(int64) error) error {
	count, previous := 0, -1
	for range r.uint16() {
		first, more := int(r.uint16()), int(r.uint16())
		switch {
		case r.short:
			return errShort
		case first <= previous || first+more >= containerMax:
			return errors.New("its runs are out of order")
		}
		previous = first + more
		count += more + 1
		for value := first; value <= previous; value++ {
			if err := visit(base | int64(value)); err != nil {
				return err
			}
		}
	}
	if r.short || count != c.count {
		return fmt.Errorf("a container has %d values and says %d", count, c.count)
	}
	return nil
}

// bytesReader takes numbers from bytes. It gives zeros once there are none left, and says so.
type bytesReader struct {
	data  []byte
	short bool
}

func (r *bytesReader) take(count int) []byte {
	if count > len(r.data) {
		r.short, r.data = true, nil
		return make([]byte, count)
	}
	taken := r.data[:count]
	r.data = r.data[count:]
	return taken
}

func (r *bytesReader) uint16() uint16 { return binary.LittleEndian.Uint16(r.take(2)) }
func (r *bytesReader) uint32() uint32 { return binary.LittleEndian.Uint32(r.take(4)) }
func (r *bytesReader) uint64() uint64 { return binary.LittleEndian.Uint64(r.take(8)) }
