// Package arrowipc reads untrusted Arrow IPC data: files, streams, and messages of Arrow Flight.
//
// Arrow's own reader believes the metadata of a message: a list's length, how deep columns lie in each other, how
// large a buffer becomes once it is decompressed. A message of a hundred bytes takes all memory there is, which cannot
// be recovered from, and offsets within a text column lead DuckDB anywhere. So the metadata of each message is checked
// against the bytes that are there before Arrow sees it, what is decompressed counts against a bound, and every batch
// is checked whole before anybody reads it.
package arrowipc

import (
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/apache/arrow-go/v18/arrow/ipc"
)

const (
	// MaxDepth bounds how deep columns may lie in each other, as Arrow's readers do.
	MaxDepth = 64
	// MaxColumns bounds the columns of a schema, counting those within others.
	MaxColumns = 20_000
	// MaxMetadata bounds the metadata of one message, in bytes.
	MaxMetadata = 64 << 20
)

// Slots of the tables Message, RecordBatch, DictionaryBatch and BodyCompression of Arrow's format.
const (
	messageKind     = 1
	messageHeader   = 2
	messageBody     = 3
	messageMetadata = 4

	batchLength      = 0
	batchNodes       = 1
	batchBuffers     = 2
	batchCompression = 3
	batchVariadic    = 4

	dictionaryBatchID    = 0
	dictionaryBatchData  = 1
	dictionaryBatchDelta = 2

	compressionCodec  = 0
	compressionMethod = 1
)

// structWidth is the size of a node, which is a length and a number of nulls, and of a buffer, an offset and a length.
const structWidth = 16

// ErrSecondSchema reports a second schema instead of a batch.
var ErrSecondSchema = errors.New("a second schema came after the first; all batches must have one schema")

// Checker checks the messages of one stream or file, in their order: the schema comes first, and says how many nodes
// every later message needs to have. A Checker is for one goroutine.
type Checker struct {
	// Limit bounds what a buffer becomes once it is decompressed.
	Limit int64
	// needs is what the schema asks for; nil until it has come.
	needs *needs
}

// Check checks the metadata of the next message and what the body's buffers say of themselves. It refuses a second
// schema.
func (c *Checker) Check(metadata []byte, body *io.SectionReader) error {
	if len(metadata) > MaxMetadata {
		return fmt.Errorf("the metadata of a message has %d bytes; at most %d are read", len(metadata), MaxMetadata)
	}
	if err := c.check(metadata, body); errors.Is(err, ErrSecondSchema) {
		return err
	} else if err != nil {
		return fmt.Errorf("the metadata of a message is damaged: %w", err)
	}
	return nil
}

func (c *Checker) check(metadata []byte, body *io.SectionReader) error {
	message, err := rootOf(metadata)
	if err != nil {
		return err
	}
	one := &checker{limit: c.Limit}
	if err := one.metadata(message, messageMetadata); err != nil {
		return err
	}
	if err := one.shape(message, []int{2, messageKind: 1, messageHeader: 4, messageBody: 8}); err != nil {
		return err
	}
	number, err := message.number(messageKind, 1)
	if err != nil {
		return err
	}
	header, found, err := message.child(messageHeader)
	if err != nil {
		return err
	}
	if !found {
		return errors.New("it says nothing of what the message holds")
	}
	switch kind := ipc.MessageType(number); {
	case kind == ipc.MessageSchema && c.needs != nil:
		return ErrSecondSchema
	case kind == ipc.MessageSchema:
		c.needs = &one.needs
		return one.schema(header)
	case c.needs == nil:
		return errors.New("it comes before the schema")
	case kind == ipc.MessageDictionaryBatch:
		return c.dictionaryBatch(one, header, body)
	case kind == ipc.MessageRecordBatch:
		return one.batch(header, body, c.needs.rows)
	}
	return fmt.Errorf("a message of kind %d belongs to no table", number)
}

// bodyLength is how many bytes of body the metadata announces.
func bodyLength(metadata []byte) (int64, error) {
	message, err := rootOf(metadata)
	if err != nil {
		return 0, err
	}
	length, err := message.number(messageBody, 8)
	if err == nil && length < 0 {
		err = fmt.Errorf("it announces a body of %d bytes", length)
	}
	return length, err
}

func (c *Checker) dictionaryBatch(one *checker, header table, body *io.SectionReader) error {
	err := one.shape(header, []int{dictionaryBatchID: 8, dictionaryBatchData: 4, dictionaryBatchDelta: 1})
	if err != nil {
		return err
	}
	id, err := header.number(dictionaryBatchID, 8)
	if err != nil {
		return err
	}
	batch, found, err := header.child(dictionaryBatchData)
	if err != nil {
		return err
	}
	if !found || c.needs.dictionaries[id] == nil {
		return fmt.Errorf("the schema has no dictionary %d, or it has no values", id)
	}
	return one.batch(batch, body, *c.needs.dictionaries[id])
}

// batch checks that a batch has what it needs, since Arrow reads past the end of lists. It also checks that its buffers
// lie within the body.
func (c *checker) batch(batch table, body *io.SectionReader, needs need) error {
	rows, err := batch.number(batchLength, 8)
	if err != nil {
		return err
	}
	if rows < 0 || rows > math.MaxInt32 {
		return fmt.Errorf("a batch has %d rows; it may have %d", rows, math.MaxInt32)
	}
	at, count, err := batch.vector(batchNodes, structWidth)
	if err != nil {
		return err
	}
	if count < needs.nodes {
		return fmt.Errorf("a batch has %d columns where the schema has %d", count, needs.nodes)
	}
	for i := range count {
		length, nulls := numberAt(batch.data, at+structWidth*i, 8), numberAt(batch.data, at+structWidth*i+8, 8)
		if length < 0 || length > math.MaxInt32 || nulls < -1 || nulls > length {
			return fmt.Errorf("a column has %d values with %d nulls; it may have %d", length, nulls, math.MaxInt32)
		}
	}
	if at, count, err = batch.vector(batchBuffers, structWidth); err != nil {
		return err
	}
	for i := range count {
		offset, length := numberAt(batch.data, at+structWidth*i, 8), numberAt(batch.data, at+structWidth*i+8, 8)
		if offset < 0 || length < 0 || offset > body.Size() || length > body.Size()-offset {
			return fmt.Errorf("a buffer of %d bytes at %d does not lie within the %d bytes of the body", length, offset,
				body.Size())
		}
	}
	if err := c.views(batch, needs.views); err != nil {
		return err
	}
	return c.compression(batch, body)
}

// views checks how many buffers the columns of views say they have.
func (c *checker) views(batch table, needed int) error {
	at, count, err := batch.vector(batchVariadic, 8)
	if err != nil {
		return err
	}
	_, buffers, err := batch.vector(batchBuffers, structWidth)
	if err != nil {
		return err
	}
	if count < needed {
		return fmt.Errorf("a batch says of %d columns of views how many buffers they have, and there are %d", count, needed)
	}
	for i := range count {
		if views := numberAt(batch.data, at+8*i, 8); views < 0 || views > int64(buffers) {
			return fmt.Errorf("a column has %d buffers and the batch %d", views, buffers)
		}
	}
	return nil
}

// compression checks the buffers of a batch that is compressed.
func (c *checker) compression(batch table, body *io.SectionReader) error {
	compression, found, err := batch.child(batchCompression)
	if err != nil || !found {
		return err
	}
	if err := c.shape(compression, []int{compressionCodec: 1, compressionMethod: 1}); err != nil {
		return err
	}
	codec, err := compression.number(compressionCodec, 1)
	if err != nil {
		return err
	}
	method, err := compression.number(compressionMethod, 1)
	if err != nil || method != 0 || codec < 0 || codec > zstdCodec {
		return fmt.Errorf("it is compressed in an unknown way (codec %d, method %d)", codec, method)
	}
	at, count, err := batch.vector(batchBuffers, structWidth)
	if err != nil {
		return err
	}
	for i := range count {
		offset, length := numberAt(batch.data, at+structWidth*i, 8), numberAt(batch.data, at+structWidth*i+8, 8)
		if err := c.checkCompressed(body, offset, length, codec); err != nil {
			return err
		}
	}
	return nil
}
