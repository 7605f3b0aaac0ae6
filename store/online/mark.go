package online

import (
	"bytes"
	"context"
	"fmt"

	"github.com/plumbstore/plumb/store/packed"
)

// A store can lose its rows and go on: it is flushed, starts without its data, comes back from an old snapshot.
// Look-ups then find nothing, as if there never was anything. So each table has two marks, and the registry records
// what they have to be. They are rows of the table under keys that no entity has. They go wherever its rows go and
// never expire.
//
//   - The birth names the table's life. It is set before the first row of a run from the beginning if there is none,
//     and stays for as long as the rows do. A table without it, or with another one, is not the table that was written.
//   - The progress is set after the last row of every run and before the registry records the run. Its number is drawn
//     once all rows are written, so a store with a mark has the rows of all runs with a lesser one. A table with a
//     lesser mark than the registry's has come back from an older snapshot.
//
// A mark is a packed row without features, whose version is its number; of two the greater one wins (R14). The version
// begins far in the past, so no mark is ever ahead of a clock (R15). An entity key begins with keyVersion, which is
// never 0. The bytes are durable.
var (
	birthKey    = []byte{0, 1}
	progressKey = []byte{0, 2}
)

// IsMark says whether a key is that of a mark, which is no row of an entity.
func IsMark(key []byte) bool { return bytes.Equal(key, birthKey) || bytes.Equal(key, progressKey) }

// MarkKeys are the keys of all marks.
func MarkKeys() [][]byte { return [][]byte{bytes.Clone(birthKey), bytes.Clone(progressKey)} }

// Marks are the marks of a table. A number is 0 if the mark does not exist.
type Marks struct{ Birth, Progress int64 }

// Reader is what reads of an online store need.
type Reader interface {
	Read(ctx context.Context, gets []Get) ([][]byte, error)
}

// Writer is what writes to an online store need.
type Writer interface {
	Write(ctx context.Context, table Table, rows []Row) (WriteReport, error)
}

// PrimaryReader is an online store whose Read may be answered by a replica that lacks the latest writes. ReadPrimary is
// Read without that.
type PrimaryReader interface {
	ReadPrimary(ctx context.Context, gets []Get) ([][]byte, error)
}

// ReadMarks returns the marks of tables, in order, by one read.
func ReadMarks(ctx context.Context, online Reader, tables ...Table) ([]Marks, error) {
	gets := make([]Get, 0, 2*len(tables))
	for _, table := range tables {
		gets = append(gets, Get{table, birthKey}, Get{table, progressKey})
	}
	read := online.Read
	if primary, ok := online.(PrimaryReader); ok {
		read = primary.ReadPrimary
	}
	values, err := read(ctx, gets)
	if err != nil {
		return nil, fmt.Errorf("read the marks of the online store: %w", err)
	}
	marks := make([]Marks, len(tables))
	for i := range marks {
		marks[i] = Marks{Birth: packed.MarkNumber(values[2*i]), Progress: packed.MarkNumber(values[2*i+1])}
	}
	return marks, nil
}

// WriteBirth sets the mark of a table's birth, and WriteProgress that of its progress, unless it has a greater one.
func WriteBirth(ctx context.Context, online Writer, table Table, number int64, origin packed.Origin) error {
	return writeMark(ctx, online, table, Row{birthKey, packed.NewMark(number, origin)})
}

// WriteProgress is described at WriteBirth.
func WriteProgress(ctx context.Context, online Writer, table Table, number int64, origin packed.Origin) error {
	return writeMark(ctx, online, table, Row{progressKey, packed.NewMark(number, origin)})
}

func writeMark(ctx context.Context, online Writer, table Table, mark Row) error {
	table.Retention = 0
	if _, err := online.Write(ctx, table, []Row{mark}); err != nil {
		return fmt.Errorf("mark the online store: %w", err)
	}
	return nil
}
