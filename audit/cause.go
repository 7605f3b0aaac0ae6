package audit

import (
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/registry"
	"github.com/plumbstore/plumb/store/packed"
)

// Cause says why what was served is not what training sees.
type Cause string

// The causes, in the order in which evidence for them is looked for: the first that has any is reported.
const (
	// CreatedAfter is late data that nothing could have served: the row's created time is after the serving.
	CreatedAfter Cause = "created_after_serving"
	// Forgotten is the one difference that R17 allows: of a row that has been expired for longer than the retention the
	// store says NOT_FOUND, and the join EXPIRED (R13).
	Forgotten Cause = "retention"
	// ExpiredSince is a row that was visible at the instant which was asked for, and that the store had forgotten by its
	// own clock when it was asked.
	ExpiredSince Cause = "ttl"
	// StoreAhead is a question about the past: the store, which keeps a key's newest row, had one that is later than the
	// instant asked for.
	StoreAhead Cause = "asked_of_the_past"
	// DefinitionChanged is a row under another definition than the one that was served.
	DefinitionChanged Cause = "definition_changed"
	// NotMaterialized is a row of which no run that had ended by then covers the event time.
	NotMaterialized Cause = "not_materialized"
	// PushNotLogged is a pushed row that the sources do not have, or not yet.
	PushNotLogged Cause = "push_not_logged"
	// ArrivedLate is late data: the row came into the source after the run that covers its event time had read it.
	ArrivedLate Cause = "arrived_late"
	// SourceRewritten is a source file that is not the one which the run had read.
	SourceRewritten Cause = "source_rewritten"
	// Unexplained is a difference that no evidence explains: a bug.
	Unexplained Cause = "unexplained"
)

// Causes are all of them, in the order of precedence.
func Causes() []Cause {
	causes := make([]Cause, 0, len(rules)+1)
	for _, rule := range rules {
		causes = append(causes, rule.cause)
	}
	return append(causes, Unexplained)
}

// Title is how people read a cause.
func (c Cause) Title() string { return titles[c] }

var titles = map[Cause]string{
	CreatedAfter:      "late data: created after the serving",
	Forgotten:         "retention: forgotten after expiry",
	ExpiredSince:      "ttl: expired by the server's clock",
	StoreAhead:        "asked of the past: the store was ahead",
	DefinitionChanged: "definition changed between",
	NotMaterialized:   "not materialized yet",
	PushNotLogged:     "push not yet in the offline log",
	ArrivedLate:       "late data: arrived after its window's run",
	SourceRewritten:   "source rewritten since",
	Unexplained:       "unexplained",
}

// sighting is the row of a view that one side found for a key at an instant, and what it made of it.
type sighting struct {
	// there says that there is a row, visible or expired.
	there bool
	event feature.Instant
	// created is nil if it is null or the source has none.
	created *feature.Instant
	// file is the source file that the join's row comes from; empty if that is not known, as for a SQL source.
	file string
	// statuses are those of the outputs of the view.
	statuses []plumbv1.Status
}

// incident is one use of a view in one look-up of which the sides disagree.
type incident struct {
	// at is the instant that was asked for, servedAt what the server's clock said.
	at, servedAt   feature.Instant
	served, joined sighting
	// schema and origin are those of the row that was served.
	schema uint32
	origin packed.Origin
	// rows and row are where the log has it, values and valueRow the joined values.
	rows     *logged
	row      int
	values   []arrow.Array
	valueRow int
	// differing are the positions of the outputs that differ.
	differing []int
	// next is the event time of a row that the store had and that is later than at; nil if there was none. Of a view with
	// aggregations it is the instant through which the stored state is complete.
	next *feature.Instant
	// asKnown says that what was served is what the join as known gives.
	asKnown bool
}

// rule looks for the evidence of one cause, and returns it as a sentence; empty if there is none.
type rule struct {
	cause Cause
	holds func(*background, *incident) string
}

// rules are in the order of precedence. What no store could have known comes first, then what a store may forget, then
// what it was never given, and last what has changed since.
var rules = []rule{
	{CreatedAfter, createdAfter},
	{Forgotten, forgotten},
	{ExpiredSince, expiredSince},
	{StoreAhead, storeAhead},
	{DefinitionChanged, definitionChanged},
	{NotMaterialized, notMaterialized},
	{PushNotLogged, pushNotLogged},
	{ArrivedLate, arrivedLate},
	{SourceRewritten, sourceRewritten},
}

// decide returns the cause of an incident and its evidence.
func (b *background) decide(i *incident) (Cause, string) {
	for _, rule := range rules {
		if evidence := rule.holds(b, i); evidence != "" {
			return rule.cause, evidence
		}
	}
	return Unexplained, b.circumstances(i)
}

// behind says that the join's row is newer than what was served: the store lacked it.
func (i *incident) behind() bool {
	return i.joined.there && (!i.served.there || i.joined.newerThan(i.served))
}

// ahead says that the row that was served is newer than the join's: the sources lack it.
func (i *incident) ahead() bool {
	return i.served.there && (!i.joined.there || i.served.newerThan(i.joined))
}

// newerThan compares as R14 does.
func (s sighting) newerThan(other sighting) bool {
	if s.event != other.event {
		return s.event > other.event
	}
	return s.created != nil && (other.created == nil || *s.created > *other.created)
}

// visible says whether the row is seen, and not too old (R2).
func (s sighting) visible() bool { return s.there && !s.all(plumbv1.Status_EXPIRED) }

func (s sighting) all(status plumbv1.Status) bool {
	return !slices.ContainsFunc(s.statuses, func(each plumbv1.Status) bool { return each != status })
}

func createdAfter(b *background, i *incident) string {
	if b.isWindowed() {
		return i.countedLater()
	}
	if !i.behind() || i.joined.created == nil || *i.joined.created <= i.servedAt {
		return ""
	}
	return fmt.Sprintf("the row of %s was created at %s, and served was at %s", i.joined.event, *i.joined.created,
		i.servedAt)
}

// countedLater is createdAfter of a view with aggregations. If training as known is what was served, then all events
// that make the difference had not been created at the instant asked for. That says nothing of a serving after it.
func (i *incident) countedLater() string {
	if !i.asKnown || i.at < i.servedAt {
		return ""
	}
	return fmt.Sprintf("the events that had been created by %s give what was served, so that those which make the "+
		"difference were created after that", i.at)
}

func forgotten(b *background, i *incident) string {
	if i.served.there || !i.joined.there || !i.joined.all(plumbv1.Status_EXPIRED) {
		return ""
	}
	return b.mayBeForgotten(i)
}

func expiredSince(b *background, i *incident) string {
	if i.served.there || !i.joined.there || i.joined.all(plumbv1.Status_EXPIRED) {
		return ""
	}
	return b.mayBeForgotten(i)
}

func storeAhead(b *background, i *incident) string {
	if i.served.there || !i.joined.there || i.next == nil {
		return ""
	}
	if b.isWindowed() {
		return fmt.Sprintf("at %s the store had a state that is complete through %s, which tells nothing of the instant "+
			"asked for, %s", i.servedAt, *i.next, i.at)
	}
	return fmt.Sprintf("at %s the store had the row of %s, which is later than the instant asked for, %s", i.servedAt,
		*i.next, i.at)
}

func definitionChanged(b *background, i *incident) string {
	switch {
	case i.served.there && !i.behind() && i.schema != b.view.Schema().ID && i.lacks():
		return fmt.Sprintf("the row was written under the layout of revision %d, and the features are those of revision %d",
			i.schema, b.view.Schema().ID)
	case !i.behind():
		return ""
	}
	run := b.covering(i.joined.event, i.servedAt)
	if run == nil {
		if former := b.former(i.joined.event, i.servedAt); former != nil {
			return fmt.Sprintf("run %d had stored the row under generation %d; revision %d set its rows aside at %s, and no "+
				"run had stored them again by %s", former.ID, former.Generation, b.view.Generation, moment(b.since), i.servedAt)
		}
		return b.replaced(i)
	}
	if !i.served.there && b.view.Rebuild > b.view.Generation && run.StartedAt.Before(b.rebuilt) {
		return fmt.Sprintf("revision %d, applied at %s, has every row written again, and no run had done so by %s",
			b.view.Rebuild, moment(b.rebuilt), i.servedAt)
	}
	return ""
}

func notMaterialized(b *background, i *incident) string {
	if !i.behind() || b.covering(i.joined.event, i.servedAt) != nil || b.pushedTo(i) != nil {
		return ""
	}
	return fmt.Sprintf("the row of %s was in no window that had been materialized by %s; %s", i.joined.event, i.servedAt,
		b.reached(i.servedAt))
}

func pushNotLogged(b *background, i *incident) string {
	pushed, ok := i.origin.Pushed()
	if !ok || i.behind() || !i.served.there {
		return ""
	}
	switch {
	case b.view.Source.Log == nil:
		return fmt.Sprintf("the row was pushed at %s, and view %s has no push log", pushed, b.view.Name)
	case b.pending != nil && b.pending(pushed):
		return fmt.Sprintf("the row was pushed at %s, and a write-ahead file of that time is still open in %s", pushed,
			b.view.Source.Log.Path)
	}
	return ""
}

func arrivedLate(b *background, i *incident) string {
	if i.ahead() {
		return ""
	}
	if file := b.pushedTo(i); file != nil && file.Version.Written().After(i.servedAt.Time()) {
		return fmt.Sprintf("the row of %s was pushed, to %s, which was still written to after the serving at %s",
			i.joined.event, file.Name, i.servedAt)
	}
	run := b.reader(i)
	if run == nil {
		return ""
	}
	if i.behind() && i.joined.created != nil && *i.joined.created > feature.InstantOf(run.StartedAt) {
		return fmt.Sprintf("the row of %s was created at %s, after run %d had begun to read its window at %s", i.joined.event,
			*i.joined.created, run.ID, moment(run.StartedAt))
	}
	if sourceRewritten(b, i) != "" {
		return ""
	}
	if added := b.added(run, i); added != nil {
		return fmt.Sprintf("%s came after run %d, which had begun to read the window at %s", added.Name, run.ID,
			moment(run.StartedAt))
	}
	return ""
}

func sourceRewritten(b *background, i *incident) string {
	run := b.reader(i)
	if run == nil {
		return ""
	}
	file := ""
	if i.behind() {
		file = i.joined.file
	}
	changed := b.rewritten(run, file)
	if len(changed) == 0 {
		return ""
	}
	return fmt.Sprintf("%s since run %d read it at %s", changed[0], run.ID, moment(run.StartedAt))
}

// circumstances are what is known of an incident that nothing explains, to help find the bug.
func (b *background) circumstances(i *incident) string {
	run := b.reader(i)
	switch {
	case run == nil:
		return "no run is known that could have stored the row"
	case len(run.Inputs) == 0:
		return fmt.Sprintf("run %d should have stored the row; it recorded no source files, so whether these were rewritten "+
			"is not known", run.ID)
	case b.isWindowed():
		return fmt.Sprintf("run %d read the events from files that are unchanged; whether one of them came late for an "+
			"earlier run is not known", run.ID)
	}
	return fmt.Sprintf("run %d read the window from files that are unchanged", run.ID)
}

// lacks says whether a feature was NOT_FOUND in a row that was there: it was written without it.
func (i *incident) lacks() bool {
	return slices.Contains(i.served.statuses, plumbv1.Status_NOT_FOUND)
}

// reader is the run that read the row in question: the one that wrote what was served, or else the one that should have
// written what the join finds.
func (b *background) reader(i *incident) *registry.Run {
	if !i.behind() {
		if id, ok := i.origin.Run(); ok {
			return b.run(id)
		}
		if _, pushed := i.origin.Pushed(); pushed {
			return nil
		}
		return b.covering(i.served.event, i.servedAt)
	}
	return b.covering(i.joined.event, i.servedAt)
}
