package spec

import (
	"strings"

	"github.com/plumbstore/plumb/compute/expression"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// readColumn is a label column that is read as a type, for a join key or for a request input.
type readColumn struct {
	name string
	as   plumbv1.Type
	// reader is what it is read for, such as risk:amount or risk.spend:card.
	reader string
}

// readable is what the expressions of an on-demand view may read.
type readable struct {
	inputs []expression.Input
	// reads has the label columns of each input.
	reads [][]readColumn
	// complete is false if there may be inputs that are not known, since something about them is wrong.
	complete bool
	// untyped are names of inputs and features without a type that is known. lacking are the views, by alias, that may
	// have features whose names are not known; the empty alias stands for names without one, and anyAlias for views whose
	// alias is not known.
	untyped, lacking map[string]bool
}

const anyAlias = "*"

func newReadable() *readable {
	return &readable{complete: true, untyped: map[string]bool{}, lacking: map[string]bool{}}
}

// lack says that a view may have features whose names are not known; see lacking.
func (r *readable) lack(alias string) { r.complete, r.lacking[alias] = false, true }

// lackType says that a name cannot be read, since something about what has it is wrong.
func (r *readable) lackType(name string) {
	r.complete = false
	if name == "" {
		r.lack("")
	} else {
		r.untyped[name] = true
	}
}

// mayBe says whether a name that is not among the inputs may be one of something that is wrong elsewhere.
func (r *readable) mayBe(name string) bool {
	alias, _, isOfView := strings.Cut(name, ".")
	if !isOfView {
		alias = ""
	}
	return r.untyped[name] || r.lacking[alias] || isOfView && r.lacking[anyAlias]
}

// add adds a request input, or with an alias a feature of a view.
func (r *readable) add(alias string, input expression.Input, columns []readColumn) {
	if input.Name == "" {
		r.lack(alias)
		return
	}
	if alias != "" {
		input.Name = alias + "." + input.Name
	}
	if input.Type == 0 {
		r.lackType(input.Name)
		return
	}
	r.inputs, r.reads = append(r.inputs, input), append(r.reads, columns)
}
