package main_test

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// remote is what plan and apply of the command line are, through the server that a script runs.
func remote(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: remote plan|apply FOLDER")
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	files, client := definitionFiles(ts, args[1]), plumbv1.NewRegistryServiceClient(current(ts).connection)
	var document any
	var err error
	switch args[0] {
	case "plan":
		var planned *plumbv1.PlanResponse
		planned, err = client.Plan(ctx, &plumbv1.PlanRequest{Files: files})
		document = planDocument{planned.GetProject(), planned.GetBase(), changeDocuments(planned.GetChanges())}
	case "apply":
		var applied *plumbv1.ApplyResponse
		applied, err = client.Apply(ctx, &plumbv1.ApplyRequest{Files: files, Author: "script@test"})
		document = applyDocument{applied.GetProject(), applied.GetRevision(), changeDocuments(applied.GetChanges())}
	default:
		ts.Fatalf("remote does not know %s", args[0])
	}
	if err != nil {
		printStatus(ts, status.Convert(err))
		return
	}
	encoder := json.NewEncoder(ts.Stdout())
	encoder.SetEscapeHTML(false)
	ts.Check(encoder.Encode(document))
}

func definitionFiles(ts *testscript.TestScript, folder string) []*plumbv1.DefinitionFile {
	names, err := filepath.Glob(filepath.Join(ts.MkAbs(folder), "*.yaml"))
	ts.Check(err)
	var files []*plumbv1.DefinitionFile
	for _, name := range names {
		path := filepath.ToSlash(filepath.Join(folder, filepath.Base(name)))
		files = append(files, &plumbv1.DefinitionFile{Path: path, Text: ts.ReadFile(name)})
	}
	return files
}

// printStatus prints mistakes as the command line does, or the code and message if there are none.
func printStatus(ts *testscript.TestScript, answer *status.Status) {
	for _, detail := range answer.Details() {
		if bad, ok := detail.(*errdetails.BadRequest); ok {
			for _, violation := range bad.GetFieldViolations() {
				fmt.Fprintf(ts.Stdout(), "%s: %s\n", violation.GetField(), violation.GetDescription())
			}
			return
		}
	}
	fmt.Fprintf(ts.Stdout(), "%s: %s\n", answer.Code(), answer.Message())
}

type planDocument struct {
	Project string           `json:"project"`
	Base    int64            `json:"base"`
	Changes []changeDocument `json:"changes"`
}

type applyDocument struct {
	Project  string           `json:"project"`
	Revision int64            `json:"revision"`
	Changes  []changeDocument `json:"changes"`
}

type changeDocument struct {
	Action      string               `json:"action"`
	Kind        string               `json:"kind"`
	Name        string               `json:"name"`
	Differences []differenceDocument `json:"differences,omitempty"`
	Outputs     []outputDocument     `json:"outputs,omitempty"`
	Hazards     []hazardDocument     `json:"hazards,omitempty"`
}

type differenceDocument struct {
	Field string `json:"field"`
	From  string `json:"from"`
	To    string `json:"to"`
}

type outputDocument struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Computes string `json:"computes"`
	Window   string `json:"window,omitempty"`
	Hop      string `json:"hop,omitempty"`
	Longest  string `json:"longest,omitempty"`
	Offset   string `json:"offset,omitempty"`
}

type hazardDocument struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func changeDocuments(changes []*plumbv1.Change) []changeDocument {
	documents := make([]changeDocument, len(changes))
	for i, change := range changes {
		document := &documents[i]
		document.Action = strings.ToLower(change.GetAction().String())
		document.Kind = strings.Replace(strings.ToLower(change.GetKind().String()), "on_demand_view", "on-demand view", 1)
		document.Name = change.GetName()
		for _, each := range change.GetDifferences() {
			document.Differences = append(document.Differences,
				differenceDocument{each.GetField(), each.GetFrom(), each.GetTo()})
		}
		for _, each := range change.GetOutputs() {
			window := each.GetWindow()
			document.Outputs = append(document.Outputs, outputDocument{each.GetName(), each.GetType().String(),
				each.GetComputes(), window.GetLength(), window.GetHop(), window.GetLongest(), window.GetOffset()})
		}
		for _, each := range change.GetHazards() {
			document.Hazards = append(document.Hazards, hazardDocument{each.GetCode(), each.GetMessage()})
		}
	}
	return documents
}
