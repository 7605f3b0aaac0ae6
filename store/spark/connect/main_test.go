package connect_test

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/plumbstore/plumb/store/spark/sparktest"
)

func TestMain(m *testing.M) {
	code := sparktest.Main(m)
	if err := goleak.Find(); code == 0 && err != nil {
		fmt.Println(err)
		code = 1
	}
	os.Exit(code)
}
