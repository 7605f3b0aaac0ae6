package feature

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// DefinitionHash stands for everything in the definitions that decides which values a view has. Views with the same
// hash have the same values wherever their sources have the same rows. The zero hash is that of no view.
//
// It is the SHA-256 of these lines, each ended by a newline, with names, paths and queries as they are written in the
// definitions and quoted as by Go's %+q:
//
//	plumb view 1
//	key NAME TYPE                   for each join key, in declared order
//	ttl MICROSECONDS                0 if there is none
//	source                          what the view reads, in the form of the lines below
//	log PATH                        if the view has a push log
//	feature NAME TYPE COLUMN        ordered by name; over SQL as declared, since their order breaks ties (R3)
//	reads NAME                      for each source whose name occurs in the query, directly or not, ordered by name
//
// A view with aggregations has these lines in the place of those of features:
//
//	column NAME TYPE COLUMN         for each column of the source that is needed, ordered by name with the next
//	computed NAME TYPE EXPRESSION
//	filter EXPRESSION               if there is one
//	aggregate NAME TYPE FUNCTION RESULT OF BY N QUANTILE ERROR MAX_VALUES WINDOW HOP OFFSET
//	                                for each feature, ordered as text; RESULT is 0, or 1 for groups and counts; what a
//	                                function does not have is 0 or ""; spans are in microseconds, and WINDOW is 0 for
//	                                lifetime, HOP for exact
//
// source and reads are followed by
//
//	parquet PATH                    or: csv PATH, jsonl PATH, sql QUERY, postgres PATH CONNECTION QUERY,
//	                                iceberg PATH SNAPSHOT TAG AS_OF, where SNAPSHOT is 0 and the others "" if not given;
//	                                delta PATH VERSION AS_OF, where VERSION is -1 and AS_OF "" if not given
//	spark QUERY                     if a sql source has it
//	event COLUMN
//	created COLUMN                  "" if there is none
//
// Not part of it are descriptions and tags, the names of the view, of its entities and of the source itself, and what
// decides when values reach the online store, or the files of a source: online, lookback, overlap. Hashes are durable:
// the number in the first line changes whenever they do.
type DefinitionHash [sha256.Size]byte

// String is the hash in lower-case hexadecimal.
func (h DefinitionHash) String() string { return hex.EncodeToString(h[:]) }

func hashOf(view *View) DefinitionHash {
	var text strings.Builder
	fmt.Fprintln(&text, "plumb view 1")
	for i, key := range view.Keys {
		fmt.Fprintf(&text, "key %+q %s", key.Name, key.Type)
		if column := view.KeyColumn(i); column != key.Name {
			fmt.Fprintf(&text, " %+q", column)
		}
		text.WriteByte('\n')
	}
	fmt.Fprintf(&text, "ttl %d\nsource\n", view.TTL.Microseconds())
	view.Source.describe(&text)
	if view.Source.Log != nil {
		fmt.Fprintf(&text, "log %+q\n", view.Source.Log.Path)
	}
	if view.Kind == Windows {
		view.describeAggregated(&text)
	} else {
		view.describeFeatures(&text)
	}
	for _, read := range view.Source.Reads() {
		fmt.Fprintf(&text, "reads %+q\n", read.Name)
		read.describe(&text)
	}
	return sha256.Sum256([]byte(text.String()))
}

func (v *View) describeFeatures(text *strings.Builder) {
	features := v.Features
	if !v.Source.IsQuery() {
		features = sortedBy(features, func(f Feature) string { return f.Name })
	}
	for _, feature := range features {
		fmt.Fprintf(text, "feature %+q %s %+q\n", feature.Name, feature.Type, feature.Column)
	}
}

func (s *Source) describe(text *strings.Builder) {
	switch kind := s.Kind.(type) {
	case Query:
		fmt.Fprintf(text, "sql %+q\n", kind.SQL)
		if kind.Spark != "" {
			fmt.Fprintf(text, "spark %+q\n", kind.Spark)
		}
	case Files:
		if kind.Iceberg != nil {
			text.WriteString(kind.Iceberg.describe(kind.Path))
			break
		}
		if kind.Delta != nil {
			text.WriteString(kind.Delta.describe(kind.Path))
			break
		}
		if pull := kind.Pull; pull != nil {
			fmt.Fprintf(text, "postgres %+q %+q %+q\n", kind.Path, pull.Connection, pull.Query)
			break
		}
		fmt.Fprintf(text, "%s %+q\n", kind.Format, kind.Path)
	}
	fmt.Fprintf(text, "event %+q\ncreated %+q\n", s.EventTimestamp, s.CreatedTimestamp)
}

// Reads returns the sources that a query may read, directly or not, ordered by name; none for files.
func (s *Source) Reads() []*Source {
	found := map[string]*Source{}
	s.collect(found)
	names := slices.Sorted(maps.Keys(found))
	read := make([]*Source, len(names))
	for i, name := range names {
		read[i] = found[name]
	}
	return read
}

func (s *Source) collect(found map[string]*Source) {
	query, _ := s.Query()
	for _, word := range QueryWords(query) {
		if sibling := s.Sibling(word); sibling != nil && found[word] == nil {
			found[word] = sibling
			sibling.collect(found)
		}
	}
}

// QueryWords returns what may be a source's name in a query. SQL ignores the case of names, which in definitions is
// lower.
func QueryWords(query string) []string {
	return strings.FieldsFunc(strings.ToLower(query), func(r rune) bool {
		return r != '_' && (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
}
