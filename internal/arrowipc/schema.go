package arrowipc

import (
	"errors"
	"fmt"
	"slices"
)

// Slots of the tables Schema, Field, KeyValue and DictionaryEncoding of Arrow's format.
const (
	schemaFields   = 1
	schemaMetadata = 2

	fieldName       = 0
	fieldNullable   = 1
	fieldKind       = 2
	fieldType       = 3
	fieldDictionary = 4
	fieldChildren   = 5
	fieldMetadata   = 6

	dictionaryID      = 0
	dictionaryIndex   = 1
	dictionaryOrdered = 2
	dictionaryKind    = 3
)

// shapes are the widths of the fields that a table of each type has, by the type's number in Arrow's Schema.fbs. Number
// 10, for example, is Timestamp, which has a unit in 2 bytes and the name of a time zone. A type that is not here is
// refused, since Arrow would read its table without a check.
var shapes = map[int64][]int{
	1: {}, 2: {4, 1}, 3: {2}, 4: {}, 5: {}, 6: {}, 7: {4, 4, 4}, 8: {2}, 9: {2, 4}, 10: {2, text}, 11: {2}, 12: {},
	13: {}, 14: {2, vectorOfInt32}, 15: {4}, 16: {4}, 17: {1}, 18: {2}, 19: {}, 20: {}, 21: {}, 22: {}, 23: {}, 24: {},
	25: {}, 26: {},
}

// Fields that are no numbers stand in shapes by these.
const (
	text          = -1
	vectorOfInt32 = -2
)

// viewTypes are the types whose values may lie in any number of buffers.
var viewTypes = []int64{23, 24}

// checker checks the metadata of one message.
type checker struct {
	// fields are the fields that were seen so far. A flatbuffer may name one table in many places, so that a few bytes
	// stand for any number of them.
	fields int
	// texts are the bytes of the texts, for the same reason.
	texts int
	// needs is what the schema asks for.
	needs needs
	limit int64
}

// needs is what batches of a schema have at least. Arrow takes nodes and buffers from a batch one after the other, as
// many as the schema asks for, and does not look whether the batch has that many.
type needs struct {
	rows need
	// dictionaries are those of the dictionaries, by number.
	dictionaries map[int64]*need
}

// need is how many columns a batch has, counting those within others, and how many of them are views.
type need struct{ nodes, views int }

// schema checks a table of a schema.
func (c *checker) schema(schema table) error {
	c.needs.dictionaries = map[int64]*need{}
	if err := c.metadata(schema, schemaMetadata); err != nil {
		return err
	}
	return schema.tables(schemaFields, func(field table) error { return c.field(field, &c.needs.rows, 0) })
}

// field checks a field and those within it, and adds them to what is needed.
func (c *checker) field(field table, into *need, depth int) error {
	if depth > MaxDepth {
		return fmt.Errorf("its columns are nested more than %d deep", MaxDepth)
	}
	if c.fields++; c.fields > MaxColumns {
		return fmt.Errorf("it has more than %d columns, counting those within others", MaxColumns)
	}
	if err := c.text(field, fieldName); err != nil {
		return err
	}
	if err := c.metadata(field, fieldMetadata); err != nil {
		return err
	}
	if _, _, err := field.field(fieldNullable, 1); err != nil {
		return err
	}
	into.nodes++
	if encoding, found, err := field.child(fieldDictionary); err != nil {
		return err
	} else if found {
		// A batch has the indices alone.
		if into, err = c.dictionary(encoding); err != nil {
			return err
		}
	}
	kind, err := c.kind(field)
	if err != nil {
		return err
	}
	if slices.Contains(viewTypes, kind) {
		into.views++
	}
	return field.tables(fieldChildren, func(child table) error { return c.field(child, into, depth+1) })
}

// kind checks the type of a field and returns its number.
func (c *checker) kind(field table) (int64, error) {
	number, err := field.number(fieldKind, 1)
	if err != nil {
		return 0, err
	}
	shape, known := shapes[number]
	if !known {
		return 0, fmt.Errorf("it has a column of the unknown type %d", number)
	}
	about, found, err := field.child(fieldType)
	if err != nil {
		return 0, err
	}
	if !found {
		return 0, errors.New("it has a column without a type")
	}
	return number, c.shape(about, shape)
}

// shape checks the fields of a type.
func (c *checker) shape(about table, shape []int) error {
	for slot, width := range shape {
		var err error
		switch width {
		case text:
			err = c.text(about, slot)
		case vectorOfInt32:
			_, _, err = about.vector(slot, 4)
		default:
			_, _, err = about.field(slot, width)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// dictionary checks how a column is encoded, and returns what its dictionary needs. Columns may share one.
func (c *checker) dictionary(encoding table) (*need, error) {
	index, found, err := encoding.child(dictionaryIndex)
	if err != nil {
		return nil, err
	}
	if found {
		if err := c.shape(index, shapes[2]); err != nil {
			return nil, err
		}
	}
	err = c.shape(encoding, []int{dictionaryID: 8, dictionaryIndex: 4, dictionaryOrdered: 1, dictionaryKind: 2})
	if err != nil {
		return nil, err
	}
	id, err := encoding.number(dictionaryID, 8)
	if err != nil {
		return nil, err
	}
	if c.needs.dictionaries[id] != nil {
		return &need{}, nil // Arrow refuses another type under the same number.
	}
	c.needs.dictionaries[id] = &need{nodes: 1}
	return c.needs.dictionaries[id], nil
}

// metadata checks pairs of texts.
func (c *checker) metadata(of table, slot int) error {
	return of.tables(slot, func(pair table) error {
		if err := c.text(pair, 0); err != nil {
			return err
		}
		return c.text(pair, 1)
	})
}

func (c *checker) text(of table, slot int) error {
	length, err := of.text(slot)
	if err != nil {
		return err
	}
	if c.texts += length; c.texts > MaxMetadata {
		return fmt.Errorf("its names and metadata have more than %d bytes", MaxMetadata)
	}
	return nil
}
