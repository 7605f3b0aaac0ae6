package auth

import (
	"fmt"
	"strings"

	"github.com/plumbstore/plumb/internal/fault"
)

// Role is what a caller may do in a project. Each includes the ones below it.
type Role int

// The roles. The zero value may do nothing.
const (
	None Role = iota
	// Read looks features up, joins, and reads the registry.
	Read
	// Write also pushes rows, and starts and cancels operations.
	Write
	// Admin also plans, verifies and applies definitions.
	Admin
)

var roleNames = []string{"none", "read", "write", "admin"}

// String is the name of the role in files and claims.
func (r Role) String() string { return roleNames[r] }

// ParseRole reads the name of a role that may do something.
func ParseRole(name string) (Role, error) {
	for role := Read; role <= Admin; role++ {
		if role.String() == name {
			return role, nil
		}
	}
	message := fmt.Sprintf("is %q; the roles are %s", name, strings.Join(roleNames[Read:], ", "))
	if closest := fault.Closest(name, roleNames[Read:]); closest != "" {
		message += fmt.Sprintf("; did you mean %q?", closest)
	}
	return None, fault.Inputf("role", "%s", message)
}
