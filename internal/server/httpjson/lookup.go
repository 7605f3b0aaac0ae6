package httpjson

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/document"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/jsonobject"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/lookup"
)

// lookUp is the body of a look-up. Keys and inputs stay as they were written until the selection says of which types
// they are.
type lookUp struct {
	service         string
	features        []string
	keys, inputs    jsonobject.Object
	fullNames       bool
	eventTimestamps bool
	provenance      bool
	at              string
}

func (a *api) onlineFeatures(ctx context.Context, r *http.Request) (any, error) {
	text, err := body(r)
	if err != nil {
		return nil, err
	}
	asked, request, err := parseLookUp(text)
	if err != nil {
		return nil, err
	}
	fields, inputs, err := a.Backend.Columns(request)
	if err != nil {
		return nil, err
	}
	keys, err := asked.columns(document.NewKeys(fields, inputs))
	if err != nil {
		return nil, err
	}
	request.Keys, request.Inputs = keys.Wire(), keys.WireInputs()
	reply, err := a.Backend.LookUp(ctx, request)
	if err != nil {
		return nil, err
	}
	defer reply.Release()
	return a.rows(keys, reply)
}

func parseLookUp(text []byte) (*lookUp, *plumbv1.GetOnlineFeaturesRequest, error) {
	asked := &lookUp{eventTimestamps: true}
	var other string
	err := fields{
		"feature_service":  into(&asked.service, "the name of a feature service"),
		"service":          into(&other, "the name of a feature service"),
		"features":         into(&asked.features, `a list of texts such as "view:feature" or "view:*"`),
		"keys":             columnsInto(&asked.keys),
		"inputs":           columnsInto(&asked.inputs),
		"full_names":       into(&asked.fullNames, "true or false"),
		"event_timestamps": into(&asked.eventTimestamps, "true or false"),
		"provenance":       into(&asked.provenance, "true or false"),
		"at":               into(&asked.at, "a time such as \"2013-07-04T16:00:00Z\""),
	}.read(text)
	if err != nil {
		return nil, nil, err
	}
	if other != "" && asked.service != "" {
		return nil, nil, fault.Inputf("service", "is another name of feature_service; give one of them")
	}
	asked.service += other
	request, err := asked.request()
	return asked, request, err
}

// columnsInto reads columns as they are; their types are known once the selection is.
func columnsInto(columns *jsonobject.Object) func(json.RawMessage) error {
	return func(value json.RawMessage) error {
		var err error
		if *columns, err = jsonobject.Read(value); err != nil {
			return fmt.Errorf("%w; write {\"column\": [value, …], …}", err)
		}
		return nil
	}
}

// request is the request without its keys.
func (l *lookUp) request() (*plumbv1.GetOnlineFeaturesRequest, error) {
	request := &plumbv1.GetOnlineFeaturesRequest{FullNames: l.fullNames, EventTimestamps: l.eventTimestamps,
		Provenance: l.provenance}
	if err := checkSelection(l.service, l.features); err != nil {
		return nil, err
	}
	request.Selection = &plumbv1.GetOnlineFeaturesRequest_FeatureService{FeatureService: l.service}
	if l.features != nil {
		list := &plumbv1.FeatureList{References: l.features}
		request.Selection = &plumbv1.GetOnlineFeaturesRequest_Features{Features: list}
	}
	if l.at != "" {
		at, ok := feature.ParseInstant(l.at)
		if !ok {
			return nil, fault.Inputf("at", "%q is not a time; write it as 2013-07-04T16:00:00Z", l.at)
		}
		request.At = timestamppb.New(at.Time())
	}
	return request, nil
}

// checkSelection requires either a feature service or features.
func checkSelection(service string, features []string) error {
	switch {
	case service != "" && features != nil:
		return fault.Inputf("features", "and feature_service exclude each other; give one of them")
	case service == "" && features == nil:
		return fault.Inputf("feature_service", "is missing; give the name of one, or features")
	}
	return nil
}

// columns brings keys and inputs to the types of the columns, exactly (R9). It reports every mistake at once.
func (l *lookUp) columns(keys *document.Keys) (*document.Keys, error) {
	// A column that is given is here, and false if its values are wrong: how many it has is not known then.
	given := map[*document.KeyColumn]bool{}
	mistakes := slices.Concat(addColumns(keys, keys.Columns, l.keys, "keys", given),
		addColumns(keys, keys.Inputs, l.inputs, "inputs", given))
	var first *document.KeyColumn
	for _, column := range keys.All() {
		isRight, isGiven := given[column]
		switch {
		case !isGiven:
			mistakes = append(mistakes, fault.Inputf(pathOf(column), "is missing; give a list of %s", column.Type))
		case !isRight:
		case first == nil:
			first = column
		case len(column.Values) != len(first.Values):
			mistakes = append(mistakes, fault.Inputf(pathOf(column), "has %d values where %s has %d", len(column.Values),
				first.Name, len(first.Values)))
		}
	}
	return keys, errors.Join(mistakes...)
}

// pathOf is the member of the body that a column is in.
func pathOf(column *document.KeyColumn) string {
	if column.IsInput {
		return "inputs." + column.Name
	}
	return "keys." + column.Name
}

// addColumns takes the columns that a member of the body has, and notes which are given and right.
func addColumns(keys *document.Keys, known []*document.KeyColumn, members jsonobject.Object, member string,
	given map[*document.KeyColumn]bool,
) []error {
	var mistakes []error
	for i, name := range members.Names {
		column, err := keys.Column(name)
		if err == nil && !slices.Contains(known, column) {
			err = fmt.Errorf("is given as %s", pathOf(column))
		}
		if err == nil {
			err = addValues(column, members.Values[i])
			given[column] = err == nil
		}
		if err != nil {
			mistakes = append(mistakes, fault.Inputf(member+"."+name, "%v", err))
		}
	}
	return mistakes
}

func addValues(column *document.KeyColumn, text json.RawMessage) error {
	var values []any
	if bytes.Equal(text, []byte("null")) || jsonobject.Decode(text, &values) != nil {
		return fmt.Errorf("must be a list of %s, one for each row", column.Type)
	}
	if len(values) == 0 {
		return errors.New("has no rows; give at least one")
	}
	for i, value := range values {
		parsed, err := column.ParseJSON(value)
		if err != nil {
			return fmt.Errorf("row %d: %w", i+1, err)
		}
		column.Values = append(column.Values, parsed)
	}
	return nil
}

// rows writes the rows one by one, so that a reply that is too large is found before all of it is there.
func (a *api) rows(keys *document.Keys, reply *lookup.Reply) (any, error) {
	answer, rows := newText(), document.NewRows(keys, reply)
	text := answer.bytes
	text = append(text, `{"rows":[`...)
	for i := range rows.Len() {
		if i > 0 {
			text = append(text, ',')
		}
		var err error
		if text, err = rows.Append(text, i); err != nil {
			return nil, err
		}
		if len(text) > a.MaxReply {
			return nil, fault.Inputf("keys", "make a reply of more than %d bytes; ask for fewer rows or features at once",
				a.MaxReply)
		}
	}
	answer.bytes = fmt.Appendf(text, "],\"revision\":%d}\n", reply.Revision())
	return answer, nil
}
