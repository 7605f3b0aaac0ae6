package feast

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/jsonobject"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/push"
	"github.com/plumbstore/plumb/store/offline"
)

// createdColumn is what Feast's client calls the created time, whatever the source calls it.
const createdColumn = "created"

// frame are the rows of a push, by column.
type frame struct {
	names  []string
	values [][]any
}

func (f *frame) rows() int {
	if len(f.values) == 0 {
		return 0
	}
	return len(f.values[0])
}

// pushed is the body of either call that writes rows.
type pushed struct {
	// target is the name of a feature view or of a source.
	target, to string
	frame      frame
}

// readPushed reads a body whose target is a member of the given name. A member that is not known is left aside.
func readPushed(text []byte, target string) (*pushed, error) {
	members, err := jsonobject.Read(text)
	if err != nil {
		return nil, fault.Inputf(inBody, "%v", err)
	}
	p := &pushed{to: "online"}
	var mistakes []error
	for i, name := range members.Names {
		switch name {
		case target:
			mistakes = append(mistakes, into(name, members.Values[i], &p.target, "a name"))
		case "to":
			mistakes = append(mistakes, into(name, members.Values[i], &p.to, "online or online_and_offline"))
		case "df":
			mistakes = append(mistakes, p.frame.read(members.Values[i]))
		}
	}
	if p.target == "" {
		mistakes = append(mistakes, fault.Inputf(inBody+"."+target, "is missing; give a name"))
	}
	if err := errors.Join(mistakes...); err != nil {
		return nil, err
	}
	if p.frame.rows() == 0 {
		return nil, fault.Inputf(inBody+".df", `has no rows; give {"column": [value, …], …}`)
	}
	return p, nil
}

func (f *frame) read(text json.RawMessage) error {
	members, err := jsonobject.Read(text)
	if err != nil {
		return fault.Inputf(inBody+".df", "%v", err)
	}
	var mistakes []error
	for i, name := range members.Names {
		var values []any
		if isNull(members.Values[i]) || jsonobject.Decode(members.Values[i], &values) != nil {
			mistakes = append(mistakes, fault.Inputf(inBody+".df."+name, "must be a list of values, one for each row"))
			continue
		}
		f.names, f.values = append(f.names, name), append(f.values, values)
		if len(values) != f.rows() {
			mistakes = append(mistakes, fault.Inputf(inBody+".df."+name, "has %d values where %s has %d", len(values),
				f.names[0], f.rows()))
		}
	}
	return errors.Join(mistakes...)
}

// writeToOnlineStore writes rows of a view, which is how Feast's client pushes, too.
func (a *api) writeToOnlineStore(ctx context.Context, text []byte) ([]byte, error) {
	p, err := readPushed(text, "feature_view_name")
	if err != nil {
		return nil, err
	}
	snapshot, err := a.Backend.Snapshot()
	if err != nil {
		return nil, err
	}
	view, err := snapshot.View(p.target)
	if err != nil {
		return nil, err
	}
	return []byte("null"), a.pushTo(ctx, view, &p.frame)
}

// push writes rows of a source into each view that takes pushes of it.
func (a *api) push(ctx context.Context, text []byte) ([]byte, error) {
	p, err := readPushed(text, "push_source_name")
	if err != nil {
		return nil, err
	}
	snapshot, err := a.Backend.Snapshot()
	if err != nil {
		return nil, err
	}
	views := slices.DeleteFunc(snapshot.Views(), func(v *feature.View) bool {
		return v.Source.Name != p.target || !v.Online || push.Admit(v) != nil
	})
	if len(views) == 0 {
		return nil, &requestError{status: http.StatusUnprocessableEntity, class: pushSourceError,
			message: fmt.Sprintf("no feature view that takes pushes has a source %q", p.target)}
	}
	if err := checkMode(p.to, views); err != nil {
		return nil, err
	}
	for _, view := range views {
		if err := a.pushTo(ctx, view, p.frame.of(view, views)); err != nil {
			return nil, fmt.Errorf("feature view %q: %w", view.Name, err)
		}
	}
	return nil, nil
}

// checkMode refuses what a push does not do. A push is logged for joins whenever the source has a push log.
func checkMode(to string, views []*feature.View) error {
	switch to {
	case "online":
		return nil
	case "online_and_offline":
		for _, view := range views {
			if view.Source.Log == nil {
				return fault.Inputf("to", "is %s, but source %s has no push log, in which joins would find the rows; declare one, "+
					"or push to online", to, view.Source.Name)
			}
		}
		return nil
	}
	return fault.Inputf("to", "is %q; a push goes to online or to online_and_offline", to)
}

// of leaves out the columns that only others of the views have.
func (f *frame) of(view *feature.View, views []*feature.View) *frame {
	own := &frame{}
	for i, name := range f.names {
		has := func(v *feature.View) bool { return hasColumn(v, name) }
		if has(view) || !slices.ContainsFunc(views, has) {
			own.names, own.values = append(own.names, name), append(own.values, f.values[i])
		}
	}
	return own
}

func hasColumn(view *feature.View, name string) bool {
	return slices.ContainsFunc(view.Keys, func(f feature.Field) bool { return f.Name == name }) ||
		slices.ContainsFunc(view.Features, func(f feature.Feature) bool { return f.Name == name || f.Column == name })
}

// pushTo pushes all the rows or none. A row that is refused is an error: Feast's answer has no place for its reason.
func (a *api) pushTo(ctx context.Context, view *feature.View, rows *frame) error {
	objects, err := rows.objects(view)
	if err != nil {
		return err
	}
	response, err := a.Backend.PushRows(ctx, view.Name, objects, true)
	if err != nil {
		return err
	}
	var mistakes []error
	for _, refused := range response.GetRefused() {
		mistakes = append(mistakes, fault.Inputf(refused.GetField(), "%v", rowError(int(refused.GetRow()),
			errors.New(refused.GetReason()))))
	}
	return errors.Join(mistakes...)
}

// objects are the rows in the form in which Plumb takes them.
func (f *frame) objects(view *feature.View) (push.JSON, error) {
	types := typesOf(view)
	var names []string
	for i, name := range f.names {
		if name == createdColumn && !hasColumn(view, name) && name != view.Source.CreatedTimestamp {
			if name = offline.CreatedColumn; view.Source.CreatedTimestamp == "" && isEmpty(f.values[i]) {
				name = ""
			}
		}
		names = append(names, name)
	}
	objects := make(push.JSON, f.rows())
	for row := range objects {
		object := map[string]any{}
		for i, name := range names {
			if name == "" {
				continue
			}
			if _, ok := object[name]; ok {
				return nil, fault.Inputf(name, "is there beside %s, and both are the created time; keep one", createdColumn)
			}
			object[name] = adapted(f.values[i][row], types[name])
		}
		objects[row] = jsonOf(object)
	}
	return objects, nil
}

func isEmpty(values []any) bool {
	return !slices.ContainsFunc(values, func(v any) bool { return v != nil })
}

// typesOf are the types of a view's columns by all of their names.
func typesOf(view *feature.View) map[string]plumbv1.Type {
	types := map[string]plumbv1.Type{}
	for _, f := range view.Features {
		types[f.Column] = f.Type
	}
	for _, f := range view.Features {
		types[f.Name] = f.Type
	}
	for _, key := range view.Keys {
		types[key.Name] = key.Type
	}
	return types
}

// adapted brings what Feast's client writes to the form that Plumb reads: whole numbers written as floats, and instants
// as seconds since 1970. What fits neither stays as it is, and is refused there.
func adapted(given any, declared plumbv1.Type) any {
	if list, ok := given.([]any); ok {
		if element, isArray := value.ElementType(declared); isArray {
			all := make([]any, len(list))
			for i, each := range list {
				all[i] = adapted(each, element)
			}
			return all
		}
	}
	if number, ok := given.(json.Number); ok && declared == plumbv1.Type_TIMESTAMP {
		if whole, err := number.Int64(); err == nil {
			return value.FormatInstant(feature.InstantOf(time.Unix(whole, 0)))
		}
	}
	return whole(given, declared)
}
