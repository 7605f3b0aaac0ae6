package delta

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"github.com/plumbstore/plumb/source/lake"
)

// action is a line of a commit, or a row of a checkpoint, as far as reading needs it. One field is set at most: actions
// of other kinds are passed over.
type action struct {
	Add      *add        `json:"add"`
	Remove   *remove     `json:"remove"`
	Metadata *metadata   `json:"metaData"`
	Protocol *protocol   `json:"protocol"`
	Commit   *commitInfo `json:"commitInfo"`
	Sidecar  *sidecar    `json:"sidecar"`
}

type add struct {
	Path             string             `json:"path"`
	PartitionValues  map[string]*string `json:"partitionValues"`
	Size             int64              `json:"size"`
	ModificationTime int64              `json:"modificationTime"`
	Stats            string             `json:"stats"`
	Vector           *vector            `json:"deletionVector"`
}

type remove struct {
	Path   string  `json:"path"`
	Vector *vector `json:"deletionVector"`
}

// vector says where the deletion vector of a file is.
type vector struct {
	Storage     string `json:"storageType"`
	Path        string `json:"pathOrInlineDv"`
	Offset      *int64 `json:"offset"`
	Size        int64  `json:"sizeInBytes"`
	Cardinality int64  `json:"cardinality"`
}

type metadata struct {
	ID               string            `json:"id"`
	Schema           string            `json:"schemaString"`
	PartitionColumns []string          `json:"partitionColumns"`
	Configuration    map[string]string `json:"configuration"`
}

type protocol struct {
	Reader         int      `json:"minReaderVersion"`
	ReaderFeatures []string `json:"readerFeatures"`
}

// commitInfo has the time of a commit, in milliseconds. The one that is kept in order counts, if it is there.
type commitInfo struct {
	Timestamp         *int64 `json:"timestamp"`
	InCommitTimestamp *int64 `json:"inCommitTimestamp"`
}

type sidecar struct {
	Path string `json:"path"`
}

// eachAction hands out the actions of a commit or a checkpoint in JSON.
func eachAction(text []byte, name string, visit func(*action) error) error {
	lines := json.NewDecoder(bytes.NewReader(text))
	for {
		var a action
		switch err := lines.Decode(&a); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return lake.Damaged(name, err)
		}
		if err := visit(&a); err != nil {
			return err
		}
	}
}
