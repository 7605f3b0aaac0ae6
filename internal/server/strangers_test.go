package server_test

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/plumbstore/plumb/internal/server"
)

func TestHTTPAtThePortOfGRPCIsToldWhereItIsAnswered(t *testing.T) {
	r := startShops(t, overHTTP)
	_, port, _ := net.SplitHostPort(r.server.HTTPAddress())
	for _, ask := range []func() (*http.Response, error){
		func() (*http.Response, error) { return http.Get("http://" + r.server.Address() + "/healthz") },
		func() (*http.Response, error) {
			return http.Post("http://"+r.server.Address()+"/v1/online-features", "application/json",
				strings.NewReader(`{"features":["world:rate"],"keys":{"id":[1]}}`))
		},
	} {
		response, err := ask()
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != http.StatusMisdirectedRequest {
			t.Errorf("status %d, %v", response.StatusCode, err)
		}
		if want := "this port speaks gRPC and Arrow Flight; HTTP is answered at port " + port + "\n"; string(body) != want {
			t.Errorf("it says %q", body)
		}
		_ = response.Body.Close()
	}
}

func TestHTTPAtThePortOfGRPCIsToldThatItIsTurnedOff(t *testing.T) {
	r := startShops(t, overHTTP, func(c *server.Config) { c.HTTPAddress = "" })
	response, err := http.Get("http://" + r.server.Address() + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, err := io.ReadAll(response.Body); err != nil || !strings.Contains(string(body), "set serving.http") {
		t.Errorf("it says %q, %v", body, err)
	}
}
