package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/rogpeppe/go-internal/testscript"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// pushRows pushes rows through the server, and prints the response as JSON, or the status.
func pushRows(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: push-rows JSON")
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	request := &plumbv1.PushRequest{}
	ts.Check(protojson.Unmarshal([]byte(args[0]), request))
	response, err := plumbv1.NewServingServiceClient(current(ts).connection).Push(ctx, request)
	if err != nil {
		fmt.Fprintf(ts.Stdout(), "%s: %s\n", status.Code(err), status.Convert(err).Message())
		return
	}
	answer, err := protojson.Marshal(response)
	ts.Check(err)
	var compact bytes.Buffer // protojson puts in spaces at random.
	ts.Check(json.Compact(&compact, answer))
	fmt.Fprintln(ts.Stdout(), compact.String())
}

// killServing ends the server as a power cut would.
func killServing(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: kill-serving")
	}
	s := current(ts)
	ts.Check(s.connection.Close())
	ts.Check(s.cmd.Process.Kill())
	_ = s.cmd.Wait() // It says that the process was killed.
}
