package postgrestest

import (
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// PostgreSQL refuses to run as root. If the tests run as root, it runs as the user that its package made, or as nobody.

// serverUser returns the user that the server runs as. It is false if that is the user that runs the tests.
func serverUser() (id, group int, another bool) {
	if os.Getuid() != 0 {
		return 0, 0, false
	}
	for _, name := range []string{"postgres", "nobody"} {
		found, err := user.Lookup(name)
		if err != nil {
			continue
		}
		id, idErr := strconv.Atoi(found.Uid)
		group, groupErr := strconv.Atoi(found.Gid)
		if idErr == nil && groupErr == nil {
			return id, group, true
		}
	}
	return 0, 0, false
}

// give makes the server's user the owner of a file or folder.
func give(path string) error {
	id, group, another := serverUser()
	if !another {
		return nil
	}
	return os.Chown(path, id, group)
}

// asServer is how processes of the server are started.
func asServer() *syscall.SysProcAttr {
	id, group, another := serverUser()
	if !another {
		return nil
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(id), Gid: uint32(group)}}
}
