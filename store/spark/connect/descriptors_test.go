package connect_test

import (
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"unicode"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/plumbstore/plumb/store/spark/connect"
	"github.com/plumbstore/plumb/store/spark/sparktest"
)

// The messages of this package have the names, numbers and types of the definitions that pyspark comes with.
func TestMessagesAreThoseOfPyspark(t *testing.T) {
	service := describe(t)
	checked := map[reflect.Type]bool{}
	for _, method := range connect.Methods() {
		described := service.Methods().ByName(protoreflect.Name(method.Name))
		if described == nil {
			t.Errorf("there is no method %s", method.Name)
			continue
		}
		compare(t, checked, method.Request, described.Input())
		compare(t, checked, method.Response, described.Output())
	}
	if len(checked) < 40 {
		t.Errorf("%d messages were compared", len(checked))
	}
	interrupts := service.Methods().ByName("Interrupt").Input().Fields().ByName("interrupt_type").Enum().Values()
	if value := interrupts.ByNumber(connect.InterruptOperation); value.Name() != "INTERRUPT_TYPE_OPERATION_ID" {
		t.Errorf("the interrupt is %s", value.Name())
	}
	explain := service.Methods().ByName("AnalyzePlan").Input().Fields().ByName("explain").Message()
	modes := explain.Fields().ByName("explain_mode").Enum().Values()
	if value := modes.ByNumber(connect.ExplainExtended); value.Name() != "EXPLAIN_MODE_EXTENDED" {
		t.Errorf("the mode of explain is %s", value.Name())
	}
}

// describe returns the service as the installed pyspark has it.
func describe(t *testing.T) protoreflect.ServiceDescriptor {
	t.Helper()
	command := exec.Command(sparktest.Python(t), "testdata/descriptors.py")
	var stderr strings.Builder
	command.Stderr = &stderr
	output, err := command.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	var set descriptorpb.FileDescriptorSet
	if err := proto.Unmarshal(output, &set); err != nil {
		t.Fatal(err)
	}
	files, err := protodesc.NewFiles(&set)
	if err != nil {
		t.Fatal(err)
	}
	found, err := files.FindDescriptorByName(protoreflect.FullName(strings.Trim(connect.Service, "/")))
	if err != nil {
		t.Fatal(err)
	}
	return found.(protoreflect.ServiceDescriptor)
}

func compare(t *testing.T, checked map[reflect.Type]bool, message reflect.Type, with protoreflect.MessageDescriptor) {
	t.Helper()
	if checked[message] && message.NumField() > 0 {
		return
	}
	checked[message] = true
	for field := range message.Fields() {
		name := protoreflect.Name(snakeCase(field.Name))
		described := with.Fields().ByName(name)
		switch {
		case described == nil:
			t.Errorf("%s has no field %s", with.FullName(), name)
		case int(described.Number()) != connect.NumberOf(field):
			t.Errorf("%s has the number %d, not %d", described.FullName(), described.Number(), connect.NumberOf(field))
		case !sameType(field, described):
			t.Errorf("%s is a %s of cardinality %s, not %s", described.FullName(), described.Kind(),
				described.Cardinality(), field.Type)
		case described.Message() != nil:
			inner := field.Type.Elem()
			compare(t, checked, inner, described.Message())
		}
	}
}

// snakeCase is a name as Spark writes it: ClientObservedServerSideSessionID is client_observed_server_side_session_id.
func snakeCase(name string) string {
	name = strings.NewReplacer("IDs", "Ids", "ID", "Id", "SQL", "Sql", "NTZ", "Ntz").Replace(name)
	var snake strings.Builder
	for i, letter := range name {
		if unicode.IsUpper(letter) && i > 0 {
			snake.WriteByte('_')
		}
		snake.WriteRune(unicode.ToLower(letter))
	}
	return snake.String()
}

var kinds = map[reflect.Kind][]protoreflect.Kind{
	reflect.String: {protoreflect.StringKind}, reflect.Bool: {protoreflect.BoolKind},
	reflect.Int64: {protoreflect.Int64Kind}, reflect.Int32: {protoreflect.Int32Kind, protoreflect.EnumKind},
	reflect.Struct: {protoreflect.MessageKind},
}

func sameType(field reflect.StructField, described protoreflect.FieldDescriptor) bool {
	of := field.Type
	if of == reflect.TypeFor[[]byte]() {
		return described.Kind() == protoreflect.BytesKind && !described.IsList()
	}
	isList := of.Kind() == reflect.Slice
	if isList || of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	isEnum := strings.HasSuffix(field.Tag.Get("proto"), ",enum")
	for _, kind := range kinds[of.Kind()] {
		if described.Kind() == kind && described.IsList() == isList && isEnum == (kind == protoreflect.EnumKind) {
			return true
		}
	}
	return false
}
