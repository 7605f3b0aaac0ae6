// Package value has the forms that a value of a declared type takes, and the one conversion between each two of them.
// Every conversion is exact (R9): a value that takes another form and comes back has the bits that it had, a NaN its
// payload and a zero its sign (R17). Only JSON has one NaN, which is read as TextNaN.
//
// There are five forms. Each line below has those of one value, and the last line those of a null:
//
//	         in Go            on the wire  in Arrow           in JSON                 its bits
//	BOOL     true             bools        bool               true                    01
//	INT32    int32(-7)        int32s       int32              -7                      fffffff9
//	INT64    int64(-7)        int64s       int64              -7                      fffffffffffffff9
//	FLOAT32  float32(1)       float32s     float              1.0                     3f800000
//	FLOAT64  math.Inf(1)      float64s     double             "Infinity"              7ff0000000000000
//	STRING   "é"              strings      utf8               "é"                     c3a9
//	BYTES    []byte{0, 255}   bytes        binary             "AP8="                  00ff
//	TIMESTAMP                 timestamps   timestamp[us, UTC] "1970-01-01T00:00:01Z"  00000000000f4240
//	         feature.Instant(1e6)
//	INT32_ARRAY               arrays       list<int32>        [-7,null]               00000002
//	         []any{int32(-7), nil}                                                    00 00000004 fffffff9
//	                                                                                  01 00000000
//	null     nil              a null flag  null               null                    none
//
// The Go form is for code that takes values one by one, and for tests. Columns travel in the other forms: requests and
// answers on the wire (plumbv1.Values), batches in Arrow. The bits decide whether two values are the same: they are the
// same if their types and their bits are, and SameArrow compares so. An array's bits are the number of its elements in
// four bytes, and for each element a byte that is 1 if it is null, the length of its bits in four bytes, and the bits.
//
// A type that is added to plumbv1.Type needs a line in the tables and switches of this package. Its tests take every
// type through every form and back.
//
// Some code has forms of its own, and reasons for them: store/packed the durable bytes of rows and keys, store/lookup
// the reply that it writes without decoding rows, the digests of training sets, and the client, which imports the
// schema alone. The suites in store/storetest share nothing with the code that they test.
package value
