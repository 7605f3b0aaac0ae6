package plan

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/plumbstore/plumb/internal/printable"
)

// WriteText writes the plan for people: a line for each change, with what alters and its hazards below.
func (p *Plan) WriteText(text *printable.Writer) error {
	if p.Empty() {
		text.Printf("Nothing to change: project %s is as registered in revision %d.\n", p.Project, p.Base)
	} else {
		text.Printf("Project %s, revision %d -> %d:\n\n", p.Project, p.Base, p.Base+1)
		for _, change := range p.Changes {
			writeChange(text, change)
		}
		text.Printf("\n%s.\n", p.totals())
	}
	return text.Err()
}

func writeChange(text *printable.Writer, change Change) {
	description := change.Describe()
	text.Printf("%s %s %s\n", sign(description.Action), description.Kind, description.Name)
	for _, difference := range description.Differences {
		text.Printf("    %s\n", difference)
	}
	for _, output := range description.Outputs {
		text.Printf("    %s\n", output)
	}
	for _, hazard := range change.Hazards() {
		text.Printf("    ! %s\n", hazard)
	}
}

// sign is what a line begins with, as in a diff: + for what is added, - for what is removed, ~ for what is altered.
func sign(action Action) string {
	switch action {
	case Add:
		return "+"
	case Remove:
		return "-"
	}
	return "~"
}

// totals counts, such as "1 to add, 2 to alter, 0 to remove, 1 hazard".
func (p *Plan) totals() string {
	counts := map[Action]int{}
	for _, change := range p.Changes {
		counts[change.Describe().Action]++
	}
	hazards := fmt.Sprintf("%d hazards", len(p.Hazards()))
	if len(p.Hazards()) == 1 {
		hazards = "1 hazard"
	}
	return fmt.Sprintf("%d to add, %d to alter, %d to remove, %s", counts[Add], counts[Alter], counts[Remove], hazards)
}

// MarshalJSON renders the plan for programs: {"project", "base", "changes": [{"action", "kind", "name", "differences":
// [{"field", "from", "to"}], "outputs": [{"name", "type", "computes", "window", "hop", "longest", "offset"}],
// "hazards": [{"code", "message"}]}]}. Differences, outputs and hazards are left out if there are none, and so is what
// an output does not have.
func (p *Plan) MarshalJSON() ([]byte, error) {
	var document bytes.Buffer
	encoder := json.NewEncoder(&document)
	encoder.SetEscapeHTML(false) // queries are full of < and >
	err := encoder.Encode(struct {
		Project string   `json:"project"`
		Base    int64    `json:"base"`
		Changes []Detail `json:"changes"`
	}{p.Project, p.Base, p.Details()})
	return document.Bytes(), err
}
