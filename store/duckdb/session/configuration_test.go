package session

import (
	"testing"
)

// DuckDB ignores some settings if an instance begins with them, so what it has in the end is asked.
func TestSessionHasItsSettings(t *testing.T) {
	s := startSession(t, Options{DatabaseBytes: 256 << 20, Threads: 3, TempDir: t.TempDir(), TempLimit: "64MiB"})
	t.Cleanup(func() { s.Close() })
	for setting, want := range map[string]string{
		"temp_directory":               s.spill.path,
		"memory_limit":                 "256.0 MiB",
		"max_temp_directory_size":      "64.0 MiB",
		"threads":                      "3",
		"TimeZone":                     "UTC",
		"autoinstall_known_extensions": "false",
		"autoload_known_extensions":    "false",
		"enable_external_file_cache":   "false",
		"enable_progress_bar":          "true",
		"enable_progress_bar_print":    "false",
	} {
		var got string
		if err := s.QueryRow(t.Context(), "SELECT current_setting('"+setting+"')::VARCHAR", &got); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("%s is %q, want %q", setting, got, want)
		}
	}
}
