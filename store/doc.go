// Package store holds the contracts of the offline and the online store, and what both agree on: instants, entity keys,
// the packed row, and the online look-up.
//
// Engines live in sub-packages: duckdb joins sources to label rows, redis and sqlite keep packed rows. Each passes the
// suites in storetest, which hold it to the rules R1 to R17 of docs/semantics.md.
package store
