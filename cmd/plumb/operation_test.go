package main_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// operation starts an operation over HTTP, waits for its end, and prints its state and verdict on a line, and its
// document on the next, or the error of the call that failed.
func operation(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: operation KIND BODY")
	}
	var one struct {
		ID, State, Verdict string
		Result, Error      json.RawMessage
	}
	for _, call := range []struct{ method, path, body string }{
		{http.MethodPost, args[0], args[1]}, {http.MethodGet, "?wait=60", ""},
	} {
		url := "http://" + ts.Getenv("HTTP") + "/v1/operations/" + one.ID + call.path
		request, err := http.NewRequest(call.method, url, strings.NewReader(call.body))
		ts.Check(err)
		request.Header.Set("Content-Type", "application/json")
		response, err := http.DefaultClient.Do(request)
		ts.Check(err)
		text, err := io.ReadAll(response.Body)
		ts.Check(err)
		ts.Check(response.Body.Close())
		if response.StatusCode != http.StatusOK {
			fmt.Fprintf(ts.Stdout(), "%d %s", response.StatusCode, text)
			return
		}
		ts.Check(json.Unmarshal(text, &one))
	}
	fmt.Fprintf(ts.Stdout(), "%s %s\n%s%s\n", one.State, one.Verdict, one.Result, one.Error)
}
