package server

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"

	"google.golang.org/grpc/credentials"
)

// welcoming are the credentials of connections without TLS. A client that speaks HTTP/1, such as curl at the wrong
// port, cannot read HTTP/2 frames. It gets an HTTP/1 response that names the right port.
//
// For example, curl http://127.0.0.1:6570/v1/status, with the port of gRPC, is answered with a status of 421 and the
// port of HTTP. Without that curl would only say that it has received HTTP/0.9.
type welcoming struct {
	credentials.TransportCredentials
	httpAddress func() string
}

// preface is how a client of HTTP/2 begins. No method of HTTP/1 begins so.
const preface = "PRI "

// ServerHandshake implements credentials.TransportCredentials. gRPC bounds how long it may take.
func (w welcoming) ServerHandshake(conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	begin := make([]byte, len(preface))
	read, err := io.ReadFull(conn, begin)
	if err == nil && isMethod(begin) {
		return nil, nil, w.redirect(conn)
	}
	return w.TransportCredentials.ServerHandshake(&begun{conn, io.MultiReader(bytes.NewReader(begin[:read]), conn)})
}

// isMethod says whether a connection begins as a request of HTTP/1 does: with a method in capital letters.
func isMethod(begin []byte) bool {
	for _, letter := range bytes.TrimRight(begin, " /") {
		if letter < 'A' || letter > 'Z' {
			return false
		}
	}
	return string(begin) != preface
}

// redirect answers a request of HTTP/1, and ends the connection.
func (w welcoming) redirect(conn net.Conn) error {
	text := "this port speaks gRPC and Arrow Flight; HTTP is turned off: set serving.http\n"
	if _, port, err := net.SplitHostPort(w.httpAddress()); err == nil {
		text = fmt.Sprintf("this port speaks gRPC and Arrow Flight; HTTP is answered at port %s\n", port)
	}
	_, err := fmt.Fprintf(conn, "HTTP/1.1 421 Misdirected Request\r\nContent-Type: text/plain; charset=utf-8\r\n"+
		"Content-Length: %d\r\nConnection: close\r\n\r\n%s", len(text), text)
	if err != nil {
		return err
	}
	// What the client still sends is taken, so that the connection does not end with a reset, which may overtake the
	// answer.
	if half, ok := conn.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		_, _ = io.CopyN(io.Discard, conn, maxStrange)
	}
	return errStranger
}

// maxStrange is how many bytes of an HTTP/1 request are read at most.
const maxStrange = 1 << 20

var errStranger = errors.New("the client speaks HTTP/1")

// Clone implements credentials.TransportCredentials.
func (w welcoming) Clone() credentials.TransportCredentials {
	return welcoming{w.TransportCredentials.Clone(), w.httpAddress}
}

// begun is a connection whose first bytes have already been read.
type begun struct {
	net.Conn
	from io.Reader
}

// Read implements net.Conn.
func (b *begun) Read(into []byte) (int, error) { return b.from.Read(into) }
