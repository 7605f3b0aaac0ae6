package redis

import (
	"bytes"
	"crypto/sha256"
	"net/url"
	"strconv"
	"strings"

	"github.com/plumbstore/plumb/store/online"
)

// All rows of an entity are fields of one hash, whose key is
//
//	{project:<entity key>}
//
// The braces make project and entity key the hash tag, so that a cluster keeps the hash in the slot that the rows of
// layout 1 are in (older.go). An entity key is binary and may itself hold a '}'; the tag then ends there. That is
// sufficient: the tag is still the same, and never empty, since the project comes first. Only some entities share a
// slot. The project is escaped, so that it has no ':' and different entities have different keys; that does not change
// the name of a valid project.
func appendKey(dst []byte, project string, entity []byte) []byte {
	dst = append(dst, '{')
	dst = append(dst, url.QueryEscape(project)...)
	dst = append(dst, ':')
	dst = append(dst, entity...)
	return append(dst, '}')
}

// directoryEntity is the entity key under which a project's directory is. No entity has it, and no mark.
var directoryEntity = []byte{0, 3}

// directoryKey is the key of the hash that says which fields the tables of a project have; see directory.go.
func directoryKey(project string) string { return string(appendKey(nil, project, directoryEntity)) }

// entityOf returns the entity key of a key that appendKey has made for a project.
func entityOf(key, project string) (entity []byte, ok bool) {
	rest, ok := strings.CutPrefix(key, "{"+url.QueryEscape(project)+":")
	if !ok || !strings.HasSuffix(rest, "}") {
		return nil, false
	}
	return []byte(rest[:len(rest)-1]), true
}

// isEntity says whether a key holds the rows of an entity: neither marks nor the directory.
func isEntity(entity []byte) bool {
	return !online.IsMark(entity) && !bytes.Equal(entity, directoryEntity)
}

// nameOf is the name of a table within its project. Different tables have different names: a generation has no '@'.
func nameOf(table online.Table) string {
	return url.QueryEscape(table.View) + "@" + strconv.FormatInt(table.Generation, 10)
}

// parseName takes the name of a table apart.
func parseName(name string) (id tableID, ok bool) {
	view, number, ok := strings.Cut(name, "@")
	if !ok {
		return id, false
	}
	var err, also error
	id.view, err = url.QueryUnescape(view)
	id.generation, also = strconv.ParseInt(number, 10, 64)
	return id, err == nil && also == nil
}

// fieldSize is the size of the field that the rows of a table have in every hash.
const fieldSize = 4

// fieldOf is the field of the table with a name: the first bytes of the name's SHA-256. It is short since every row has
// it. Among a hundred tables of a project the chance that two have the same field is one in a million; the directory
// finds that out, and the second table is refused (R16).
func fieldOf(name string) string {
	sum := sha256.Sum256([]byte(name))
	return string(sum[:fieldSize])
}
