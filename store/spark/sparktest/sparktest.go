// Package sparktest runs a real Spark Connect server for tests, and a proxy before it that disturbs.
//
// A server takes long to start, so tests share one: Shared starts it, and Main stops it after the last test of a
// package. The program serve starts one for several packages.
package sparktest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Variable is the environment variable with the address of a server that all packages share.
const Variable = "PLUMB_SPARKTEST"

// Server is a Spark Connect server with one slot and two shuffle partitions, on a port of this machine.
type Server struct {
	// Address is host:port, Remote is sc://host:port.
	Address, Remote string

	folder  string
	process *exec.Cmd
	ended   chan struct{}
}

var shared struct {
	sync.Mutex
	server *Server
}

// Main runs the tests of a package, and stops the server that they shared: func TestMain(m *testing.M) {
// os.Exit(sparktest.Main(m)) }.
func Main(m *testing.M) int {
	code := m.Run()
	if shared.server != nil {
		shared.server.Kill()
	}
	return code
}

// Shared is the one server of all tests. It is started if no process before this one did. The package's TestMain has to
// call Main.
func Shared(t testing.TB) *Server {
	t.Helper()
	if address := os.Getenv(Variable); address != "" {
		return at(address)
	}
	shared.Lock()
	defer shared.Unlock()
	if shared.server == nil {
		server, err := Launch()
		if err != nil {
			t.Fatalf("this test needs Spark: %v", err)
		}
		shared.server = server
	}
	return shared.server
}

// Start starts a server that is the test's alone, with settings such as spark.connect.authenticate.token=secret.
func Start(t testing.TB, settings ...string) *Server {
	t.Helper()
	server, err := Launch(settings...)
	if err != nil {
		t.Fatalf("this test needs Spark: %v", err)
	}
	t.Cleanup(server.Kill)
	return server
}

func at(address string) *Server { return &Server{Address: address, Remote: "sc://" + address} }

// Launch starts a server, which the caller kills.
func Launch(settings ...string) (*Server, error) {
	home, err := find()
	if err != nil {
		return nil, err
	}
	// Between the choice of a free port and the server's start another process may take it.
	const attempts = 3
	for range attempts {
		var server *Server
		if server, err = launch(home, settings); err == nil {
			return server, nil
		}
	}
	return nil, err
}

// Python is the Python of the environment in which pyspark is installed.
func Python(t testing.TB) string {
	t.Helper()
	folder, err := environment()
	if err != nil {
		t.Fatalf("this test needs pyspark: %v", err)
	}
	return filepath.Join(folder, "bin/python")
}

// environment is the folder that make bin/spark/ready makes.
func environment() (string, error) {
	module, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", err
	}
	folder := filepath.Join(filepath.Dir(string(module)), "bin/spark")
	if _, err := os.Stat(filepath.Join(folder, "bin/python")); err != nil {
		return "", fmt.Errorf("install it with \"make bin/spark/ready\": %w", err)
	}
	return folder, nil
}

// find returns the folder of pyspark, which has all of Spark.
func find() (string, error) {
	folder, err := environment()
	if err != nil {
		return "", err
	}
	found, err := filepath.Glob(filepath.Join(folder, "lib/python3*/site-packages/pyspark"))
	if err == nil && len(found) != 1 {
		err = fmt.Errorf("%s has no pyspark", folder)
	}
	if err != nil {
		return "", err
	}
	return found[0], nil
}

// untilInputEnds runs a command, and kills it when the standard input ends: when this process does, however that is.
const untilInputEnds = `exec 3<&0; "$@" </dev/null 3<&- & started=$!; { read _ <&3; kill -9 $started; } & wait $started`

func launch(home string, settings []string) (*Server, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := at(listener.Addr().String())
	if err := listener.Close(); err != nil {
		return nil, err
	}
	if s.folder, err = os.MkdirTemp("", "spark"); err != nil {
		return nil, err
	}
	_, port, _ := net.SplitHostPort(s.Address)
	args := []string{"--master", "local[1]", "--driver-memory", "2g", "--class",
		"org.apache.spark.sql.connect.service.SparkConnectServer"}
	for _, setting := range append([]string{"spark.connect.grpc.binding.address=127.0.0.1",
		"spark.connect.grpc.binding.port=" + port, "spark.sql.shuffle.partitions=2", "spark.ui.enabled=false",
		"spark.sql.catalogImplementation=in-memory", "spark.local.dir=" + s.folder,
		"spark.connect.progress.reportInterval=100ms"}, settings...) {
		args = append(args, "--conf", setting)
	}
	args = append([]string{"-c", untilInputEnds, "sh", filepath.Join(home, "bin/spark-submit")}, args...)
	s.process = exec.Command("sh", append(args, "spark-internal")...)
	s.process.Dir = s.folder
	s.process.Env = append(os.Environ(), "SPARK_HOME="+home, "SPARK_LOCAL_IP=127.0.0.1",
		"SPARK_SUBMIT_OPTS=-Djava.io.tmpdir="+s.folder)
	if _, err = s.process.StdinPipe(); err != nil {
		return nil, err
	}
	// The shell and Java are one group.
	s.process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	log, err := os.Create(filepath.Join(s.folder, "log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	s.process.Stdout, s.process.Stderr = log, log
	if err := s.process.Start(); err != nil {
		return nil, err
	}
	s.ended = make(chan struct{})
	go func() {
		_ = s.process.Wait() // It was killed, or its log says why it ended.
		close(s.ended)
	}()
	if err := s.awaitReady(); err != nil {
		said := s.Log()
		s.Kill()
		return nil, fmt.Errorf("Spark does not start: %w:\n%s", err, said[max(0, len(said)-4000):])
	}
	return s, nil
}

// awaitReady waits until the server takes connections.
func (s *Server) awaitReady() error {
	const patience = 3 * time.Minute
	deadline := time.After(patience)
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-s.ended:
			return fmt.Errorf("it ended early")
		case <-deadline:
			return fmt.Errorf("it does not listen")
		}
		if connection, err := net.Dial("tcp", s.Address); err == nil {
			return connection.Close()
		}
	}
}

// Log is what the server has logged. It is empty for a server of another process.
func (s *Server) Log() string {
	text, err := os.ReadFile(filepath.Join(s.folder, "log"))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

// Kill ends the server at once, as a crash would.
func (s *Server) Kill() {
	if s.process == nil {
		return
	}
	_ = syscall.Kill(-s.process.Process.Pid, syscall.SIGKILL) // The error says that it has ended.
	<-s.ended
	_ = os.RemoveAll(s.folder) // It is temporary.
}
