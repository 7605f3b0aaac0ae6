package server

import (
	"encoding/binary"
	"sync"

	"github.com/plumbstore/plumb/audit/auditlog"
	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/telemetry"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/lookup"
)

// maxKept bounds the plans that are kept beside those of the services, so that requests of ever new feature lists
// cannot fill the memory.
const maxKept = 1000

// lookupPlan is a look-up made ready, and what counts its answers.
type lookupPlan struct {
	*lookup.Lookup
	served *telemetry.Served
	// logged is the layout of its answers in the audit log; nil if they are not logged.
	logged *auditlog.Layout
}

// servedRevision is the snapshot of a revision with its look-up plans.
//
// Services are planned when the revision is taken up, since they are what is asked for most and there are few of them.
// A list of features is planned when it is first asked for. Plans are not carried over to the next revision: any
// definition that they rest on may have changed.
type servedRevision struct {
	snapshot *feature.Snapshot
	metrics  *telemetry.Metrics
	// audit is nil if nothing is logged.
	audit *auditlog.Recorder
	// services are the plans of the services under their own output names. A service that cannot be served is absent.
	services map[string]*lookupPlan

	mu sync.Mutex
	// kept are the plans made for other selections, by selectionKey.
	kept map[string]*lookupPlan
}

func newServedRevision(snapshot *feature.Snapshot, metrics *telemetry.Metrics, audit *auditlog.Recorder,
) *servedRevision {
	e := &servedRevision{
		snapshot: snapshot, metrics: metrics, audit: audit,
		services: map[string]*lookupPlan{}, kept: map[string]*lookupPlan{},
	}
	for _, service := range snapshot.State.GetDefinitions().GetFeatureServices() {
		request := &plumbv1.GetOnlineFeaturesRequest{
			Selection: &plumbv1.GetOnlineFeaturesRequest_FeatureService{FeatureService: service.GetName()},
		}
		if lookup, err := e.plan(request); err == nil {
			e.services[service.GetName()] = lookup
		}
	}
	return e
}

// lookup returns the plan for the request's selection, ready-made if possible.
func (e *servedRevision) lookup(request *plumbv1.GetOnlineFeaturesRequest) (*lookupPlan, error) {
	if ready, ok := e.services[request.GetFeatureService()]; ok && !request.GetFullNames() {
		return ready, nil
	}
	key := selectionKey(request)
	e.mu.Lock()
	kept, ok := e.kept[string(key)]
	e.mu.Unlock()
	if ok {
		return kept, nil
	}
	made, err := e.plan(request)
	if err != nil {
		return nil, err
	}
	e.keep(string(key), made)
	return made, nil
}

func (e *servedRevision) keep(key string, lookup *lookupPlan) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.kept) >= maxKept {
		for first := range e.kept { // A map's iteration starts anywhere, so this is any of them.
			delete(e.kept, first)
			break
		}
	}
	e.kept[key] = lookup
}

func (e *servedRevision) plan(request *plumbv1.GetOnlineFeaturesRequest) (*lookupPlan, error) {
	selection, err := e.selection(request)
	if err != nil {
		return nil, err
	}
	prepared, err := lookup.New(selection)
	if err != nil {
		return nil, err
	}
	served := e.metrics.Served(request.GetFeatureService(), prepared)
	return &lookupPlan{prepared, served, e.layout(request, selection)}, nil
}

// layout lays out the audit log of a selection.
func (e *servedRevision) layout(request *plumbv1.GetOnlineFeaturesRequest, selection *feature.Selection,
) *auditlog.Layout {
	if e.audit == nil {
		return nil
	}
	return e.audit.Layout(auditlog.Selected{
		Project: e.snapshot.Project, Revision: e.snapshot.Revision, Service: request.GetFeatureService(),
		References: request.GetFeatures().GetReferences(), FullNames: request.GetFullNames(),
	}, selection)
}

func (e *servedRevision) selection(request *plumbv1.GetOnlineFeaturesRequest) (*feature.Selection, error) {
	if name, ok := request.GetSelection().(*plumbv1.GetOnlineFeaturesRequest_FeatureService); ok {
		return e.snapshot.SelectService(name.FeatureService, request.GetFullNames())
	}
	return e.snapshot.SelectFeatures(request.GetFeatures().GetReferences(), request.GetFullNames())
}

// selectionKey distinguishes selections: lengths precede texts, so no two lists run together.
func selectionKey(request *plumbv1.GetOnlineFeaturesRequest) []byte {
	key := make([]byte, 0, 256)
	key = append(key, 0)
	if request.GetFullNames() {
		key[0] = 1
	}
	if name, ok := request.GetSelection().(*plumbv1.GetOnlineFeaturesRequest_FeatureService); ok {
		return append(append(key, 's'), name.FeatureService...)
	}
	key = append(key, 'f')
	for _, reference := range request.GetFeatures().GetReferences() {
		key = binary.AppendUvarint(key, uint64(len(reference)))
		key = append(key, reference...)
	}
	return key
}
