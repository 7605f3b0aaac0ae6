// Package objectstest runs a real S3 server for tests, and a proxy before it that counts and disturbs.
package objectstest

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/plumbstore/plumb/source/objects"
)

// Access and Secret are the credentials of each server.
const (
	Access = "test-access"
	Secret = "test-secret-that-no-output-may-have"
)

// Server is a versitygw on a free port, with one bucket.
type Server struct {
	// Endpoint is the server's URL.
	Endpoint string
	// Bucket is the name of the bucket.
	Bucket string

	address string
	client  *minio.Client
}

// Start starts a server, and stops it at the end of the test. The test fails if the server was not built.
func Start(t testing.TB) *Server {
	t.Helper()
	module, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(filepath.Dir(string(module)), "bin/tools/versitygw")
	if _, err := os.Stat(binary); err != nil {
		t.Fatalf("this test needs the S3 server versitygw: build it with \"make bin/tools/versitygw\": %v", err)
	}
	// Between the choice of a free port and the server's start another process may take it.
	const attempts = 5
	for range attempts {
		if s := start(t, binary); s != nil {
			return s
		}
	}
	t.Fatal("versitygw does not start")
	return nil
}

func start(t testing.TB, binary string) *Server {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{address: listener.Addr().String(), Bucket: "lake"}
	s.Endpoint = "http://" + s.address
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	var output bytes.Buffer
	process := exec.Command(binary, "--access", Access, "--secret", Secret, "--port", s.address, "--quiet", "posix",
		t.TempDir())
	process.Stdout, process.Stderr = &output, &output
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- process.Wait() }()
	t.Cleanup(func() {
		_ = process.Process.Kill()
		if err := <-ended; err == nil {
			t.Error("versitygw ended by itself")
		}
	})
	s.client, err = minio.New(s.address, &minio.Options{Creds: credentials.NewStaticV4(Access, Secret, ""),
		Region: "us-east-1", BucketLookup: minio.BucketLookupPath})
	if err != nil {
		t.Fatal(err)
	}
	if !s.answers(t, ended) {
		t.Logf("versitygw: %s", output.String())
		return nil
	}
	if err := s.client.MakeBucket(context.Background(), s.Bucket, minio.MakeBucketOptions{}); err != nil {
		t.Fatal(err)
	}
	return s
}

// answers waits until the server takes connections.
func (s *Server) answers(t testing.TB, ended chan error) bool {
	const patience = 30 * time.Second
	deadline := time.After(patience)
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		connection, err := net.Dial("tcp", s.address)
		if err == nil {
			return connection.Close() == nil
		}
		select {
		case <-ticker.C:
		case err := <-ended:
			ended <- err
			return false
		case <-deadline:
			t.Fatalf("versitygw does not answer: %v", err)
		}
	}
}

// Put uploads an object, in the place of one that is there.
func (s *Server) Put(t testing.TB, key string, content []byte) {
	t.Helper()
	_, err := s.client.PutObject(context.Background(), s.Bucket, key, bytes.NewReader(content), int64(len(content)),
		minio.PutObjectOptions{})
	if err != nil {
		t.Fatalf("put %s: %v", key, err)
	}
}

// PutFile uploads a file.
func (s *Server) PutFile(t testing.TB, key, path string) {
	t.Helper()
	if _, err := s.client.FPutObject(context.Background(), s.Bucket, key, path, minio.PutObjectOptions{}); err != nil {
		t.Fatalf("put %s: %v", key, err)
	}
}

// PutFolder uploads the files of a folder, below a prefix of keys.
func (s *Server) PutFolder(t testing.TB, prefix, folder string) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, found fs.DirEntry, err error) error {
		if err != nil || found.IsDir() {
			return err
		}
		name, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		s.PutFile(t, prefix+"/"+filepath.ToSlash(name), path)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Get returns an object's content.
func (s *Server) Get(t testing.TB, key string) []byte {
	t.Helper()
	object, err := s.client.GetObject(context.Background(), s.Bucket, key, minio.GetObjectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer object.Close()
	content, err := io.ReadAll(object)
	if err != nil {
		t.Fatalf("get %s: %v", key, err)
	}
	return content
}

// Remove removes an object.
func (s *Server) Remove(t testing.TB, key string) {
	t.Helper()
	if err := s.client.RemoveObject(context.Background(), s.Bucket, key, minio.RemoveObjectOptions{}); err != nil {
		t.Fatal(err)
	}
}

// Config is what reads the server's objects, by way of an endpoint: the server's own, or that of a proxy.
func (s *Server) Config(endpoint string) objects.Config {
	return objects.Config{Endpoint: endpoint, Region: "us-east-1", Addressing: "path", AccessKey: Access,
		SecretKey: Secret}
}

// Handler is what a proxy does with a request: next passes it on.
type Handler func(w http.ResponseWriter, r *http.Request, next http.Handler)

// Uploads are the keys of the uploads that were begun and neither completed nor aborted.
func (s *Server) Uploads(t testing.TB) []string {
	t.Helper()
	var keys []string
	for upload := range s.client.ListIncompleteUploads(context.Background(), s.Bucket, "", true) {
		if upload.Err != nil {
			t.Fatal(upload.Err)
		}
		keys = append(keys, upload.Key)
	}
	return keys
}

// Keys are those of all objects.
func (s *Server) Keys(t testing.TB) []string {
	t.Helper()
	var keys []string
	for object := range s.client.ListObjects(context.Background(), s.Bucket, minio.ListObjectsOptions{Recursive: true}) {
		if object.Err != nil {
			t.Fatal(object.Err)
		}
		keys = append(keys, object.Key)
	}
	return keys
}
