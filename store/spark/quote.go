package spark

import (
	"fmt"
	"strings"
)

// identifier is a name in Spark's SQL.
func identifier(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

// literal is a text in Spark's SQL, in which a backslash begins an escape.
func literal(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text) + "'"
}

// numbered are the names prefix0, prefix1 and so on.
func numbered(prefix string, count int) []string {
	names := make([]string, count)
	for i := range names {
		names[i] = fmt.Sprintf("%s%d", prefix, i)
	}
	return names
}

// each repeats a pattern for each name, which takes the place of $.
func each(names []string, pattern string) string {
	var text strings.Builder
	for _, name := range names {
		text.WriteString(strings.ReplaceAll(pattern, "$", name))
	}
	return text.String()
}

// escaped is a path that is no pattern, for a place where Spark reads patterns.
func escaped(path string) string {
	var text strings.Builder
	for _, letter := range path {
		if strings.ContainsRune(`\{}[]*?,`, letter) {
			text.WriteByte('\\')
		}
		text.WriteRune(letter)
	}
	return text.String()
}

// parquetFiles is the FROM item of Parquet files, whose paths are absolute. Without the scheme, Spark would look for
// them where it is configured to.
func parquetFiles(paths []string) string {
	if len(paths) == 1 {
		path := paths[0]
		if strings.ContainsAny(path, `\{}[]*?`) {
			path = escaped(path)
		}
		return "parquet." + identifier("file://"+path)
	}
	names := make([]string, len(paths))
	for i, path := range paths {
		names[i] = escaped(strings.TrimPrefix(path, "/"))
	}
	// A path that begins with a brace would count as relative.
	return "parquet." + identifier("file:///{"+strings.Join(names, ",")+"}")
}
