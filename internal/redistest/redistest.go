// Package redistest runs a real redis-server for tests.
package redistest

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Config is what a server is started with.
type Config struct {
	// Args are appended to redis-server's arguments, such as "--maxmemory", "2mb".
	Args []string
	// Env are variables such as "LC_ALL=C", on top of this process's.
	Env []string
	// TLS, if set, makes the server speak TLS alone, and ask its clients for a certificate.
	TLS *Certificates
	// Cluster makes it a node of a cluster, without slots.
	Cluster bool
	// Sentinel makes it a sentinel that watches nothing.
	Sentinel bool
}

// Server is a redis-server on a free port of this machine. It keeps its data, in a folder of its own, when it is
// killed.
type Server struct {
	// Address is host:port, URL is redis://host:port. They stay the same when the server is started again.
	Address, URL string

	t       testing.TB
	config  Config
	folder  string
	port    int
	busPort int
	process *exec.Cmd
}

// Start starts a server and stops it at the end of the test. The test fails if redis-server is not installed.
func Start(t testing.TB) *Server {
	t.Helper()
	return StartWith(t, Config{})
}

// StartWith is Start with a configuration.
func StartWith(t testing.TB, config Config) *Server {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Fatalf("this test needs redis-server on the PATH: install it with \"apt-get install redis-server\" or "+
			"\"brew install redis\": %v", err)
	}
	s := &Server{t: t, config: config, folder: t.TempDir()}
	t.Cleanup(s.Kill)
	// Between the choice of a free port and the server's start another process may take it.
	const attempts = 5
	var err error
	for range attempts {
		s.choosePort()
		if err = s.start(); err == nil {
			return s
		}
	}
	t.Fatalf("redis-server does not start: %v", err)
	return nil
}

func (s *Server) choosePort() {
	s.port, s.busPort = freePort(s.t), freePort(s.t)
	s.Address = net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port))
	s.URL = "redis://" + s.Address
	if s.config.TLS != nil {
		s.URL = "rediss://" + s.Address
	}
}

func freePort(t testing.TB) int {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("no free port: %v", err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

// args are what the kind of server needs.
func (s *Server) args() []string {
	port := strconv.Itoa(s.port)
	args := []string{"--bind", "127.0.0.1", "--dir", s.folder, "--daemonize", "no"}
	if s.config.Sentinel {
		// It keeps what it knows in a file of its own.
		return slices.Concat([]string{filepath.Join(s.folder, "sentinel.conf"), "--sentinel", "--port", port}, args)
	}
	args = append(args, "--save", "", "--appendonly", "yes")
	if tls := s.config.TLS; tls != nil {
		args = append(args, "--port", "0", "--tls-port", port, "--tls-ca-cert-file", tls.CA,
			"--tls-cert-file", tls.Cert, "--tls-key-file", tls.Key)
	} else {
		args = append(args, "--port", port)
	}
	if s.config.Cluster {
		// The bus has a port of its own choice: the usual one, 10000 higher, can be none at all.
		args = append(args, "--cluster-enabled", "yes", "--cluster-port", strconv.Itoa(s.busPort),
			"--cluster-node-timeout", "1000")
	}
	return args
}

// start returns once the server accepts connections.
func (s *Server) start() error {
	if s.config.Sentinel {
		if err := touch(filepath.Join(s.folder, "sentinel.conf")); err != nil {
			return err
		}
	}
	s.process = exec.Command("redis-server", slices.Concat(s.args(), s.config.Args)...)
	s.process.Env = append(os.Environ(), s.config.Env...)
	output, err := s.process.StdoutPipe()
	if err != nil {
		return err
	}
	if err := s.process.Start(); err != nil {
		return err
	}
	scanner := bufio.NewScanner(output)
	var lines []string
	for scanner.Scan() {
		if lines = append(lines, scanner.Text()); isReady(scanner.Text()) {
			go drain(scanner)
			return nil
		}
	}
	s.Kill()
	return fmt.Errorf("it ended early:\n%s", strings.Join(lines, "\n"))
}

func isReady(line string) bool {
	return strings.Contains(line, "Ready to accept connections") || strings.Contains(line, "Sentinel ID is")
}

func touch(path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return file.Close()
}

// drain keeps the server from blocking on its log.
func drain(scanner *bufio.Scanner) {
	for scanner.Scan() {
	}
}

// Kill ends the server at once, as a crash would. What it had answered is kept for Restart.
func (s *Server) Kill() {
	if s.process == nil {
		return
	}
	// Both errors say that it was killed or has ended already.
	_ = s.process.Process.Kill()
	_ = s.process.Wait()
	s.process = nil
}

// Restart starts the server again at the same address, with the same data.
func (s *Server) Restart() {
	s.t.Helper()
	s.Kill()
	if err := s.start(); err != nil {
		s.t.Fatalf("redis-server does not start again: %v", err)
	}
}
