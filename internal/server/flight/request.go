package flight

import (
	"cmp"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/flight"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/plumbstore/plumb/internal/fault"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/offline"
)

const defaultTimestampColumn = "event_timestamp"

// command reads the request of a descriptor.
func (s *Service) command(descriptor *flight.FlightDescriptor) (*plumbv1.HistoricalRequest, error) {
	if descriptor.GetType() != flight.DescriptorCMD {
		return nil, fault.Inputf("", `the descriptor has no command; give one such as {"featureService": "NAME"}`)
	}
	return s.request("the command", descriptor.GetCmd())
}

// request reads a request, which messages call what.
func (s *Service) request(what string, text []byte) (*plumbv1.HistoricalRequest, error) {
	request := &plumbv1.HistoricalRequest{}
	if err := unknownFields(what, text, request.ProtoReflect().Descriptor().Fields()); err != nil {
		return nil, err
	}
	if err := protojson.Unmarshal(text, request); err != nil {
		return nil, fault.Inputf("", "%s is no plumb.v1.HistoricalRequest in JSON: %s", what, protojsonText(err))
	}
	return request, s.config.Validator.Validate(request)
}

// unknownFields names every field of a JSON object that the message does not have. protojson would stop at the first,
// and suggest nothing.
func unknownFields(what string, text []byte, fields protoreflect.FieldDescriptors) error {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(text, &object); err != nil || object == nil {
		return fault.Inputf("", `%s is not a JSON object; give one such as {"featureService": "NAME"}`, what)
	}
	known := make([]string, fields.Len())
	for i := range known {
		known[i] = fields.Get(i).JSONName()
	}
	var mistakes []error
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if slices.Contains(known, name) || fields.ByTextName(name) != nil {
			continue
		}
		hint := "it has " + strings.Join(known, ", ")
		if closest := fault.Closest(name, known); closest != "" {
			hint = `did you mean "` + closest + `"?`
		}
		mistakes = append(mistakes, fault.Inputf("", "%s has no field %q; %s", what, name, hint))
	}
	return errors.Join(mistakes...)
}

// protojsonText is the message without the prefix, which protobuf writes with one of two spaces at random.
func protojsonText(err error) string {
	text := strings.ReplaceAll(err.Error(), "\u00a0", " ")
	return strings.TrimPrefix(text, "proto: ")
}

// plan selects the features from the newest revision. That is the revision at the start of the call: what is applied
// while label rows come in does not change the join.
func (s *Service) plan(request *plumbv1.HistoricalRequest) (job, error) {
	planned := job{service: request.GetFeatureService(), JoinRequest: offline.JoinRequest{
		TimestampColumn: cmp.Or(request.GetTimestampColumn(), defaultTimestampColumn),
		Statuses:        request.GetStatuses(),
		EventTimestamps: request.GetEventTimestamps(),
		AsKnown:         request.GetAsKnown(),
		Provenance:      request.GetProvenance(),
	}}
	snapshot, err := s.config.Snapshot()
	if err != nil {
		return planned, err
	}
	if name, ok := request.GetSelection().(*plumbv1.HistoricalRequest_FeatureService); ok {
		planned.Selection, err = snapshot.SelectService(name.FeatureService, request.GetFullNames())
	} else {
		planned.Selection, err = snapshot.SelectFeatures(request.GetFeatures().GetReferences(), request.GetFullNames())
	}
	if err != nil {
		return planned, err
	}
	planned.manifest, err = s.manifest(request, snapshot, planned.JoinRequest)
	return planned, err
}

// planFile is plan for label rows in a file on the server.
func (s *Service) planFile(request *plumbv1.HistoricalRequest) (job, error) {
	name := request.GetLabelsFile()
	if name == "" {
		return job{}, fault.Inputf("labels_file", "is missing; name a label file on the server, or send "+
			"the label rows with DoExchange")
	}
	planned, err := s.plan(request)
	if err != nil {
		return planned, err
	}
	planned.LabelsName = "label file " + name
	if planned.Labels, err = s.config.Engine.Locate(name); err != nil {
		return planned, inField("labels_file", err)
	}
	return planned, planned.manifest.of(planned.Labels)
}

// inField names the field that an input error is about.
func inField(field string, err error) error {
	if input, ok := errors.AsType[*fault.InputError](err); ok {
		return fault.Inputf(field, "%s", input.Message)
	}
	return err
}
