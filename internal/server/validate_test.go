package server

import (
	"testing"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

func newValidating(t rapid.TB) *Server {
	validator, err := protovalidate.New()
	if err != nil {
		t.Fatal(err)
	}
	return &Server{validator: validator}
}

// Good and bad messages, some as no decoder makes them.
func TestALookUpKeepsTheRulesThatProtovalidateSaysItKeeps(t *testing.T) {
	s := newValidating(t)
	rapid.Check(t, func(t *rapid.T) {
		request := drawRequest(t)
		if rapid.Bool().Draw(t, "over the wire") {
			wire, err := proto.Marshal(request)
			if err != nil {
				return // Text that is not UTF-8 does not come.
			}
			request = new(plumbv1.GetOnlineFeaturesRequest)
			if err := proto.Unmarshal(wire, request); err != nil {
				t.Fatal(err)
			}
		}
		got, want := s.validate(request), s.validator.Validate(request)
		if diff := cmp.Diff(words(want), words(got)); diff != "" {
			t.Errorf("%v (-protovalidate +validate):\n%s", request, diff)
		}
	})
	if err := s.validate((*plumbv1.GetOnlineFeaturesRequest)(nil)); err == nil {
		t.Error("no message at all keeps the rules")
	}
}

func words(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func drawRequest(t *rapid.T) *plumbv1.GetOnlineFeaturesRequest {
	request := &plumbv1.GetOnlineFeaturesRequest{
		FullNames: rapid.Bool().Draw(t, "full names"), Provenance: rapid.Bool().Draw(t, "provenance"),
	}
	switch rapid.IntRange(0, 4).Draw(t, "selection") {
	case 0:
		name := rapid.String().Draw(t, "service")
		request.Selection = &plumbv1.GetOnlineFeaturesRequest_FeatureService{FeatureService: name}
	case 1:
		list := &plumbv1.FeatureList{References: rapid.SliceOf(rapid.String()).Draw(t, "references")}
		request.Selection = &plumbv1.GetOnlineFeaturesRequest_Features{Features: list}
	case 2:
		request.Selection = &plumbv1.GetOnlineFeaturesRequest_Features{}
	}
	for range rapid.IntRange(0, 3).Draw(t, "keys") {
		request.Keys = append(request.Keys, rapid.SampledFrom([]*plumbv1.KeyColumn{
			nil, {}, {Name: "a"}, {Name: "b", Values: &plumbv1.Values{}, Nulls: []byte{2}},
			{Values: &plumbv1.Values{Kind: &plumbv1.Values_Strings{Strings: &plumbv1.StringValues{Values: []string{"x", ""}}}}},
			{Values: &plumbv1.Values{Kind: &plumbv1.Values_Arrays{Arrays: &plumbv1.ArrayValues{Lengths: []uint32{9}}}}},
		}).Draw(t, "key"))
	}
	if rapid.Bool().Draw(t, "at") {
		request.At = &timestamppb.Timestamp{Seconds: rapid.Int64().Draw(t, "seconds"), Nanos: rapid.Int32().Draw(t, "nanos")}
	}
	return request
}

// A rule that is added to the schema has to be added to validate.
func TestTheSchemaHasOneRuleForLookUps(t *testing.T) {
	got := rulesOf((*plumbv1.GetOnlineFeaturesRequest)(nil).ProtoReflect().Descriptor(), map[protoreflect.FullName]bool{})
	if diff := cmp.Diff([]string{"plumb.v1.GetOnlineFeaturesRequest.selection: required:true"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// What the walk has to find in other messages, it finds.
	got = rulesOf((*plumbv1.PushRequest)(nil).ProtoReflect().Descriptor(), map[protoreflect.FullName]bool{})
	const push = "plumb.v1.PushRequest."
	want := []string{push + "view: string:{min_len:1}", push + "event_timestamps: required:true"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// rulesOf lists the rules of a message and of all messages within it.
func rulesOf(message protoreflect.MessageDescriptor, seen map[protoreflect.FullName]bool) (rules []string) {
	if seen[message.FullName()] {
		return nil
	}
	seen[message.FullName()] = true
	add := func(of protoreflect.Descriptor, extension protoreflect.ExtensionType) {
		if proto.HasExtension(of.Options(), extension) {
			rule := proto.GetExtension(of.Options(), extension).(proto.Message)
			rules = append(rules, string(of.FullName())+": "+ruleText(rule))
		}
	}
	add(message, validate.E_Message)
	for i := range message.Oneofs().Len() {
		add(message.Oneofs().Get(i), validate.E_Oneof)
	}
	for i := range message.Fields().Len() {
		field := message.Fields().Get(i)
		add(field, validate.E_Field)
		if field.Message() != nil {
			rules = append(rules, rulesOf(field.Message(), seen)...)
		}
	}
	return rules
}

// ruleText is a rule in text that does not vary; the spaces of prototext do.
func ruleText(rule proto.Message) string {
	text := ""
	rule.ProtoReflect().Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		text += string(field.Name()) + ":"
		if field.Message() != nil {
			text += "{" + ruleText(value.Message().Interface()) + "}"
		} else {
			text += value.String()
		}
		return true
	})
	return text
}

// BenchmarkValidate measures the check of a look-up of 100 rows.
func BenchmarkValidate(b *testing.B) {
	s := newValidating(b)
	request := &plumbv1.GetOnlineFeaturesRequest{
		Selection: &plumbv1.GetOnlineFeaturesRequest_FeatureService{FeatureService: "service"},
		Keys: []*plumbv1.KeyColumn{{Name: "user", Values: &plumbv1.Values{
			Kind: &plumbv1.Values_Int64S{Int64S: &plumbv1.Int64Values{Values: make([]int64, 100)}}}}},
	}
	for name, check := range map[string]func(proto.Message) error{
		"validate": s.validate, "protovalidate": func(m proto.Message) error { return s.validator.Validate(m) },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := check(request); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
