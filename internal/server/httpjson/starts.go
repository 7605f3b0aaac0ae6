package httpjson

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// What values have to be.
const (
	aLabelFile  = "the path of a label file on the server"
	aColumn     = "the name of a column"
	aService    = "the name of a feature service"
	aSwitch     = "true or false"
	aSeed       = "a whole number from 0"
	aCount      = "a whole number from 1"
	theServices = "a list of names of feature services"
)

// start answers with the operation that a call starts. The body says what it is to do.
func start[Request proto.Message, Response interface{ GetOperation() *plumbv1.Operation }](a *api,
	read func(text []byte) (Request, error), call func(context.Context, Request) (Response, error),
) answer {
	return func(ctx context.Context, r *http.Request) (any, error) {
		text, err := jsonBody(r)
		if err != nil {
			return nil, err
		}
		request, err := read(text)
		if err == nil {
			err = a.Backend.Check(request)
		}
		if err != nil {
			return nil, err
		}
		return operationOf(call(ctx, request))
	}
}

func readVerification(text []byte) (*plumbv1.StartVerificationRequest, error) {
	request := &plumbv1.StartVerificationRequest{}
	return request, fields{
		"services":         into(&request.Services, theServices),
		"labels_file":      into(&request.LabelsFile, aLabelFile),
		"timestamp_column": into(&request.TimestampColumn, aColumn),
		"rows":             into(&request.Rows, aCount),
		"seed":             into(&request.Seed, aSeed),
	}.read(text)
}

func readPlanVerification(text []byte) (*plumbv1.StartPlanVerificationRequest, error) {
	request := &plumbv1.StartPlanVerificationRequest{}
	return request, fields{
		"files":    definitionFiles(&request.Files),
		"services": into(&request.Services, theServices),
		"rows":     into(&request.Rows, aCount),
		"seed":     into(&request.Seed, aSeed),
	}.read(text)
}

// definitionFiles returns a function that reads definition files.
func definitionFiles(target *[]*plumbv1.DefinitionFile) func(json.RawMessage) error {
	return func(value json.RawMessage) error {
		var texts []json.RawMessage
		err := into(&texts, `a list of objects such as {"path": "features/views.yaml", "text": "…"}`)(value)
		for i, text := range texts {
			file := &plumbv1.DefinitionFile{}
			if err := (fields{
				"path": into(&file.Path, "the name of a file"),
				"text": into(&file.Text, "a text"),
			}).read(text); err != nil {
				return fmt.Errorf("file %d: %w", i+1, err)
			}
			*target = append(*target, file)
		}
		return err
	}
}

func readAudit(text []byte) (*plumbv1.StartAuditRequest, error) {
	request := &plumbv1.StartAuditRequest{}
	return request, fields{
		"from":    instant(&request.From),
		"to":      instant(&request.To),
		"service": into(&request.Service, aService),
		"folder":  into(&request.Folder, "the path of a folder on the server"),
	}.read(text)
}

func readForesight(text []byte) (*plumbv1.StartForesightRequest, error) {
	request := &plumbv1.StartForesightRequest{}
	var (
		service  string
		features []string
	)
	err := fields{
		"feature_service":  into(&service, aService),
		"features":         into(&features, `a list of texts such as "view:feature" or "view:*"`),
		"full_names":       into(&request.FullNames, aSwitch),
		"labels_file":      into(&request.LabelsFile, aLabelFile),
		"timestamp_column": into(&request.TimestampColumn, aColumn),
	}.read(text)
	if err == nil {
		err = checkSelection(service, features)
	}
	if err != nil {
		return nil, err
	}
	request.Selection = &plumbv1.StartForesightRequest_FeatureService{FeatureService: service}
	if features != nil {
		list := &plumbv1.FeatureList{References: features}
		request.Selection = &plumbv1.StartForesightRequest_Features{Features: list}
	}
	return request, nil
}

func readTrainingSetVerification(text []byte) (*plumbv1.StartTrainingSetVerificationRequest, error) {
	request := &plumbv1.StartTrainingSetVerificationRequest{}
	return request, fields{
		"path":        into(&request.Path, "the path of a training set or its manifest on the server"),
		"labels_file": into(&request.LabelsFile, aLabelFile),
	}.read(text)
}

func readMaterialization(text []byte) (*plumbv1.StartMaterializationRequest, error) {
	request := &plumbv1.StartMaterializationRequest{}
	return request, fields{
		"views":           into(&request.Views, "a list of names of feature views"),
		"to":              instant(&request.To),
		"from":            instant(&request.From),
		"lookback":        duration(&request.Lookback),
		"full":            into(&request.Full, aSwitch),
		"max_failed_rows": into(&request.MaxFailedRows, "a whole number from 0"),
	}.read(text)
}

// instant returns a function that reads a time.
func instant(target **timestamppb.Timestamp) func(json.RawMessage) error {
	return func(value json.RawMessage) error {
		var text string
		if err := into(&text, `a time such as "2013-07-04T16:00:00Z"`)(value); err != nil {
			return err
		}
		at, ok := feature.ParseInstant(text)
		if !ok {
			return fmt.Errorf("%q is not a time; write it as 2013-07-04T16:00:00Z", text)
		}
		*target = timestamppb.New(at.Time())
		return nil
	}
}

// duration returns a function that reads a length of time.
func duration(target **durationpb.Duration) func(json.RawMessage) error {
	return func(value json.RawMessage) error {
		var text string
		if err := into(&text, `a length of time such as "2d"`)(value); err != nil {
			return err
		}
		length, err := feature.ParseDuration(text)
		if err != nil {
			return err
		}
		*target = durationpb.New(length)
		return nil
	}
}
