// Package packed has the bytes that online stores keep: the packed row, which has the features of one entity in one
// view, and the entity key that it is stored under. They are durable, and golden files pin them.
//
// A row says what it was written by: its format, the schema of its fields, the run or the push (Origin). A reader
// finds a field by its position in the schema and does not decode the others:
//
//	layout := packed.NewLayout(schema)
//	row, err := packed.Parse(value)
//	err = layout.Check(&row)
//	raw, ok, err := layout.Field(&row, 2) // ok is false if the field is null.
//
// The event and the created time come first and compare as bytes, so that a store decides which of two rows is newer
// without knowing what is in them (R14).
package packed
