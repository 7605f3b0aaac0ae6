// Package auth decides which caller may call what.
//
// A caller is known by a bearer token: a static one, whose hash is in a file of the server's, or a JWT that an OpenID
// Connect issuer has signed. Either gives a role in named projects: read, write or admin, each of which includes the
// ones before. What a method needs is in methods.go; a method that is not there is refused to everybody.
//
// A client's certificate (mutual TLS) gives no role: it is asked for in addition to a token.
//
// Every refusal is logged, with the method, the peer, and the caller if it is known; never with any part of a token.
package auth
