package plainread

import (
	"math/big"
	"net/url"
	"path/filepath"
	"strings"
)

// kind says what a cell holds. The kinds keep apart what convert has to treat differently. The text 7, for example,
// becomes an INT64 if it comes from a CSV file (isSpelled) or from the name of a folder (isWritten), since those have
// no types of their own. In a text column of a Parquet file (isText) it does so only if it is a join key.
type kind uint8

const (
	// isMissing: the file has no such column.
	isMissing kind = iota
	isNull
	// isBool: whole is 0 or 1.
	isBool
	// isWhole: whole.
	isWhole
	// isDecimal: unscaled times ten to the power of -scale.
	isDecimal
	// isFloat32 and isFloat64: float, of which a FLOAT32 has its bits in whole so that a NaN keeps them.
	isFloat32
	isFloat64
	// isText: text is a value of its own.
	isText
	// isBytes: text is bytes.
	isBytes
	// isInstant: whole is microseconds since 1970 (R1).
	isInstant
	// isWritten: text spells a value of the declared type, as in the name of a folder.
	isWritten
	// isSpelled: text spells it as all does that a file without types has: a whole number in one way, and a list in JSON.
	isSpelled
	// isList: list.
	isList
	// isBeyond: text is a value that no declared type holds, such as an instant out of range.
	isBeyond
)

// cell is a value as a file has it, in a form that is the same for all formats. A reader of a format decides only on
// the kind, so that each rule about types is written once, in convert. Of the other fields only those that the kind
// names have a meaning.
type cell struct {
	kind     kind
	whole    int64
	float    float64
	text     string
	unscaled *big.Int
	scale    int
	list     []cell
}

// writtenCell is a cell of a text; nil is null.
func writtenCell(text *string) cell {
	if text == nil {
		return cell{kind: isNull}
	}
	return cell{kind: isWritten, text: *text}
}

// partitionsOf are the columns that the folders between a source's folder and its file give, by their names. Below the
// source's folder, the file day=2026-01-05/region=EU/part.parquet has the columns day and region in every row. Special
// characters of a value are percent-encoded, and one name stands for null.
func partitionsOf(folder, path string) map[string]*string {
	resolved, err := filepath.EvalSymlinks(folder)
	if err != nil {
		return nil
	}
	below, err := filepath.Rel(resolved, filepath.Dir(path))
	if err != nil || !filepath.IsLocal(below) {
		return nil
	}
	return partitionsIn(filepath.ToSlash(below))
}

// partitionsIn are the texts that a relative path of folders gives columns.
func partitionsIn(below string) map[string]*string {
	found := map[string]*string{}
	for part := range strings.SplitSeq(below, "/") {
		name, value, ok := strings.Cut(part, "=")
		switch {
		case !ok:
		case value == "__HIVE_DEFAULT_PARTITION__":
			found[name] = nil
		default:
			if plain, err := url.PathUnescape(value); err == nil {
				value = plain
			}
			found[name] = &value
		}
	}
	return found
}
