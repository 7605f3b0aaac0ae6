package httpjson

import (
	"context"
	"net/http"

	"github.com/plumbstore/plumb/internal/fault"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/push"
)

// pushReply is the reply of a push.
type pushReply struct {
	Written  int64     `json:"written"`
	Older    int64     `json:"older"`
	Refused  []refused `json:"refused"`
	Revision int64     `json:"revision"`
}

// refused is a row that was refused. Row counts from 0.
type refused struct {
	Row    int64  `json:"row"`
	Field  string `json:"field"`
	Reason string `json:"reason"`
}

func (a *api) push(ctx context.Context, r *http.Request) (any, error) {
	text, err := jsonBody(r)
	if err != nil {
		return nil, err
	}
	var (
		view   string
		rows   push.JSON
		atomic bool
	)
	err = fields{
		"view":   into(&view, "the name of a feature view"),
		"rows":   into(&rows, "a list of objects, one for each row"),
		"atomic": into(&atomic, "true or false"),
	}.read(text)
	switch {
	case err != nil:
		return nil, err
	case view == "":
		return nil, fault.Inputf("view", "is missing; give the name of a feature view")
	case len(rows) == 0:
		return nil, fault.Inputf("rows", "has no rows; give at least one")
	}
	response, err := a.Backend.PushRows(ctx, view, rows, atomic)
	if err != nil {
		return nil, err
	}
	return replyTo(response), nil
}

func replyTo(response *plumbv1.PushResponse) pushReply {
	reply := pushReply{
		Written: response.GetWritten(), Older: response.GetOlder(), Revision: response.GetRevision(), Refused: []refused{},
	}
	for _, row := range response.GetRefused() {
		reply.Refused = append(reply.Refused, refused{row.GetRow(), row.GetField(), row.GetReason()})
	}
	return reply
}
