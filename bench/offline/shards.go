package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/dustin/go-humanize"
	"golang.org/x/sync/errgroup"

	"github.com/plumbstore/plumb/bench/process"
)

const (
	shardLabels  = 2_000_000
	shardRounds  = 3
	shardsResult = "plumb-shards"
)

// measureShards prints what a training set takes in one file, in two by one process, and in two by two processes at a
// time. Each process has one thread for the engine, and the digests of the sources are known.
func measureShards(ctx context.Context, plumb, folder string) error {
	m := sharding{plumb, folder}
	if _, err := m.historical(ctx, "--out", plumbResult); err != nil { // It leaves the digests.
		return err
	}
	var whole, one, two []process.Taken
	for range shardRounds {
		took, err := m.historical(ctx, "--out", plumbResult)
		if err != nil {
			return err
		}
		whole = append(whole, took)
		for processes, taken := range map[int]*[]process.Taken{1: &one, 2: &two} {
			took, err := m.divided(ctx, processes)
			if err != nil {
				return err
			}
			*taken = append(*taken, took)
		}
	}
	fmt.Printf("%s labels, %s rows x %d features\n\n", humanize.Comma(shardLabels), humanize.Comma(featureRows), features)
	fmt.Println("| way | seconds | processor seconds | of one process's seconds | memory of a process |\n" +
		"|---|---|---|---|---|")
	base := process.Median(one)
	for _, way := range []struct {
		name  string
		taken []process.Taken
	}{{"one file", whole}, {"2 shards, one process", one}, {"2 shards, two processes", two}} {
		took := process.Median(way.taken)
		fmt.Printf("| %s | %.2f | %.2f | %.2f | %s |\n", way.name, took.Elapsed.Seconds(), took.Processor.Seconds(),
			took.Elapsed.Seconds()/base.Elapsed.Seconds(), humanize.Bytes(uint64(took.Peak)))
	}
	return nil
}

// sharding is what is measured.
type sharding struct{ plumb, folder string }

// divided makes two files by a number of processes.
func (m sharding) divided(ctx context.Context, processes int) (process.Taken, error) {
	if err := os.RemoveAll(filepath.Join(m.folder, shardsResult)); err != nil {
		return process.Taken{}, fmt.Errorf("remove the training set of before: %w", err)
	}
	args := []string{"--out", shardsResult, "--shards", "2"}
	if processes == 1 {
		return m.historical(ctx, args...)
	}
	took := make([]process.Taken, processes)
	begin := process.Now()
	group, ctx := errgroup.WithContext(ctx)
	for i := range took {
		group.Go(func() (err error) {
			took[i], err = m.historical(ctx, append(args, "--shard", fmt.Sprint(i+1))...)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return process.Taken{}, err
	}
	sum := process.Taken{Elapsed: process.Now().Sub(begin)}
	for _, each := range took {
		sum.Processor += each.Processor
		sum.Peak = max(sum.Peak, each.Peak)
	}
	return sum, nil
}

func (m sharding) historical(ctx context.Context, args ...string) (process.Taken, error) {
	return process.Run(ctx, m.folder, m.plumb, append([]string{"historical", "--labels", labelFile(shardLabels),
		"--service", "uniform", "--offline-threads", "1"}, args...)...)
}
