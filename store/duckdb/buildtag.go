//go:build !duckdb_arrow

package duckdb

// The driver hands out Arrow only under the build tag duckdb_arrow: go build -tags duckdb_arrow, as make build does.
const _ = build_with_the_tag_duckdb_arrow
