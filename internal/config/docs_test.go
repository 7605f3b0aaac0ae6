package config_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/plumbstore/plumb/internal/config"
)

// TestTheDocumentsListEverySettingAndItsDefault compares the table of settings in docs/configuration.md.
func TestTheDocumentsListEverySettingAndItsDefault(t *testing.T) {
	const file = "../../docs/configuration.md"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	table := regexp.MustCompile(`(?m)^\| Key \|.*\n(\|.*\n)+`)
	found := table.FindString(string(text))
	if found == settingsTable() {
		return
	}
	if !*update || found == "" {
		t.Fatalf("%s has\n%s\nand not\n%s", file, found, settingsTable())
	}
	if err := os.WriteFile(file, []byte(strings.Replace(string(text), found, settingsTable(), 1)), 0o644); err != nil {
		t.Fatal(err)
	}
}

func settingsTable() string {
	var table strings.Builder
	table.WriteString("| Key | Flag | Environment | Default | Meaning |\n|---|---|---|---|---|\n")
	for _, setting := range config.Settings() {
		fmt.Fprintf(&table, "| `%s` | `%s` | `%s` | %s | %s |\n", setting.Key, setting.Flag(), setting.Variable(),
			defaultCell(setting), setting.Usage)
	}
	return table.String()
}

func defaultCell(setting config.Setting) string {
	switch {
	case setting.Default != "":
		return "`" + setting.Default + "`"
	case setting.Optional:
		return "none"
	}
	return "has to be given"
}
