package config

import (
	"strings"
	"testing"
)

func TestSizesAreReadExactlyOrRefusedByTheirForm(t *testing.T) {
	for text, want := range map[string]int64{
		"1KB": 1000, "1.5KiB": 1536, "512 MiB": 512 << 20, "2GB": 2e9, "0.001KB": 1, "9007199.254740993GB": 9007199254740992,
		"9007199254740993KB": 9007199254740993000, "8388607TiB": 8388607 << 40,
	} {
		if got, err := parseSize(text); got != want || err != nil {
			t.Errorf("%s is %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "2", "2gb", "2 G", "1,5GB", "-1GB", "1e3GB", "0GB", "0.0GB", "0.0001KB",
		"8388608TiB", "99999999999999999999999TB", "½GB", "٢GB", "2B", "2GB "} {
		if got, err := parseSize(text); err == nil || !strings.HasPrefix(err.Error(), "must be a size") {
			t.Errorf("%q is %d, %v", text, got, err)
		}
	}
}
