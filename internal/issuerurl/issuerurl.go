// Package issuerurl knows which URLs an issuer of tokens may have.
package issuerurl

import (
	"errors"
	"net"
	"net/url"
)

// Check refuses a URL that keys must not be had from: one without TLS could be answered by anybody on the way. Its
// error goes on after a name, as in "must be …".
func Check(text string) error {
	parsed, err := url.Parse(text)
	if err != nil || parsed.Host == "" || parsed.User != nil {
		return errors.New("must be a URL such as https://login.example.com")
	}
	host := parsed.Hostname()
	loopback := host == "localhost" || net.ParseIP(host).IsLoopback()
	if parsed.Scheme != "https" && (parsed.Scheme != "http" || !loopback) {
		return errors.New("must begin with https://, or with http:// on this machine: the keys that tokens are checked " +
			"with come from there")
	}
	return nil
}
