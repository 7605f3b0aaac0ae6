package redis

import (
	"fmt"
	"slices"
	"testing"
)

func TestARepliesValuesAreCutWhereTheyLie(t *testing.T) {
	reply := []byte("*5\r\n$2\r\n\r\n\r\n$-1\r\n$0\r\n\r\n_\r\n$1\r\nx\r\n")
	values, err := cut(nil, reply, 5)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{`"\r\n"`, "nil", `""`, "nil", `"x"`}
	got := make([]string, len(values))
	for i, value := range values {
		if got[i] = "nil"; value != nil {
			got[i] = fmt.Sprintf("%q", value)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if values[0] = append(values[0], 'y'); string(reply[8:10]) != "\r\n" || len(values[0]) != 3 {
		t.Error("a value that grows writes into the reply")
	}
}

func TestAReplyThatIsNoListOfValuesIsRefused(t *testing.T) {
	whole := "*2\r\n$2\r\nab\r\n$-1\r\n"
	for end := range len(whole) {
		if values, err := cut(nil, []byte(whole[:end]), 2); err == nil {
			t.Errorf("%q: got %q, want an error", whole[:end], values)
		}
	}
	for _, reply := range []string{
		"*1\r\n$1\r\na\r\n", "*3\r\n$-1\r\n$-1\r\n$-1\r\n", "*2\r\n:1\r\n:2\r\n", "*2\r\n$-2\r\n$-1\r\n", "*x\r\n",
		"*2\r\n$99999999999999999999\r\n$-1\r\n",
	} {
		if values, err := cut(nil, []byte(reply), 2); err == nil {
			t.Errorf("%q: got %q, want an error", reply, values)
		}
	}
}
