package config

import (
	"github.com/spf13/pflag"
)

const (
	projectDirFlag     = "--project-dir"
	projectDirVariable = "PLUMB_PROJECT_DIR"
)

// Overrides are the flags that beat the environment and the file. The zero value overrides nothing.
type Overrides struct {
	projectDir string
	values     map[string]*override
}

// Register adds a flag for each setting, and --project-dir.
func (o *Overrides) Register(flags *pflag.FlagSet) {
	o.values = map[string]*override{}
	flags.StringVar(&o.projectDir, projectDirFlag[len("--"):], "",
		"folder of the project (default: the working directory or the nearest above it with a "+FileName+")")
	for _, setting := range settings {
		value := &override{kind: setting.kind}
		o.values[setting.Key] = value
		usage := setting.Usage
		if setting.Default != "" {
			usage += " (default: " + setting.Default + ")"
		}
		flags.Var(value, setting.flagName(), usage)
	}
}

// override is the value of a flag. It remembers that it was given, since nothing can be a value too. So --serving-http
// "" turns HTTP off although the file has an address.
type override struct {
	kind  kind
	value string
	given bool
}

// String implements pflag.Value. It prints nothing: pflag shows it as the default, and it may hold a secret.
func (*override) String() string { return "" }

// Set implements pflag.Value.
func (o *override) Set(value string) error {
	o.value, o.given = value, true
	return nil
}

// Type implements pflag.Value; it is what help shows after the flag.
func (o *override) Type() string {
	return [...]string{text: "string", list: "strings", number: "int", share: "share", named: "name=url"}[o.kind]
}
