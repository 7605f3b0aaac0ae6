package audit

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/plumbstore/plumb/audit/auditlog"
	"github.com/plumbstore/plumb/internal/fault"
)

// UnreadableFile is a log file that is damaged, no audit log, or of a newer version. Nothing of it is in the report.
type UnreadableFile struct {
	File   string `json:"file"`
	Reason string `json:"reason"`
}

// CopiedFile is a log file with the same bytes as another one, Of. Its rows count once.
type CopiedFile struct {
	File string `json:"file"`
	Of   string `json:"of"`
}

// unreadable is what the report says of a file that could not be read; false for errors that are not of the file.
func unreadable(path string, err error) (UnreadableFile, bool) {
	if input, ok := errors.AsType[*fault.InputError](err); ok {
		return UnreadableFile{File: path, Reason: input.Message}, true
	}
	reason := strings.TrimPrefix(fmt.Sprint(err), "the audit log "+path+": ")
	return UnreadableFile{File: path, Reason: reason}, errors.Is(err, fault.ErrNewer)
}

// isCopy says whether a file has the bytes of one that was added before, and notes it. A copy under another name would
// count its look-ups twice.
func (l *logs) isCopy(path string) (bool, error) {
	digest, err := contentOf(path)
	if err != nil {
		return false, err
	}
	if first, there := l.byContent[digest]; there {
		l.copies = append(l.copies, CopiedFile{File: path, Of: first})
		return true, nil
	}
	l.byContent[digest] = path
	return false, nil
}

// contentOf is the digest of the bytes of a log file.
func contentOf(path string) (digest [sha256.Size]byte, err error) {
	file, err := os.Open(path)
	if err != nil {
		return digest, fault.Inputf(path, "cannot be read: %v", err)
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return digest, fault.Inputf(path, "cannot be read: %v", err)
	}
	return [sha256.Size]byte(sum.Sum(nil)), nil
}

// checkRows reads and counts the rows of a file that a request is about. Damage is found here, before anything of the
// file is compared.
func checkRows(ctx context.Context, file *auditlog.File, request Request) (rows int64, err error) {
	err = readServed(ctx, file, request, func(batch arrow.RecordBatch) error {
		rows += batch.NumRows()
		for use := range file.Header.Views {
			if err := checkUse(&file.Header, use, batch); err != nil {
				return fault.Inputf(file.Path, "is damaged: %v", err)
			}
		}
		return nil
	})
	return rows, err
}

func checkUse(header *auditlog.Header, use int, batch arrow.RecordBatch) error {
	l, err := newLogged(header, use, batch)
	if err != nil {
		return err
	}
	for _, needed := range []struct {
		name   string
		column arrow.Array
	}{
		{auditlog.RequestColumn, l.request}, {auditlog.RowColumn, l.row}, {auditlog.AtColumn, l.at},
	} {
		if nulls := needed.column.NullN(); nulls > 0 {
			return fmt.Errorf("its column %q has %d nulls", needed.name, nulls)
		}
	}
	for _, statuses := range l.statuses {
		for row := range l.rows {
			if _, err := statusAt(statuses, row); err != nil {
				return err
			}
		}
	}
	return nil
}
