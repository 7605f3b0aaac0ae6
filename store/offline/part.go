package offline

import "github.com/plumbstore/plumb/feature"

// Part is what one of several processes reads of a window, so that together they read it once: the rows of the entity
// keys of one shard. Rows that cannot be served are in one shard each too, so that the counts of all shards add up to
// those of the whole window.
//
// All rows of a key are in one shard. So what is the newest row of a key, or all events of it, is the same as without
// shards, whatever the shards are and in whichever order they are read.
type Part struct {
	// Shard is from 0 up to Shards-1.
	Shard, Shards int
	// Division is how keys are divided among shards; see Store.Division. An engine that divides them otherwise refuses.
	Division string
	// Inputs are those that the source is read from. Others that are there by now are left out. If one of them has
	// changed or is gone, the read fails with a *ChangedInputError.
	Inputs []feature.Input
}

// LabelShard is what one of several joins joins, so that together they join each label row once.
type LabelShard struct {
	// Window has the instants of its label rows: others count as not there (R5). A row keeps its place among the others.
	Window Window
	// Rows is the number of its label rows.
	Rows int64
	// Inputs are those that the sources are read from; Join.Divide returns those of its plan. Others that are there by now
	// are left out. If one of them has changed or is gone, PlanJoin fails with a *ChangedInputError.
	Inputs []feature.Input
}

// ChangedInputError says that an input is not as it was when the shards of a run were made, so that they would not be
// shards of one content.
type ChangedInputError struct{ Input, Why string }

func (e *ChangedInputError) Error() string {
	return "input " + e.Input + " " + e.Why + ": the shards of a run have to read the same; put it back as it was, " +
		"or give the run up and divide another"
}

// CheckInputs compares the inputs of a part with what was found of them. What is found beyond them was left out. It
// returns a *ChangedInputError.
func CheckInputs(pinned, found []feature.Input) error {
	type name struct{ source, name string }
	versions := map[name]feature.Version{}
	for _, input := range found {
		versions[name{input.Source, input.Name}] = input.Version
	}
	for _, input := range pinned {
		switch version, ok := versions[name{input.Source, input.Name}]; {
		case !ok:
			return &ChangedInputError{Input: input.Name, Why: "is not there any more"}
		case !isSame(input.Version, version):
			return &ChangedInputError{Input: input.Name, Why: "has changed since the run was divided"}
		}
	}
	return nil
}

// isSame compares two versions of an input. A file without a Parquet footer is the same only if it was not modified
// since, since its size says little; others may be copies.
func isSame(a, b feature.Version) bool {
	if a.ID() != b.ID() {
		return false
	}
	file, ok := a.(feature.FileVersion)
	return !ok || file.Footer != "" || a.Written().Equal(b.Written())
}
