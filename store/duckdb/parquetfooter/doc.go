// Package parquetfooter reads what the ends of Parquet files say, without DuckDB and without reading rows.
//
// A join of a thousand files has to know of each how many rows it has, which columns in which types, how many nulls,
// and from when to when its event times go. All of this is in the footers, which Read reads in parallel and once:
//
//	footers, err := parquetfooter.Read(ctx, []string{"flights/1.parquet"}, "time_hour")
//	footers[0].Rows          // 27004
//	footers[0].Events.Meets(from, to)  // may it have rows of this range?
//
// A footer also shows what DuckDB would read wrongly and without an error: decimals of too many digits, values in
// encodings that it does not know, times that microseconds do not hold. So each of these is found here, and refused by
// who reads the column.
package parquetfooter
