package auth

import "strings"

const (
	servingService  = "/plumb.v1.ServingService/"
	registryService = "/plumb.v1.RegistryService/"
	projectService  = "/plumb.v1.ProjectService/"
	flightService   = "/arrow.flight.protocol.FlightService/"
	feastServing    = "/feast.serving.ServingService/"
)

// openService answers anybody: load balancers ask for health, and have no token.
const openService = "/grpc.health.v1.Health/"

// needs is the least role for each method, by its full name. Plan and StartPlanVerification need the role of Apply,
// since they open the sources that a client names. What starts and cancels other operations needs Write: operations
// take the memory and the time of others, and a materialization writes what a push writes.
var needs = map[string]Role{
	servingService + "GetOnlineFeatures": Read,
	servingService + "Push":              Write,

	registryService + "Plan":                Admin,
	registryService + "Apply":               Admin,
	registryService + "ListEntities":        Read,
	registryService + "ListSources":         Read,
	registryService + "ListFeatureViews":    Read,
	registryService + "ListOnDemandViews":   Read,
	registryService + "ListFeatureServices": Read,
	registryService + "GetEntity":           Read,
	registryService + "GetSource":           Read,
	registryService + "GetFeatureView":      Read,
	registryService + "GetOnDemandView":     Read,
	registryService + "GetFeatureService":   Read,
	registryService + "History":             Read,

	projectService + "Status":                       Read,
	projectService + "ListRuns":                     Read,
	projectService + "ListTrainingSets":             Read,
	projectService + "GetTrainingSet":               Read,
	projectService + "CompareTrainingSets":          Read,
	projectService + "StartVerification":            Write,
	projectService + "StartPlanVerification":        Admin,
	projectService + "StartAudit":                   Write,
	projectService + "StartForesight":               Write,
	projectService + "StartTrainingSetVerification": Write,
	projectService + "StartMaterialization":         Write,
	projectService + "GetOperation":                 Read,
	projectService + "ListOperations":               Read,
	projectService + "WatchOperation":               Read,
	projectService + "CancelOperation":              Write,

	flightService + "DoExchange":    Read,
	flightService + "DoGet":         Read,
	flightService + "GetFlightInfo": Read,
	flightService + "ListFlights":   Read,
	flightService + "GetSchema":     Read,

	feastServing + "GetFeastServingInfo": Read,
	feastServing + "GetOnlineFeatures":   Read,

	"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo":      Read,
	"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": Read,
}

func isOpen(method string) bool { return strings.HasPrefix(method, openService) }

// Needs is the least role for a method, and false if nobody may call it.
func Needs(method string) (Role, bool) {
	role, known := needs[method]
	return role, known
}
