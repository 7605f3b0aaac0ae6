package config

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"

	"github.com/plumbstore/plumb/internal/fault"
)

// Objects configures how objects of S3, or of what speaks its protocol, are reached.
type Objects struct {
	// Endpoint is the URL of the server; empty for that of AWS. Region is empty if the server is to be asked.
	Endpoint, Region string
	// Addressing is auto, path or virtual.
	Addressing string
	// The credentials are empty for those that the machine has.
	AccessKey, SecretKey, SessionToken Secret
}

var objectSettings = []Setting{
	{Key: "objects.endpoint", Optional: true,
		Usage: "server of objects, https://host:port; unless given, AWS for s3://…, Google for gs://…",
		set:   setEndpoint},
	{Key: "objects.region", Optional: true, Usage: "region of the buckets; unless given, the server is asked",
		set: setObjects(func(o *Objects) *string { return &o.Region })},
	{Key: "objects.addressing", Default: "auto",
		Usage: "where requests name the bucket: path, virtual (in the host), or auto, by the endpoint", set: setAddressing},
	{Key: "objects.access_key", Optional: true,
		Usage: "access key, such as ${VARIABLE}; unless given, the credentials of the machine are used",
		set:   setCredential(func(o *Objects) *Secret { return &o.AccessKey })},
	{Key: "objects.secret_key", Optional: true, Usage: "secret key, such as ${VARIABLE}",
		set: setCredential(func(o *Objects) *Secret { return &o.SecretKey })},
	{Key: "objects.session_token", Optional: true, Usage: "session token of temporary credentials, such as ${VARIABLE}",
		set: setCredential(func(o *Objects) *Secret { return &o.SessionToken })},
}

func setObjects(field func(*Objects) *string) func(*loader, []string) error {
	return func(l *loader, value []string) error {
		*field(&l.config.Objects) = value[0]
		return nil
	}
}

// setEndpoint takes a URL without a user: credentials have settings of their own. No part of it is in the error.
func setEndpoint(l *loader, value []string) error {
	l.config.Objects.Endpoint = value[0]
	if value[0] == "" {
		return nil
	}
	endpoint, err := url.Parse(value[0])
	if err != nil || endpoint.Host == "" || endpoint.User != nil || endpoint.Path != "" && endpoint.Path != "/" ||
		endpoint.Scheme != "http" && endpoint.Scheme != "https" {
		return errors.New("must be of the form https://host:port or http://host:port")
	}
	return nil
}

func setAddressing(l *loader, value []string) error {
	l.config.Objects.Addressing = value[0]
	if !slices.Contains([]string{"auto", "path", "virtual"}, value[0]) {
		return fmt.Errorf("must be auto, path or virtual, not %q", value[0])
	}
	return nil
}

// setCredential takes a secret, in which ${VARIABLE} is expanded. No part of it is in an error.
func setCredential(field func(*Objects) *Secret) func(*loader, []string) error {
	return func(l *loader, value []string) error {
		expanded, err := expand(value[0], l.getenv)
		*field(&l.config.Objects) = NewSecret(expanded)
		return err
	}
}

// Check reports credentials of which a part is missing, as a *fault.InputError. Only who reads objects checks them.
func (o Objects) Check() error {
	switch access, secret := o.AccessKey.Reveal(), o.SecretKey.Reveal(); {
	case access == "" && secret != "":
		return fault.Inputf("objects.access_key", "is missing beside objects.secret_key: they are one credential")
	case access != "" && secret == "":
		return fault.Inputf("objects.secret_key", "is missing beside objects.access_key: they are one credential")
	case access == "" && o.SessionToken.Reveal() != "":
		return fault.Inputf("objects.access_key", "is missing beside objects.session_token, which belongs to one")
	}
	return nil
}

func setCacheDir(l *loader, value []string) error {
	if l.config.Offline.CacheDir = value[0]; value[0] != "" && !filepath.IsAbs(value[0]) {
		l.config.Offline.CacheDir = filepath.Join(l.config.ProjectDir, value[0])
	}
	return nil
}

func setCacheLimit(l *loader, value []string) (err error) {
	l.config.Offline.CacheLimit, err = parseSize(value[0])
	return err
}
