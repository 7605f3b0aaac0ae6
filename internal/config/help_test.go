package config_test

import (
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/plumbstore/plumb/internal/config"
)

func TestHelpShowsEachFlagWithItsDefault(t *testing.T) {
	var overrides config.Overrides
	set := pflag.NewFlagSet("plumb", pflag.ContinueOnError)
	overrides.Register(set)
	help := set.FlagUsages()
	for _, want := range []string{
		"--offline-threads int", "--definitions strings", "--online-store string", "(default: sqlite:.plumb/online.db)",
		"--project-dir string",
	} {
		if !strings.Contains(help, want) {
			t.Errorf("help lacks %s:\n%s", want, help)
		}
	}
}
