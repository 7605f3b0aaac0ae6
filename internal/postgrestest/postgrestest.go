// Package postgrestest runs a real PostgreSQL server for tests.
package postgrestest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// User and Password are those of the server's superuser.
const (
	User     = "plumb"
	Password = "hunter2"
)

// Config is what a server is started with.
type Config struct {
	// Args are appended to postgres' arguments, such as "-c", "max_connections=5".
	Args []string
	// TLS makes the server take TLS, with a certificate for 127.0.0.1 that is in Server.Certificate.
	TLS bool
}

// Server is a PostgreSQL server on a free port of this machine. It keeps its data, in a folder of its own, when it is
// killed.
type Server struct {
	// Address is host:port. It stays the same when the server is started again.
	Address string
	// Folder is the folder of the server's Unix socket.
	Folder string
	// Certificate is the path of the certificate that the server presents, if it takes TLS.
	Certificate string

	t         testing.TB
	config    Config
	programs  string
	port      int
	databases atomic.Int64
	process   *exec.Cmd
	// ended is closed once the server and all of its processes are gone.
	ended chan struct{}
}

// Start starts a server and stops it at the end of the test. The test fails if PostgreSQL is not installed.
func Start(t testing.TB) *Server {
	t.Helper()
	return StartWith(t, Config{})
}

// StartWith is Start with a configuration.
func StartWith(t testing.TB, config Config) *Server {
	t.Helper()
	programs, err := findPrograms()
	if err != nil {
		t.Fatalf("this test needs PostgreSQL: install it with \"apt-get install postgresql\" or \"brew install "+
			"postgresql\": %v", err)
	}
	s := &Server{t: t, config: config, programs: programs, Folder: makeFolder(t)}
	t.Cleanup(s.Kill)
	if err := s.initialize(); err != nil {
		t.Fatalf("PostgreSQL cannot be set up: %v", err)
	}
	// Between the choice of a free port and the server's start another process may take it.
	const attempts = 5
	for range attempts {
		s.choosePort()
		if err = s.start(); err == nil {
			return s
		}
	}
	t.Fatalf("PostgreSQL does not start: %v", err)
	return nil
}

// findPrograms returns the folder of initdb, which Debian keeps off the PATH.
func findPrograms() (string, error) {
	path, err := exec.LookPath("initdb")
	if err == nil {
		return filepath.Dir(path), nil
	}
	found, globErr := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if globErr != nil || len(found) == 0 {
		return "", err
	}
	return filepath.Dir(slices.Max(found)), nil
}

// makeFolder makes a folder that the server's user owns. Those that t.TempDir makes are closed to other users.
func makeFolder(t testing.TB) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "postgres")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(folder); err != nil {
			t.Error(err)
		}
	})
	if err := give(folder); err != nil {
		t.Fatal(err)
	}
	return folder
}

func (s *Server) data() string { return filepath.Join(s.Folder, "data") }

// initialize makes a cluster that asks everybody for a password.
func (s *Server) initialize() error {
	secret := filepath.Join(s.Folder, "password")
	if err := s.place(secret, []byte(Password)); err != nil {
		return err
	}
	command := s.command("initdb", "--pgdata", s.data(), "--username", User, "--pwfile", secret, "--auth",
		"scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync", "--no-instructions")
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%w:\n%s", err, output)
	}
	if !s.config.TLS {
		return nil
	}
	return s.makeCertificate()
}

// place writes a file that is the server's user's alone.
func (s *Server) place(path string, content []byte) error {
	return errors.Join(os.WriteFile(path, content, 0o600), give(path))
}

func (s *Server) command(program string, args ...string) *exec.Cmd {
	command := exec.Command(filepath.Join(s.programs, program), args...)
	command.Dir = s.Folder
	command.Env = append(os.Environ(), "LC_ALL=C", "TZ=UTC")
	command.SysProcAttr = asServer()
	return command
}

func (s *Server) choosePort() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatalf("no free port: %v", err)
	}
	s.Address = listener.Addr().String()
	s.port = listener.Addr().(*net.TCPAddr).Port
	if err := listener.Close(); err != nil {
		s.t.Fatalf("no free port: %v", err)
	}
}

// start returns once the server accepts connections. What is killed with the operating system still up needs no fsync
// to be durable.
func (s *Server) start() error {
	args := []string{"-D", s.data(), "-p", strconv.Itoa(s.port), "-c", "listen_addresses=127.0.0.1", "-c",
		"unix_socket_directories=" + s.Folder, "-c", "fsync=off", "-c", "logging_collector=off"}
	if s.config.TLS {
		args = append(args, "-c", "ssl=on")
	}
	s.process = s.command("postgres", slices.Concat(args, s.config.Args)...)
	output, err := s.process.StderrPipe()
	if err != nil {
		return err
	}
	if err := s.process.Start(); err != nil {
		s.process = nil
		return err
	}
	s.ended = make(chan struct{})
	scanner := bufio.NewScanner(output)
	var lines []string
	for scanner.Scan() {
		lines = append(lines, scanner.Text())
		if strings.Contains(scanner.Text(), "ready to accept connections") {
			go drain(output, s.ended)
			return nil
		}
	}
	close(s.ended)
	s.Kill()
	return fmt.Errorf("it ended early:\n%s", strings.Join(lines, "\n"))
}

// drain keeps the server from blocking on its log. Every process of the server has the log open, so its end says that
// all of them are gone.
func drain(log io.Reader, ended chan<- struct{}) {
	_, _ = io.Copy(io.Discard, log)
	close(ended)
}

// Kill ends the server and its connections at once, as a crash would. What it had committed is kept for Restart.
func (s *Server) Kill() {
	if s.process == nil {
		return
	}
	// The children of a server that is gone end by themselves once they look up; those that are at work are killed too.
	children := childrenOf(s.process.Process.Pid)
	// The errors say that it was killed or has ended already.
	_ = s.process.Process.Kill()
	for _, child := range children {
		_ = child.Kill()
	}
	<-s.ended
	_ = s.process.Wait()
	s.process = nil
}

// childrenOf returns the processes that a process has started. It returns none if the system does not report them.
func childrenOf(parent int) []*os.Process {
	listed, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", parent, parent))
	if err != nil {
		return nil
	}
	var children []*os.Process
	for field := range strings.FieldsSeq(string(listed)) {
		if id, err := strconv.Atoi(field); err == nil {
			if child, err := os.FindProcess(id); err == nil {
				children = append(children, child)
			}
		}
	}
	return children
}

// Restart starts the server again at the same address, with the same data.
func (s *Server) Restart() {
	s.t.Helper()
	s.Kill()
	if err := s.start(); err != nil {
		s.t.Fatalf("PostgreSQL does not start again: %v", err)
	}
}

// URL is the address of a database for the superuser, without TLS.
func (s *Server) URL(database string) string {
	return s.URLFor(User, Password, database, "sslmode=disable")
}

// URLFor is the address of a database for a user, with options as in "sslmode=disable".
func (s *Server) URLFor(user, password, database, options string) string {
	address := url.URL{Scheme: "postgres", User: url.UserPassword(user, password), Host: s.Address, Path: "/" + database,
		RawQuery: options}
	return address.String()
}

// Database makes an empty database and returns its URL for the superuser.
func (s *Server) Database() string {
	s.t.Helper()
	name := fmt.Sprintf("test%d", s.databases.Add(1))
	s.Exec("postgres", "CREATE DATABASE "+name)
	return s.URL(name)
}

// Exec runs statements in a database as the superuser.
func (s *Server) Exec(database, statements string) {
	s.t.Helper()
	ctx := context.WithoutCancel(s.t.Context())
	connection, err := pgconn.Connect(ctx, s.URL(database))
	if err != nil {
		s.t.Fatal(err)
	}
	_, err = connection.Exec(ctx, statements).ReadAll()
	if err := errors.Join(err, connection.Close(ctx)); err != nil {
		s.t.Fatalf("%s: %v", statements, err)
	}
}
