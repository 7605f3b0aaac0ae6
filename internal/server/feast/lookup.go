package feast

import (
	"context"
	"errors"

	"github.com/plumbstore/plumb/internal/document"
	"github.com/plumbstore/plumb/internal/fault"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// asked is a look-up as clients of Feast ask for it, in either protocol.
type asked struct {
	// service is preferred to features, as Feast does.
	service   string
	features  []string
	fullNames bool
	columns   []column
}

// column is a column of entities or request inputs; which of them it is, and of which type, the selection says.
type column struct {
	name string
	rows int
	// value brings the value of a row to the type of a column, exactly (R9). A null is nil.
	value func(row int, of *document.KeyColumn) (any, error)
}

// answer is the answer to a look-up. It has so many rows, except that the columns have one row for all of them if the
// features have no keys (R12).
type answer struct {
	rows    int
	keys    []*document.KeyColumn
	columns []*plumbv1.FeatureColumn
}

// lookUp answers a look-up. Every mistake is told at once.
func (a *api) lookUp(ctx context.Context, asked *asked) (*answer, error) {
	request := &plumbv1.GetOnlineFeaturesRequest{
		Selection: &plumbv1.GetOnlineFeaturesRequest_FeatureService{FeatureService: asked.service},
		FullNames: asked.fullNames, EventTimestamps: true,
	}
	switch {
	case asked.service != "":
	case len(asked.features) > 0:
		list := &plumbv1.FeatureList{References: asked.features}
		request.Selection = &plumbv1.GetOnlineFeaturesRequest_Features{Features: list}
	default:
		return nil, fault.Inputf("features", "is missing; give a list of view:feature, or feature_service")
	}
	fields, inputs, err := a.Backend.Columns(request)
	if err != nil {
		return nil, named(err)
	}
	keys := document.NewKeys(fields, inputs)
	found := &answer{rows: 1}
	if found.keys, err = asked.fill(keys); err != nil {
		return nil, err
	}
	if len(asked.columns) > 0 {
		found.rows = asked.columns[0].rows
	}
	request.Keys, request.Inputs = keys.Wire(), keys.WireInputs()
	reply, err := a.Backend.LookUp(ctx, request)
	if err != nil {
		return nil, err
	}
	defer reply.Release()
	message, err := reply.Message()
	found.columns = message.GetColumns()
	return found, err
}

// fill gives the columns of a selection their values. It returns those of keys in the order in which the request has
// them. A column that the selection does not have is left aside, as Feast leaves it.
func (a *asked) fill(keys *document.Keys) (ordered []*document.KeyColumn, err error) {
	var mistakes []error
	given := map[*document.KeyColumn]bool{}
	for _, from := range a.columns {
		if first := a.columns[0]; from.rows != first.rows {
			mistakes = append(mistakes, fault.Inputf(from.name, "has %d values where %s has %d", from.rows,
				first.name, first.rows))
		}
		of, err := keys.Column(from.name)
		if err != nil {
			continue
		}
		if given[of] { // Over gRPC, once among the entities and once in the context.
			mistakes = append(mistakes, fault.Inputf(from.name, "is given twice"))
			continue
		}
		given[of] = true
		if !of.IsInput {
			ordered = append(ordered, of)
		}
		if err := from.fill(of); err != nil {
			mistakes = append(mistakes, fault.Inputf(from.name, "%v", err))
		}
	}
	for _, of := range keys.All() {
		if !given[of] {
			mistakes = append(mistakes, fault.Inputf(of.Name, "is missing; give a list of %s", of.Type))
		}
	}
	return ordered, errors.Join(mistakes...)
}

func (c column) fill(of *document.KeyColumn) error {
	if c.rows == 0 {
		return errors.New("has no rows; give at least one")
	}
	for row := range c.rows {
		parsed, err := c.value(row, of)
		if err != nil {
			return rowError(row, err)
		}
		of.Values = append(of.Values, parsed)
	}
	return nil
}
