// Package connect is a client of Spark Connect: it runs SQL on a Spark server, and reads results as Arrow batches.
//
// It is the only package that speaks the protocol. Messages are Go structs with the field numbers of Spark's own
// definitions (messages.go), of which they have what is used here; a test compares them with an installed pyspark.
//
// A session lives at the server until it is released, and so do its temporary views and running statements: the end of
// the client ends neither. A caller that may be killed records Session.ID first, and another process calls Release.
//
// The end of a stream proves nothing. A statement has succeeded if the server has said that its result is complete, and
// rows count if each batch begins at the row at which the one before it ended.
package connect
