package connect

import (
	"errors"
	"reflect"
	"time"
)

// ExecuteResponse is a response of a statement.
type ExecuteResponse = executePlanResponse

// Edit changes a response.
func Edit(message []byte, edit func(*ExecuteResponse)) ([]byte, error) {
	var response ExecuteResponse
	if err := (codec{}).Unmarshal(message, &response); err != nil {
		return nil, err
	}
	edit(&response)
	return codec{}.Marshal(&response)
}

// Read reads a message as the response of a statement and as that of an analysis, and returns the latter's type.
func Read(message []byte) (spelled string, err error) {
	var analyzed analyzePlanResponse
	err = errors.Join((codec{}).Unmarshal(message, &executePlanResponse{}), codec{}.Unmarshal(message, &analyzed))
	if analyzed.Schema == nil {
		return "", err
	}
	return analyzed.Schema.Schema.spelled(), err
}

// SampleSchema is an analysis with a type of each kind.
func SampleSchema() []byte {
	none := &struct{}{}
	inner := &dataType{Struct: &structType{Fields: []structField{{Name: "a", DataType: &dataType{Long: none}}}}}
	list := &dataType{Array: &arrayType{ElementType: inner}}
	message, _ := codec{}.Marshal(&analyzePlanResponse{SessionID: "s", Schema: &analyzedSchema{Schema: &dataType{
		Struct: &structType{Fields: []structField{{Name: "l", DataType: list, Nullable: true},
			{Name: "m", DataType: &dataType{Map: &mapType{KeyType: &dataType{String: none}, ValueType: list}}},
			{Name: "d", DataType: &dataType{Decimal: &decimalType{Precision: 20, Scale: 3}}}}}}}})
	return message
}

// SampleResponse is a response with rows and progress.
func SampleResponse() []byte {
	offset := int64(5)
	message, _ := codec{}.Marshal(&executePlanResponse{SessionID: "s", OperationID: "o", ResponseID: "r",
		ServerSideSessionID: "v", ArrowBatch: &arrowBatch{RowCount: 3, Data: []byte("rows"), StartOffset: &offset},
		ExecutionProgress: &executionProgress{Stages: []stageInfo{{NumTasks: 3, NumCompletedTasks: 1, InputBytesRead: 9},
			{Done: true}}, NumInflightTasks: 2}})
	return message
}

// SampleProgress is that of SampleResponse.
func SampleProgress() Progress {
	var response executePlanResponse
	_ = codec{}.Unmarshal(SampleResponse(), &response)
	return response.ExecutionProgress.sum()
}

// SetSilence is how long a server may be silent before it is asked whether it is there.
func (s *Session) SetSilence(silence time.Duration) { s.silence = silence }

// WithLimit bounds messages to so many bytes.
func (c Config) WithLimit(bytes int) Config {
	c.limit = bytes
	return c
}

// Method is a method of the service, with its request and its response.
type Method struct {
	Name              string
	Request, Response reflect.Type
}

// Methods are those that are called.
func Methods() []Method {
	of := func(name string, request, response any) Method {
		return Method{name, reflect.TypeOf(request), reflect.TypeOf(response)}
	}
	return []Method{
		of("ExecutePlan", executePlanRequest{}, executePlanResponse{}),
		of("ReattachExecute", reattachExecuteRequest{}, executePlanResponse{}),
		of("ReleaseExecute", releaseExecuteRequest{}, releaseExecuteResponse{}),
		of("Interrupt", interruptRequest{}, interruptResponse{}),
		of("ReleaseSession", releaseSessionRequest{}, releaseSessionResponse{}),
		of("Config", configRequest{}, configResponse{}),
		of("AnalyzePlan", analyzePlanRequest{}, analyzePlanResponse{}),
	}
}

// NumberOf is the number of a field.
func NumberOf(field reflect.StructField) int { return int(numberOf(field)) }

// Service is the path of the service.
const Service = service

// InterruptOperation and ExplainExtended are values of enumerations.
const (
	InterruptOperation = interruptOperation
	ExplainExtended    = explainExtended
)
