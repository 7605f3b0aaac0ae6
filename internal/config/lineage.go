package config

import (
	"errors"
	"net"
	"net/url"
	"path/filepath"
	"strings"
)

// Lineage is the destination of OpenLineage events.
type Lineage struct {
	// To is file: and an absolute path, or a URL; empty for nowhere.
	To ConnectionString
	// Key is the bearer token that an endpoint is given, from OPENLINEAGE_API_KEY, as the clients of OpenLineage call it.
	// It may be empty.
	Key ConnectionString
}

const lineageKey = "OPENLINEAGE_API_KEY"

func setLineage(l *loader, value []string) error {
	if value[0] == "" {
		return nil
	}
	address, err := expand(value[0], l.getenv)
	if err != nil {
		return err
	}
	scheme, path, _ := strings.Cut(address, ":")
	switch scheme {
	case "file":
		path = strings.TrimPrefix(path, "//")
		if path == "" {
			return errors.New("must be of the form file:PATH, with the path of a file")
		}
		if !filepath.IsAbs(path) {
			path = filepath.Join(l.config.ProjectDir, path)
		}
		l.config.Lineage.To = ConnectionString{"file:" + filepath.Clean(path)}
		return nil
	case "http", "https":
		return l.setEndpoint(address)
	}
	return errors.New("must be of the form file:PATH, http://host:port or https://host:port")
}

// setEndpoint takes a URL. Nothing of it but the scheme is in an error.
func (l *loader) setEndpoint(address string) error {
	parsed, err := url.Parse(address)
	if err != nil || parsed.Hostname() == "" || misplaced(address) {
		return errors.New("is not of the form https://host:port[/path]")
	}
	key := l.getenv(lineageKey)
	loopback := parsed.Hostname() == "localhost" || net.ParseIP(parsed.Hostname()).IsLoopback()
	if secret := key != "" || parsed.User != nil; secret && parsed.Scheme == "http" && !loopback {
		return errors.New("must begin with https://, or be on this machine, where " + lineageKey + " or a password is sent")
	}
	l.config.Lineage = Lineage{ConnectionString{address}, ConnectionString{key}}
	return nil
}
