// Package plumbv1 is the one schema of definitions, of what a registry keeps, and of serving: Go that is generated from
// the .proto files beside it.
package plumbv1

import _ "embed" // For the schema.

// DefinitionsSchema is the JSON Schema of a definition file, for editors. It is generated from definitions.proto.
//
//go:embed definitions.schema.json
var DefinitionsSchema []byte
