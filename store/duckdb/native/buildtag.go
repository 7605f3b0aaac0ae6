//go:build !duckdb_arrow

package native

// The driver hands out Arrow only under a build tag. The C compiler comes first, so this is all that a build without
// the tag says. What imports the driver's part needs the tag too, since it could not even be listed without it.

// #error "build with the tag duckdb_arrow: go build -tags duckdb_arrow, as make build does"
import "C"
