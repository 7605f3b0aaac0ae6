package pushlog_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/disk/faulty"
	"github.com/plumbstore/plumb/store/pushlog"
)

// server pushes rows as materialize does, on a disk that may fail: what is acknowledged is online then.
type server struct {
	t                    *testing.T
	fault                faulty.Fault
	system               *faulty.System
	log                  *pushlog.Log
	next                 int64
	acknowledged, online []int64
}

// errKilled is what becomes of a server whose power has failed.
var errKilled = errors.New("the process is no more")

func (s *server) open(folder string) error {
	var err error
	s.log, err = pushlog.Open(s.t.Context(), pushlog.Config{Folder: folder, Now: newClock().Now, Disk: disk.On(s.system),
		Replay: func(_ context.Context, record arrow.RecordBatch) error {
			if s.fault.Err == nil && s.system.Struck() != "" {
				return errKilled
			}
			s.online = append(s.online, record.Column(0).(*array.Int64).Int64Values()...)
			return nil
		}})
	return err
}

// push appends a row with each column, and brings what is left from before online first.
func (s *server) push(columns ...string) {
	if s.log.Settle(s.t.Context()) != nil {
		return
	}
	var records []arrow.RecordBatch
	var rows []int64
	for _, column := range columns {
		s.next++
		records, rows = append(records, batch(column, s.next)), append(rows, s.next)
	}
	if s.log.Append(records...) != nil {
		return
	}
	s.acknowledged, s.online = append(s.acknowledged, rows...), append(s.online, rows...)
	s.log.Settled()
}

// again does what may fail, once more if it does. One fault must not stop it for good.
func (s *server) again(do func() error) {
	err := do()
	if err != nil {
		err = do()
	}
	if err != nil && s.fault.Err != nil {
		s.t.Errorf("a single fault stops the log for good: %v", err)
	}
}

func (s *server) roll() error {
	s.log.Retire(false)
	return errors.Join(s.log.Settle(s.t.Context()), s.log.RollClosed())
}

// recovered are the rows that the next process makes Parquet files of, once it has a disk without faults.
func recovered(t *testing.T, folder string) []int64 {
	t.Helper()
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	log := open(t, folder, newClock(), func(config *pushlog.Config) {
		config.Disk = disk.On(faulty.New(t, folder, faulty.Fault{})) // Its syncs take no time.
	})
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	expectNothingElse(t, folder)
	rows := rolled(t, folder)
	if !slices.IsSorted(rows) || len(slices.Compact(slices.Clone(rows))) != len(rows) {
		t.Errorf("the rows are not in order, or there more than once: %v", rows)
	}
	return rows
}

// check is that the log has what was acknowledged and what is online.
func (s *server) check(folder string) {
	s.t.Helper()
	rows := recovered(s.t, folder)
	for _, row := range s.acknowledged {
		if !slices.Contains(rows, row) {
			s.t.Errorf("row %d was acknowledged, and is lost; there are %v", row, rows)
		}
	}
	for _, row := range s.online {
		if !slices.Contains(rows, row) {
			s.t.Errorf("row %d is online, and not in the log, which has %v", row, rows)
		}
	}
}

func TestR17WhatIsAcknowledgedSurvivesAFaultOfTheDiskAtEveryOperation(t *testing.T) {
	faulty.Every(t, func(t *testing.T, fault faulty.Fault) *faulty.System {
		root := t.TempDir()
		folder := filepath.Join(root, "push", "log")
		s := &server{t: t, fault: fault, system: faulty.New(t, root, fault)}
		if s.open(folder) == nil {
			s.push("n")
			s.push("n", "n")
			s.again(s.roll)
			s.push("n")
			s.push("n", "m")
			s.push("m")
			s.again(s.roll)
			s.push("n")
			_ = s.log.Close()
		}
		s.system.PowerFails()
		s.check(folder)
		return s.system
	})
}

// A process is killed at each operation; the next one takes over what it left, and its power fails at each operation.
func TestR17WhatIsAcknowledgedSurvivesAKilledProcessAndThenAPowerFailure(t *testing.T) {
	reached := true
	for at := 1; reached && !t.Failed(); at++ {
		faulty.Every(t, func(t *testing.T, fault faulty.Fault) *faulty.System {
			root := t.TempDir()
			folder := filepath.Join(root, "log")
			killed := faulty.Fault{At: at, Survivors: faulty.Everything}
			s := &server{t: t, fault: killed, system: faulty.New(t, root, killed)}
			if s.open(folder) == nil {
				s.push("n")
				s.push("n")
				_ = s.roll()
				s.push("n")
			}
			reached = s.system.Struck() != ""
			s.fault, s.system = fault, s.system.Next(fault)
			if s.open(folder) == nil {
				s.push("n")
				_ = s.log.Close()
			}
			s.system.PowerFails()
			s.check(folder)
			return s.system
		}, faulty.Fault{Survivors: faulty.Removals})
	}
}

// The process before was killed before it had synced anything.
func TestR17WhatAKilledProcessLeftIsDurableBeforeItIsOnline(t *testing.T) {
	faulty.Every(t, func(t *testing.T, fault faulty.Fault) *faulty.System {
		folder := t.TempDir()
		s := &server{t: t, fault: fault, system: faulty.New(t, folder, fault)}
		left(t, folder, []int64{1, 2}, []int64{3})
		if s.open(folder) == nil {
			s.again(s.log.RollClosed)
			_ = s.log.Release()
		}
		s.system.PowerFails()
		s.check(folder)
		return s.system
	})
}

// The process before was killed after it had given the Parquet file its name, and before that was durable.
func TestAWriteAheadFileIsRemovedOnceTheNameOfItsParquetFileIsDurable(t *testing.T) {
	faulty.Every(t, func(t *testing.T, fault faulty.Fault) *faulty.System {
		folder := t.TempDir()
		path := left(t, folder, []int64{1, 2})
		wal, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		open(t, folder, newClock())
		parquet := named(t, folder, ".parquet")[0]
		unfinished := parquet + ".unfinished"
		if err := errors.Join(os.Rename(parquet, unfinished), os.WriteFile(path, wal, 0o644)); err != nil {
			t.Fatal(err)
		}
		s := &server{t: t, fault: fault, system: faulty.New(t, folder, fault), acknowledged: []int64{1, 2}}
		if err := os.Rename(unfinished, parquet); err != nil {
			t.Fatal(err)
		}
		if s.open(folder) == nil {
			_ = s.log.Close()
		}
		s.system.PowerFails()
		if err := os.Remove(unfinished); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		s.check(folder)
		return s.system
	})
}

func TestRowsWhoseSyncFailedAreDroppedAndTheirFileTakesNoMore(t *testing.T) {
	root := t.TempDir()
	folder := filepath.Join(root, "log")
	fault := faulty.Fault{Kind: faulty.Sync, At: 2, Err: syscall.EIO, Survivors: faulty.Everything}
	s := &server{t: t, fault: fault, system: faulty.New(t, root, fault)}
	if err := s.open(folder); err != nil {
		t.Fatal(err)
	}
	s.push("n")
	s.push("n")
	s.push("n")
	if want := []int64{1, 3}; !slices.Equal(s.acknowledged, want) || !slices.Equal(s.online, want) {
		t.Errorf("%v are acknowledged and %v online, want %v", s.acknowledged, s.online, want)
	}
	if files := named(t, folder, ".wal"); len(files) != 2 {
		t.Errorf("there are %v, want a new file after the failure", files)
	}
	s.system.PowerFails()
	if got := recovered(t, folder); !slices.Equal(got, []int64{1, 3}) {
		t.Errorf("the next process has %v", got)
	}
}
