package objects

import (
	"cmp"
	"net/http"
	"net/url"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/plumbstore/plumb/internal/fault"
)

const (
	// requests is how many requests of a store run at a time.
	requests = 16
	// attempts is how often a request is made before its fault counts.
	attempts = 6
	// patience is how long a server may send nothing.
	patience = 30 * time.Second
)

// Config says where objects are, and how they are read.
type Config struct {
	// Endpoint is the URL of the server, such as https://minio.example.com:9000; empty for that of AWS, and for gs://…
	// that of Google.
	Endpoint string
	// Region is that of the buckets; empty if the server is to be asked.
	Region string
	// Addressing is path, virtual, or auto, which is what the endpoint suggests.
	Addressing string
	// AccessKey and SecretKey are credentials; empty for those that the machine has: of the environment, of the file
	// ~/.aws/credentials, or of its role.
	AccessKey, SecretKey, SessionToken string
	// CacheDir is the absolute path of the folder that keeps what was fetched; empty for a folder of each operation.
	CacheDir string
	// CacheLimit bounds the bytes in that folder.
	CacheLimit int64
}

// Store reads and writes the objects of one server. It is safe for concurrent use.
type Store struct {
	config Config
	// amazon has the objects s3://…, and google those gs://….
	amazon, google server
	// slots bound the requests that run at a time.
	slots chan struct{}
	// patience is how long a server may send nothing.
	patience time.Duration
	// part is how many bytes a part of an upload has at least.
	part int64
}

// server is a server of objects.
type server struct {
	*minio.Core
	endpoint string
}

// server is the one that has a location.
func (s *Store) server(at Location) server {
	if at.Google {
		return s.google
	}
	return s.amazon
}

// New checks the configuration. Nothing is asked of a server yet.
func New(config Config) (*Store, error) {
	amazon, err := config.server(cmp.Or(config.Endpoint, "https://s3.amazonaws.com"))
	if err != nil {
		return nil, err
	}
	google, err := config.server(cmp.Or(config.Endpoint, "https://storage.googleapis.com"))
	return &Store{config: config, amazon: amazon, google: google, slots: make(chan struct{}, requests),
		patience: patience, part: leastPart}, err
}

func (c Config) server(address string) (server, error) {
	endpoint, err := url.Parse(address)
	if err != nil || endpoint.Host == "" || endpoint.User != nil || endpoint.Path != "" && endpoint.Path != "/" ||
		endpoint.Scheme != "http" && endpoint.Scheme != "https" {
		return server{}, fault.Inputf("objects.endpoint", "must be of the form https://host:port or http://host:port")
	}
	transport, err := minio.DefaultTransport(endpoint.Scheme == "https")
	if err != nil {
		return server{}, err
	}
	transport.ResponseHeaderTimeout = patience
	transport.MaxIdleConnsPerHost = requests
	// Bytes are fetched as they are, so that places in an object are places in what arrives.
	transport.DisableCompression = true
	core, err := minio.NewCore(endpoint.Host, &minio.Options{
		Creds: c.credentials(transport), Secure: endpoint.Scheme == "https", Region: c.Region,
		Transport: transport, MaxRetries: attempts, BucketLookup: c.lookup(),
	})
	if err != nil {
		return server{}, fault.Inputf("objects.endpoint", "cannot be used: %v", err)
	}
	return server{core, address}, nil
}

func (c Config) lookup() minio.BucketLookupType {
	switch c.Addressing {
	case "path":
		return minio.BucketLookupPath
	case "virtual":
		return minio.BucketLookupDNS
	}
	return minio.BucketLookupAuto
}

func (c Config) credentials(transport http.RoundTripper) *credentials.Credentials {
	if c.AccessKey != "" {
		return credentials.NewStaticV4(c.AccessKey, c.SecretKey, c.SessionToken)
	}
	return credentials.NewChainCredentials([]credentials.Provider{
		&credentials.EnvAWS{},
		&credentials.FileAWSCredentials{},
		&credentials.IAM{Client: &http.Client{Transport: transport, Timeout: 5 * time.Second}},
	})
}
