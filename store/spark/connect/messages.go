package connect

// The messages of spark/connect/base.proto, relations.proto and types.proto, as far as they are used. A field's name is
// that of the definition, in Go's spelling, and its number is in the tag. What Spark sends beyond these is skipped.

const service = "/spark.connect.SparkConnectService/"

type userContext struct {
	UserID   string `proto:"1"`
	UserName string `proto:"2"`
}

type plan struct {
	Root *relation `proto:"1"`
}

type relation struct {
	SQL *statement `proto:"10"`
}

type statement struct {
	Query string `proto:"1"`
}

type executePlanRequest struct {
	SessionID                         string          `proto:"1"`
	UserContext                       *userContext    `proto:"2"`
	Plan                              *plan           `proto:"3"`
	ClientType                        string          `proto:"4"`
	RequestOptions                    []requestOption `proto:"5"`
	OperationID                       string          `proto:"6"`
	ClientObservedServerSideSessionID string          `proto:"8"`
}

type requestOption struct {
	ReattachOptions *reattachOptions `proto:"1"`
}

type reattachOptions struct {
	Reattachable bool `proto:"1"`
}

type executePlanResponse struct {
	SessionID           string             `proto:"1"`
	ArrowBatch          *arrowBatch        `proto:"2"`
	OperationID         string             `proto:"12"`
	ResponseID          string             `proto:"13"`
	ResultComplete      *struct{}          `proto:"14"`
	ServerSideSessionID string             `proto:"15"`
	ExecutionProgress   *executionProgress `proto:"18"`
}

type arrowBatch struct {
	RowCount    int64  `proto:"1"`
	Data        []byte `proto:"2"`
	StartOffset *int64 `proto:"3"`
}

type executionProgress struct {
	Stages           []stageInfo `proto:"1"`
	NumInflightTasks int64       `proto:"2"`
}

type stageInfo struct {
	NumTasks          int64 `proto:"2"`
	NumCompletedTasks int64 `proto:"3"`
	InputBytesRead    int64 `proto:"4"`
	Done              bool  `proto:"5"`
}

type reattachExecuteRequest struct {
	SessionID                         string       `proto:"1"`
	UserContext                       *userContext `proto:"2"`
	OperationID                       string       `proto:"3"`
	ClientType                        string       `proto:"4"`
	LastResponseID                    string       `proto:"5"`
	ClientObservedServerSideSessionID string       `proto:"6"`
}

type releaseExecuteRequest struct {
	SessionID                         string        `proto:"1"`
	UserContext                       *userContext  `proto:"2"`
	OperationID                       string        `proto:"3"`
	ClientType                        string        `proto:"4"`
	ReleaseAll                        *struct{}     `proto:"5"`
	ReleaseUntil                      *releaseUntil `proto:"6"`
	ClientObservedServerSideSessionID string        `proto:"7"`
}

type releaseUntil struct {
	ResponseID string `proto:"1"`
}

type releaseExecuteResponse struct {
	SessionID string `proto:"1"`
}

type interruptRequest struct {
	SessionID                         string       `proto:"1"`
	UserContext                       *userContext `proto:"2"`
	ClientType                        string       `proto:"3"`
	InterruptType                     int32        `proto:"4,enum"`
	OperationID                       string       `proto:"6"`
	ClientObservedServerSideSessionID string       `proto:"7"`
}

// interruptOperation is the interrupt type of one operation.
const interruptOperation = 3

type interruptResponse struct {
	SessionID      string   `proto:"1"`
	InterruptedIDs []string `proto:"2"`
}

type releaseSessionRequest struct {
	SessionID   string       `proto:"1"`
	UserContext *userContext `proto:"2"`
	ClientType  string       `proto:"3"`
}

type releaseSessionResponse struct {
	SessionID string `proto:"1"`
}

type configRequest struct {
	SessionID                         string           `proto:"1"`
	UserContext                       *userContext     `proto:"2"`
	Operation                         *configOperation `proto:"3"`
	ClientType                        string           `proto:"4"`
	ClientObservedServerSideSessionID string           `proto:"8"`
}

type configOperation struct {
	Set *configSet `proto:"1"`
}

type configSet struct {
	Pairs []keyValue `proto:"1"`
}

type keyValue struct {
	Key   string `proto:"1"`
	Value string `proto:"2"`
}

type configResponse struct {
	SessionID           string `proto:"1"`
	ServerSideSessionID string `proto:"4"`
}

type analyzePlanRequest struct {
	SessionID                         string          `proto:"1"`
	UserContext                       *userContext    `proto:"2"`
	ClientType                        string          `proto:"3"`
	Schema                            *analyzeSchema  `proto:"4"`
	Explain                           *analyzeExplain `proto:"5"`
	SparkVersion                      *struct{}       `proto:"10"`
	ClientObservedServerSideSessionID string          `proto:"17"`
}

type analyzeSchema struct {
	Plan *plan `proto:"1"`
}

type analyzeExplain struct {
	Plan        *plan `proto:"1"`
	ExplainMode int32 `proto:"2,enum"`
}

// explainExtended shows the plans from the parsed one to the physical one.
const explainExtended = 2

type analyzePlanResponse struct {
	SessionID           string           `proto:"1"`
	Schema              *analyzedSchema  `proto:"2"`
	Explain             *analyzedExplain `proto:"3"`
	SparkVersion        *analyzedVersion `proto:"8"`
	ServerSideSessionID string           `proto:"15"`
}

type analyzedSchema struct {
	Schema *dataType `proto:"1"`
}

type analyzedExplain struct {
	ExplainString string `proto:"1"`
}

type analyzedVersion struct {
	Version string `proto:"1"`
}

type dataType struct {
	Null              *struct{}     `proto:"1"`
	Binary            *struct{}     `proto:"2"`
	Boolean           *struct{}     `proto:"3"`
	Byte              *struct{}     `proto:"4"`
	Short             *struct{}     `proto:"5"`
	Integer           *struct{}     `proto:"6"`
	Long              *struct{}     `proto:"7"`
	Float             *struct{}     `proto:"8"`
	Double            *struct{}     `proto:"9"`
	Decimal           *decimalType  `proto:"10"`
	String            *struct{}     `proto:"11"`
	Char              *sizedType    `proto:"12"`
	VarChar           *sizedType    `proto:"13"`
	Date              *struct{}     `proto:"14"`
	Timestamp         *struct{}     `proto:"15"`
	TimestampNTZ      *struct{}     `proto:"16"`
	CalendarInterval  *struct{}     `proto:"17"`
	YearMonthInterval *struct{}     `proto:"18"`
	DayTimeInterval   *struct{}     `proto:"19"`
	Array             *arrayType    `proto:"20"`
	Struct            *structType   `proto:"21"`
	Map               *mapType      `proto:"22"`
	Unparsed          *unparsedType `proto:"24"`
	Variant           *struct{}     `proto:"25"`
}

type decimalType struct {
	Scale     int32 `proto:"1"`
	Precision int32 `proto:"2"`
}

type sizedType struct {
	Length int32 `proto:"1"`
}

type arrayType struct {
	ElementType *dataType `proto:"1"`
}

type structType struct {
	Fields []structField `proto:"1"`
}

type structField struct {
	Name     string    `proto:"1"`
	DataType *dataType `proto:"2"`
	Nullable bool      `proto:"3"`
}

type mapType struct {
	KeyType   *dataType `proto:"1"`
	ValueType *dataType `proto:"2"`
}

type unparsedType struct {
	DataTypeString string `proto:"1"`
}
