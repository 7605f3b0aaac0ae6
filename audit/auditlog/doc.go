// Package auditlog keeps what look-ups were answered with, in Parquet files that can be held against a point-in-time
// join later.
//
// A file holds look-ups of one selection under one revision of the registry, on one day in UTC: one row for each row
// that was looked up. It lies in DIR/PROJECT/YYYY-MM-DD/ and has these columns, all of which may be null but the first
// four:
//
//	plumb.request     INT64      numbers the requests of one writer
//	plumb.row         INT32      the row's place in its request, from 0
//	plumb.served_at   TIMESTAMP  the server's clock when it answered
//	plumb.at          TIMESTAMP  the instant that visibility and ttl were evaluated at (R2)
//	KEY               its type   for each label column that the selection reads its keys from
//	OUTPUT            its type   for each output (R10): the value, null unless it was PRESENT
//	OUTPUT__status    STRING     PRESENT, NULL, NOT_FOUND or EXPIRED (R13)
//	ALIAS__event_timestamp, ALIAS__created_timestamp, ALIAS__schema_id, ALIAS__origin
//	                             for each use of a view: the row that the online store had, null if it had none.
//	                             One whose event time is after plumb.at was not visible, and the outputs are NOT_FOUND
//
// A name that is taken already gets "plumb." before it. Times are microseconds in UTC. What is marked sensitive in the
// definitions is not a value of its type but 32 bytes, a keyed hash (Hasher); statuses stay readable.
//
// The file's metadata has a Header in JSON under the key "plumb.audit_log": the format's version, the selection, and
// which column is what. The format is durable: Version changes whenever it does, and files of a later one are refused.
//
// A file is written as NAME.parquet.partial and renamed once it is whole and durable. A partial file of a process that
// was killed has no footer, so nothing can be had of it: it is ignored by readers and removed by the next writer.
package auditlog
