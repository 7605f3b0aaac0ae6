package config_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheAuditLogIsRelativeToTheProjectAndItsKeyIsNeverPrinted(t *testing.T) {
	folder := project(t, "project: flights\nserving: {audit: {dir: log, rate: all, hash_key: '${AUDIT_KEY}'}}\n")
	loaded, err := load(t, folder, nil, map[string]string{"AUDIT_KEY": "a secret of many characters"})
	if err != nil {
		t.Fatal(err)
	}
	audit := loaded.Serving.Audit
	if audit.Dir != filepath.Join(folder, "log") || audit.Rate != 1 {
		t.Errorf("got %+v", audit)
	}
	if audit.HashKey.Reveal() != "a secret of many characters" {
		t.Errorf("the key is %q", audit.HashKey.Reveal())
	}
	marshaled, err := json.Marshal(audit)
	if err != nil {
		t.Fatal(err)
	}
	printed := fmt.Sprintf("%v %+v %#v %s %q %s", audit, audit, audit, audit.HashKey, audit.HashKey, marshaled)
	if strings.Contains(printed, "secret") || !strings.Contains(printed, "xxxxx") {
		t.Errorf("printed as %s", printed)
	}
}
