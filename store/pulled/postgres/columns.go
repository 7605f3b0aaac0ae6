package postgres

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/plumbstore/plumb/internal/fault"
)

// column is a column of the query.
type column struct {
	name string
	// typeName is what PostgreSQL calls the type, such as numeric(10,2).
	typeName string
	oid      uint32
	kind     kind
}

// wrapped puts a query into a statement, as a relation of this name.
const relation = "pulled"

func wrapped(query string) (before, statement string) {
	before = "SELECT * FROM (\n"
	return before, before + query + "\n) AS " + relation
}

// describe checks the query and finds its columns.
func (s *Snapshot) describe(ctx context.Context) error {
	s.source.Query = strings.TrimRight(s.source.Query, " \t\r\n;")
	alone, err := s.connection.Prepare(ctx, "", s.source.Query, nil)
	if err != nil {
		return s.explainQuery(ctx, err, 0)
	}
	if len(alone.ParamOIDs) > 0 {
		return s.refuse("has the parameter $%d, which nothing gives a value", len(alone.ParamOIDs))
	}
	if len(alone.Fields) == 0 {
		return s.refuse("returns no columns; it has to be one SELECT")
	}
	before, statement := wrapped(s.source.Query)
	described, err := s.connection.Prepare(ctx, "", statement, nil)
	if err != nil {
		return s.explainQuery(ctx, err, len([]rune(before)))
	}
	return s.setColumns(ctx, described.Fields)
}

func (s *Snapshot) setColumns(ctx context.Context, fields []pgconn.FieldDescription) error {
	var problems []string
	taken := map[string]string{}
	for i, field := range fields {
		typeName, err := s.typeName(ctx, field)
		if err != nil {
			return err
		}
		c := column{name: field.Name, typeName: typeName, oid: field.DataTypeOID}
		var ok bool
		c.kind, ok = kindOf(field.DataTypeOID, field.TypeModifier)
		folded := strings.ToLower(c.name)
		switch other, isTaken := taken[folded]; {
		case c.name == "" || c.name == "?column?":
			problems = append(problems, fmt.Sprintf("column %d has no name; give it one with AS", i+1))
		case isTaken:
			problems = append(problems, fmt.Sprintf("column %d is called %s, as another one is called %s; rename it with AS",
				i+1, c.name, other))
		case !ok:
			problems = append(problems, fmt.Sprintf("column %s is %s, which is not pulled as it is; %s", c.name, typeName,
				advice(c)))
		}
		taken[folded] = c.name
		s.columns = append(s.columns, c)
	}
	if problems != nil {
		return s.refuse("cannot be pulled: %s", strings.Join(problems, "; "))
	}
	return s.checkBy()
}

// typeName is what PostgreSQL calls the type of a column.
func (s *Snapshot) typeName(ctx context.Context, field pgconn.FieldDescription) (string, error) {
	rows, err := s.ask(ctx, "SELECT pg_catalog.format_type($1::oid, $2::integer)",
		strconv.FormatUint(uint64(field.DataTypeOID), 10), strconv.Itoa(int(field.TypeModifier)))
	if err != nil {
		return "", s.explain(ctx, err)
	}
	return string(rows[0][0]), nil
}

// advice says how to convert a column in the query.
func advice(c column) string {
	quoted := quote(c.name)
	if c.oid == oidNumeric {
		return fmt.Sprintf("give it a size of at most 38 digits, as in %s::numeric(18,4), or make it %[1]s::double precision",
			quoted)
	}
	if c.oid == oidNumericArray {
		return fmt.Sprintf("convert it, as in %s::double precision[]", quoted)
	}
	return fmt.Sprintf("convert it, as in %s::text", quoted)
}

// checkBy wants times in the column by which later pulls go on.
func (s *Snapshot) checkBy() error {
	if s.source.By == "" {
		return nil
	}
	var names []string
	for _, c := range s.columns {
		names = append(names, c.name)
		if c.name != s.source.By {
			continue
		}
		switch s.by = c.oid; c.oid {
		case oidTimestamp, oidTimestampTZ, oidDate:
			return nil
		}
		return s.refuse("has %s for column %s, by whose times later pulls go on; make it a timestamp or date", c.typeName,
			c.name)
	}
	text := ""
	if closest := fault.Closest(s.source.By, names); closest != "" {
		text = fmt.Sprintf("; did you mean %q?", closest)
	}
	return s.refuse("returns no column %q, by whose times later pulls go on%s", s.source.By, text)
}

// quote is a name in SQL. A name of a column has no NUL.
func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
