package document

import (
	"encoding/json"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// Operation is the document of an operation. Times are RFC 3339, and null before they have come. Result is the document
// that the command for the same work prints.
type Operation struct {
	ID        string             `json:"id"`
	Kind      string             `json:"kind"`
	State     string             `json:"state"`
	StartedBy string             `json:"started_by,omitempty"`
	CreatedAt *string            `json:"created_at"`
	StartedAt *string            `json:"started_at"`
	EndedAt   *string            `json:"ended_at"`
	Progress  *OperationProgress `json:"progress,omitempty"`
	Verdict   string             `json:"verdict,omitempty"`
	Result    json.RawMessage    `json:"result,omitempty"`
	Error     *OperationError    `json:"error,omitempty"`
}

// OperationProgress is how far an operation is. Total is 0 if it is not known.
type OperationProgress struct {
	Step  string `json:"step"`
	Rows  int64  `json:"rows"`
	Total int64  `json:"total"`
}

// OperationError is why an operation failed.
type OperationError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// NewOperation is the document of an operation.
func NewOperation(from *plumbv1.Operation) Operation {
	operation := Operation{
		ID: from.GetId(), Kind: from.GetKind().String(), State: from.GetState().String(), StartedBy: from.GetStartedBy(),
		CreatedAt: timeOrNil(from.GetCreatedMicros()), StartedAt: timeOrNil(from.GetStartedMicros()),
		EndedAt: timeOrNil(from.GetEndedMicros()), Result: rawOrNil(from.GetResult()),
	}
	if verdict := from.GetVerdict(); verdict != plumbv1.Operation_VERDICT_UNSPECIFIED {
		operation.Verdict = verdict.String()
	}
	if progress := from.GetProgress(); progress != nil {
		operation.Progress = &OperationProgress{progress.GetStep(), progress.GetRows(), progress.GetTotal()}
	}
	if failed := from.GetError(); failed != nil {
		operation.Error = &OperationError{failed.GetCode(), failed.GetMessage()}
	}
	return operation
}

// TrainingSet is the document of a training set in a few words. If there is a problem, nothing but the path is known.
type TrainingSet struct {
	Path           string   `json:"path"`
	Problem        string   `json:"problem,omitempty"`
	FeatureService string   `json:"feature_service,omitempty"`
	Features       []string `json:"features,omitempty"`
	Rows           int64    `json:"rows"`
	Columns        int64    `json:"columns"`
	Digest         string   `json:"digest,omitempty"`
	Revision       int64    `json:"revision,omitempty"`
	CreatedAt      *string  `json:"created_at"`
	// Manifest is there if one training set is asked for.
	Manifest json.RawMessage `json:"manifest,omitempty"`
}

// NewTrainingSet is the document of a training set, with its manifest unless that is empty.
func NewTrainingSet(from *plumbv1.TrainingSet, manifest string) TrainingSet {
	return TrainingSet{
		Path: from.GetPath(), Problem: from.GetProblem(), FeatureService: from.GetFeatureService(),
		Features: from.GetFeatures(), Rows: from.GetRows(), Columns: from.GetColumns(), Digest: from.GetDigest(),
		Revision: from.GetRevision(), CreatedAt: timeOrNil(from.GetCreatedMicros()), Manifest: rawOrNil(manifest),
	}
}

// timeOrNil is nil for 0, which stands for no time.
func timeOrNil(micros int64) *string {
	if micros == 0 {
		return nil
	}
	return new(value.FormatInstant(feature.Instant(micros)))
}

func rawOrNil(text string) json.RawMessage {
	if text == "" {
		return nil
	}
	return json.RawMessage(text)
}
