package audit

import (
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

func TestAStatusIsReadByItsName(t *testing.T) {
	builder := array.NewStringBuilder(memory.DefaultAllocator)
	builder.AppendValues([]string{"EXPIRED", "ODD"}, nil)
	words := builder.NewArray()
	if status, err := statusAt(words, 0); err != nil || status != plumbv1.Status_EXPIRED {
		t.Error(status, err)
	}
	if status, err := statusAt(words, 1); err == nil {
		t.Errorf("ODD is %s", status)
	}
}
