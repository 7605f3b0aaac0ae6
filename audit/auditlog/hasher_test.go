package auditlog_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"slices"
	"testing"

	"github.com/plumbstore/plumb/audit/auditlog"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/storetest"
)

// The bytes are durable: hashes of two versions are compared.
func TestWhatIsHashedIsTheTypeAndTheValue(t *testing.T) {
	for _, c := range []struct {
		declared plumbv1.Type
		value    any
		want     string
	}{
		{plumbv1.Type_BOOL, true, "\x01\x01"},
		{plumbv1.Type_INT32, int32(258), "\x02\x00\x00\x01\x02"},
		{plumbv1.Type_INT64, int64(-1), "\x03\xff\xff\xff\xff\xff\xff\xff\xff"},
		{plumbv1.Type_FLOAT32, float32(1.5), "\x04\x3f\xc0\x00\x00"},
		{plumbv1.Type_FLOAT64, 1.5, "\x05\x3f\xf8\x00\x00\x00\x00\x00\x00"},
		{plumbv1.Type_STRING, "a\x00", "\x06a\x00"},
		{plumbv1.Type_BYTES, []byte{}, "\x07"},
		{plumbv1.Type_TIMESTAMP, at, "\x08\x00\x06\x4b\xf5\x35\xaf\x10\x00"},
		{plumbv1.Type_INT32_ARRAY, []any{int32(1), nil}, "\x0a\x00\x00\x00\x02\x01\x00\x00\x00\x01\x00"},
		{plumbv1.Type_STRING_ARRAY, []any{"ab", ""}, "\x0e\x00\x00\x00\x02\x01\x00\x00\x00\x02ab\x01\x00\x00\x00\x00"},
	} {
		got, err := auditlog.NewHasher("secret").Hash(c.declared, storetest.ArrowColumn(t, c.declared, nil, c.value))
		if err != nil {
			t.Fatal(err)
		}
		mac := hmac.New(sha256.New, []byte("secret"))
		mac.Write([]byte(c.want))
		if !got.IsNull(0) || !slices.Equal(got.Value(1), mac.Sum(nil)) {
			t.Errorf("%s: %v is hashed as something else", c.declared, c.value)
		}
	}
}

func TestHashesDifferByKeyAndType(t *testing.T) {
	one, other := auditlog.NewHasher("one"), auditlog.NewHasher("other")
	if one.KeyID() == other.KeyID() || one.KeyID() != auditlog.NewHasher("one").KeyID() || len(one.KeyID()) != 16 {
		t.Errorf("keys are called %s and %s", one.KeyID(), other.KeyID())
	}
	hash := func(h *auditlog.Hasher, declared plumbv1.Type, value any) []byte {
		hashed, err := h.Hash(declared, storetest.ArrowColumn(t, declared, value))
		if err != nil {
			t.Fatal(err)
		}
		return hashed.Value(0)
	}
	text := hash(one, plumbv1.Type_STRING, "a")
	if slices.Equal(text, hash(other, plumbv1.Type_STRING, "a")) ||
		slices.Equal(text, hash(one, plumbv1.Type_BYTES, []byte("a"))) {
		t.Error("another key or type gives the same hash")
	}
	if _, err := one.Hash(plumbv1.Type_INT64, storetest.ArrowColumn(t, plumbv1.Type_INT32, int32(1))); err == nil {
		t.Error("a column of another type is hashed")
	}
}
