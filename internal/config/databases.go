package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/registry/spec"
)

// Database is one that rows are pulled from. Its fields are exported so that whatever prints it finds their methods,
// which leave the password out; callers ask Config.Database.
type Database struct {
	Address ConnectionString
	// Unset says that a variable which the address needs is not set. It is reported by who asks for the address: servers
	// and joins work without the passwords of databases.
	Unset error
}

// Database returns the address of a database, with its password. A *fault.InputError says why there is none.
func (c *Config) Database(name string) (ConnectionString, error) {
	database, ok := c.Databases[name]
	field := "databases." + name
	if !ok {
		known := slices.Sorted(maps.Keys(c.Databases))
		text := "; add it to " + FileName + ", as in databases: {" + name + ": postgres://…}"
		if closest := fault.Closest(name, known); closest != "" {
			text = fmt.Sprintf("; did you mean %s?", closest)
		}
		return ConnectionString{}, fault.Inputf("", "there is no %s in the configuration%s", field, text)
	}
	if database.Unset != nil {
		return ConnectionString{}, fault.Inputf(field, "%v", database.Unset)
	}
	return database.Address, nil
}

// setDatabases includes nothing of an address in an error.
func setDatabases(l *loader, value []string) error {
	databases := make(map[string]Database, len(value))
	for _, item := range value {
		name, address, ok := strings.Cut(item, "=")
		if !ok {
			return errors.New("must be of the form name=postgres://…, with spaces between several")
		}
		if err := spec.CheckName(name); err != nil {
			return fmt.Errorf("has a database with a name that is none: %w", err)
		}
		if _, err := expand(address, l.getenv); err != nil {
			databases[name] = Database{Unset: err}
			continue
		}
		connection, err := l.connection(address, "postgres", "postgresql")
		if err != nil {
			return fmt.Errorf("has %s, which %w", name, err)
		}
		databases[name] = Database{Address: connection}
	}
	l.config.Databases = databases
	return nil
}
