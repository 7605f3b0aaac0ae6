package cli

import (
	"context"
	"path"
	"path/filepath"

	"github.com/plumbstore/plumb/dataset"
	"github.com/plumbstore/plumb/internal/document"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/printable"
	"github.com/plumbstore/plumb/internal/project"
	"github.com/plumbstore/plumb/source/objects"
	"github.com/plumbstore/plumb/store/offline"
)

// checkShards refuses flags that say nothing together.
func (f *historicalFlags) checkShards(changed func(name string) bool) error {
	switch {
	case changed("shard") && !changed("shards"):
		return fault.Inputf("--shard", "is one of --shards; give that too")
	case !changed("shards"):
		return nil
	case f.shards < 1, f.shards > dataset.MostParts:
		return fault.Inputf("--shards", "%d is not from 1 to %d", f.shards, dataset.MostParts)
	case changed("shard") && (f.shard < 1 || f.shard > f.shards):
		return fault.Inputf("--shard", "%d is not from 1 to %d, which --shards says", f.shard, f.shards)
	case f.out == "":
		return fault.Inputf("--out", "is missing; name the folder to write to")
	}
	for _, name := range []string{"explain", "no-manifest", "labels-by-content", "dvc"} {
		if changed(name) {
			return fault.Inputf("--"+name, "is for one file; leave it out, or --shards")
		}
	}
	return nil
}

// shardsSummary is what historical --shards says at its end.
type shardsSummary struct {
	Out    string `json:"out"`
	Shards int    `json:"shards"`
	// Made are the files that this command made, and Missing is how many are not there yet.
	Made    []madeShard `json:"made"`
	Missing int         `json:"missing"`
	Seconds float64     `json:"seconds"`
	// Rows, Views, Manifest and Digest are of the whole training set, and not there while files are missing.
	Rows     int64               `json:"rows,omitempty"`
	Views    []project.ViewMatch `json:"views,omitempty"`
	Manifest string              `json:"manifest,omitempty"`
	Digest   string              `json:"digest,omitempty"`
}

// madeShard is a file that was made.
type madeShard struct {
	Name string `json:"name"`
	offline.JoinReport
}

func (a *application) historicalShards(ctx context.Context, p *project.Project, flags historicalFlags) error {
	request, err := flags.request()
	if err != nil {
		return err
	}
	shown := a.progress("planning the join")
	defer shown.stop()
	request.Progress = shown.report
	sharded := project.ShardedRequest{TrainingSetRequest: request, Shards: flags.shards}
	if flags.shard > 0 {
		number := flags.shard - 1
		sharded.Shard = &number
	}
	started := a.now()
	made, err := p.MakeShards(ctx, sharded)
	shown.stop()
	if err != nil {
		return inFlags(err)
	}
	summary := shardsSummary{Out: flags.out, Shards: flags.shards, Made: []madeShard{}, Missing: made.Missing,
		Seconds: a.now().Sub(started).Seconds()}
	naive := false
	for _, shard := range made.Made {
		summary.Made = append(summary.Made, madeShard(shard))
		naive = naive || shard.NaiveTimes
	}
	if m := made.Manifest; m != nil {
		summary.Rows, summary.Digest, summary.Manifest = m.Output.Rows, m.Output.Digest, manifestOf(flags.out)
		summary.Views = project.Matches(m)
	}
	if naive {
		a.note("%s: %s has no zone; taken as UTC", flags.labels, flags.timestamp)
	}
	if a.output == jsonText {
		return document.Write(a.Out, summary)
	}
	return summary.write(printable.To(a.Err))
}

// manifestOf is the manifest of a folder.
func manifestOf(folder string) string {
	if !objects.IsLocation(folder) {
		return filepath.Join(folder, dataset.FolderManifest)
	}
	at, _ := objects.Parse(folder) // It was written to.
	return at.At(path.Join(at.Key, dataset.FolderManifest)).String()
}

func (s shardsSummary) write(w *printable.Writer) error {
	for _, shard := range s.Made {
		w.Printf("%s: %d rows\n", shard.Name, shard.Rows)
	}
	if s.Missing > 0 {
		return w.Printf("%s: %d of %d files are there\n", s.Out, s.Shards-s.Missing, s.Shards)
	}
	if len(s.Made) == 0 {
		w.Printf("%s: all files were there already\n", s.Out)
	}
	w.Printf("%s: %d rows in %d files, %.2f s\n", s.Out, s.Rows, s.Shards, s.Seconds)
	var lines [][]string
	for _, view := range s.Views {
		lines = append(lines, []string{"  " + view.Alias, matchedText(view.Matched, s.Rows)})
	}
	return w.Table(lines)
}
