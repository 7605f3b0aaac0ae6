package feast

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"

	"github.com/plumbstore/plumb/internal/document"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/jsonobject"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// inBody begins the place of a mistake in the form of a body, such as body.entities.shop: something that FastAPI would
// have found. Other mistakes have the name of a column.
const inBody = "body"

const noVersions = "is true, but feature views have no versions; the registry has revisions"

// readLookup reads the body of a look-up. A member that is not known is left aside, as Feast leaves it: other versions
// of its clients send other ones.
func readLookup(text []byte) (*asked, error) {
	members, err := jsonobject.Read(text)
	if err != nil {
		return nil, fault.Inputf(inBody, "%v", err)
	}
	a, given, versions := &asked{}, false, false
	var mistakes []error
	for i, name := range members.Names {
		value := members.Values[i]
		switch name {
		case "feature_service":
			if !isNull(value) {
				mistakes = append(mistakes, into(name, value, &a.service, "the name of a feature service"))
			}
		case "features":
			mistakes = append(mistakes, into(name, value, &a.features, `a list of texts such as "view:feature"`))
		case "full_feature_names":
			mistakes = append(mistakes, into(name, value, &a.fullNames, "true or false"))
		case "include_feature_view_version_metadata":
			mistakes = append(mistakes, into(name, value, &versions, "true or false"))
			if versions {
				mistakes = append(mistakes, fault.Inputf(inBody+"."+name, noVersions))
			}
		case "entities":
			given = true
			a.columns, err = readEntities(value)
			mistakes = append(mistakes, err)
		}
	}
	if !given {
		mistakes = append(mistakes, fault.Inputf(inBody+".entities", `is missing; give {"join key": [value, …]}`))
	}
	return a, errors.Join(mistakes...)
}

func isNull(value json.RawMessage) bool { return bytes.Equal(value, []byte("null")) }

func into[T any](name string, value json.RawMessage, target *T, must string) error {
	if isNull(value) || json.Unmarshal(value, target) != nil {
		return fault.Inputf(inBody+"."+name, "must be %s", must)
	}
	return nil
}

func readEntities(text json.RawMessage) ([]column, error) {
	members, err := jsonobject.Read(text)
	if err != nil {
		return nil, fault.Inputf(inBody+".entities", "%v", err)
	}
	var columns []column
	var mistakes []error
	for i, name := range members.Names {
		var values []any
		if isNull(members.Values[i]) || jsonobject.Decode(members.Values[i], &values) != nil {
			mistakes = append(mistakes, fault.Inputf(inBody+".entities."+name,
				"must be a list of values, one for each row"))
			continue
		}
		columns = append(columns, column{name, len(values), func(row int, of *document.KeyColumn) (any, error) {
			return of.ParseJSON(whole(values[row], of.Type))
		}})
	}
	return columns, errors.Join(mistakes...)
}

// whole returns an integer for a number without a fraction that is written as a float: pandas makes floats of a column
// of integers with a null.
func whole(given any, declared plumbv1.Type) any {
	number, ok := given.(json.Number)
	if !ok || declared != plumbv1.Type_INT32 && declared != plumbv1.Type_INT64 {
		return given
	}
	if before, fraction, ok := strings.Cut(string(number), "."); ok && strings.Trim(fraction, "0") == "" {
		return json.Number(before)
	}
	return given
}
