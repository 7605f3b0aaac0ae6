package connect

import (
	"context"
	"fmt"
	"strings"
)

// Column is a column of a query's result.
type Column struct {
	Name string
	// Type is as SQL spells it, such as BIGINT, DECIMAL(20,0) or ARRAY<DOUBLE>. It is empty for types that no SQL source
	// can have.
	Type     string
	Nullable bool
}

// Schema returns the columns of a query without running it.
func (s *Session) Schema(ctx context.Context, query string) ([]Column, error) {
	reply, err := s.analyze(ctx, &analyzePlanRequest{Schema: &analyzeSchema{Plan: planOf(query)}})
	if err != nil {
		return nil, err
	}
	if reply.Schema == nil || reply.Schema.Schema == nil || reply.Schema.Schema.Struct == nil {
		return nil, s.damaged("it has no columns")
	}
	columns := make([]Column, 0, len(reply.Schema.Schema.Struct.Fields))
	for _, field := range reply.Schema.Schema.Struct.Fields {
		columns = append(columns, Column{Name: field.Name, Type: field.DataType.spelled(), Nullable: field.Nullable})
	}
	return columns, nil
}

// Explain returns how Spark would run a statement, without running it.
func (s *Session) Explain(ctx context.Context, query string) (string, error) {
	reply, err := s.analyze(ctx, &analyzePlanRequest{
		Explain: &analyzeExplain{Plan: planOf(query), ExplainMode: explainExtended}})
	if err != nil {
		return "", err
	}
	if reply.Explain == nil {
		return "", s.damaged("it has no plan")
	}
	return reply.Explain.ExplainString, nil
}

func planOf(sql string) *plan { return &plan{Root: &relation{SQL: &statement{Query: sql}}} }

func (s *Session) analyze(ctx context.Context, request *analyzePlanRequest) (*analyzePlanResponse, error) {
	request.SessionID, request.UserContext, request.ClientType = s.id, s.caller(), s.agent
	request.ClientObservedServerSideSessionID = s.observed
	var reply analyzePlanResponse
	// It may list many files, so it has no bound but the context's.
	err := s.connection.Invoke(s.outgoing(ctx), service+"AnalyzePlan", request, &reply)
	if err != nil {
		return nil, s.explain(ctx, err)
	}
	if reply.SessionID != s.id || reply.ServerSideSessionID != s.observed {
		return nil, s.damaged("it is of another session")
	}
	return &reply, nil
}

// spelled is a type in SQL, or empty if it has no name there.
func (t *dataType) spelled() string {
	if t == nil {
		return ""
	}
	for _, simple := range []struct {
		is   *struct{}
		name string
	}{
		{t.Null, "VOID"}, {t.Binary, "BINARY"}, {t.Boolean, "BOOLEAN"}, {t.Byte, "TINYINT"}, {t.Short, "SMALLINT"},
		{t.Integer, "INT"}, {t.Long, "BIGINT"}, {t.Float, "FLOAT"}, {t.Double, "DOUBLE"}, {t.String, "STRING"},
		{t.Date, "DATE"}, {t.Timestamp, "TIMESTAMP"}, {t.TimestampNTZ, "TIMESTAMP_NTZ"}, {t.Variant, "VARIANT"},
		{t.CalendarInterval, "INTERVAL"}, {t.YearMonthInterval, "INTERVAL YEAR TO MONTH"},
		{t.DayTimeInterval, "INTERVAL DAY TO SECOND"},
	} {
		if simple.is != nil {
			return simple.name
		}
	}
	switch {
	case t.Decimal != nil:
		return fmt.Sprintf("DECIMAL(%d,%d)", t.Decimal.Precision, t.Decimal.Scale)
	case t.Char != nil:
		return fmt.Sprintf("CHAR(%d)", t.Char.Length)
	case t.VarChar != nil:
		return fmt.Sprintf("VARCHAR(%d)", t.VarChar.Length)
	case t.Unparsed != nil:
		return t.Unparsed.DataTypeString
	case t.Array != nil:
		return "ARRAY<" + t.Array.ElementType.spelled() + ">"
	case t.Map != nil:
		return "MAP<" + t.Map.KeyType.spelled() + ", " + t.Map.ValueType.spelled() + ">"
	case t.Struct != nil:
		fields := make([]string, 0, len(t.Struct.Fields))
		for _, field := range t.Struct.Fields {
			fields = append(fields, "`"+strings.ReplaceAll(field.Name, "`", "``")+"`: "+field.DataType.spelled())
		}
		return "STRUCT<" + strings.Join(fields, ", ") + ">"
	}
	return ""
}
