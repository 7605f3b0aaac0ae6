package delta

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/source/lake"
)

// id tells the deletion vectors of one file apart; empty for none.
func (v *vector) id() string {
	switch {
	case v == nil:
		return ""
	case v.Offset != nil:
		return fmt.Sprintf("%s%s@%d", v.Storage, v.Path, *v.Offset)
	}
	return v.Storage + v.Path
}

// What surrounds a vector in a file: its length before it, and a checksum after it.
const around = 8

// vector is where a deletion vector is.
func (s *state) vector(of string, v *vector) (*lake.Vector, error) {
	wrong := func(why string) error {
		return fault.Inputf("", "the log of the table has a deletion vector of %s that %s", lake.Shown(of), why)
	}
	if v.Size < 0 || v.Size > 1<<31 || v.Cardinality < 0 {
		return nil, wrong(fmt.Sprintf("has %d bytes and %d rows", v.Size, v.Cardinality))
	}
	found := &lake.Vector{Length: v.Size + around, Rows: v.Cardinality}
	if v.Offset != nil {
		found.Offset = *v.Offset
	}
	switch v.Storage {
	case "i":
		bitmap, err := decodeZ85(v.Path)
		if err != nil || int64(len(bitmap)) < v.Size || v.Size == 0 {
			return nil, wrong("is not encoded as one is")
		}
		found.Inline = bitmap[:v.Size]
	case "u":
		name, err := vectorFile(v.Path)
		if err != nil {
			return nil, wrong("is not named as one is")
		}
		found.Place = lake.Below(s.root, name)
	case "p":
		place, err := s.place(v.Path)
		if err != nil {
			return nil, err
		}
		found.Place = place
	default:
		return nil, wrong("is stored in a way that is not known: " + lake.Shown(v.Storage))
	}
	return found, nil
}

// vectorFile is the name of a file of vectors: a UUID in 20 characters, after the name of a folder, which may be empty.
func vectorFile(path string) (string, error) {
	const encoded = 20
	if len(path) < encoded {
		return "", errors.New("too short")
	}
	folder, id := path[:len(path)-encoded], path[len(path)-encoded:]
	uuid, err := decodeZ85(id)
	if err != nil {
		return "", err
	}
	name := fmt.Sprintf("deletion_vector_%x-%x-%x-%x-%x.bin", uuid[:4], uuid[4:6], uuid[6:8], uuid[8:10], uuid[10:])
	if folder != "" {
		name = folder + "/" + name
	}
	return name, nil
}

// z85 are the digits of numbers of base 85, in the form of Z85.
const z85 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"

// decodeZ85 decodes text of 5 characters for each 4 bytes.
func decodeZ85(text string) ([]byte, error) {
	const base, digits = 85, 5
	if len(text)%digits != 0 {
		return nil, errors.New("cut off")
	}
	var out []byte
	for ; text != ""; text = text[digits:] {
		number := uint64(0)
		for i := range digits {
			digit := strings.IndexByte(z85, text[i])
			if digit < 0 {
				return nil, errors.New("no digit")
			}
			number = number*base + uint64(digit)
		}
		if number > 1<<32-1 {
			return nil, errors.New("too large")
		}
		out = binary.BigEndian.AppendUint32(out, uint32(number))
	}
	return out, nil
}
