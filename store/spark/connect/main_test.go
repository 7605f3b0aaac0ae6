package connect_test

import (
	"os"
	"testing"

	"github.com/plumbstore/plumb/store/spark/sparktest"
)

func TestMain(m *testing.M) { os.Exit(sparktest.Main(m)) }
