package dataset

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/plumbstore/plumb/internal/disk"
)

// WriteDVC writes the .dvc file of an output beside it, by which DVC tracks it: its MD5, its size and its name. If the
// output lies in a DVC repository, a copy goes into its cache, so that dvc status finds everything in order and dvc
// push has what to push. If the repository's configuration sets anything about the cache, it is left to dvc commit.
func WriteDVC(ctx context.Context, on disk.Disk, output string) error {
	file, err := disk.OpenRegular(output)
	if err != nil {
		return fmt.Errorf("write %s.dvc: %w", output, err)
	}
	defer func() { _ = file.Close() }()
	digest := md5.New()
	size, err := io.CopyBuffer(digest, &interruptible{ctx, file}, make([]byte, 1<<20))
	if err != nil {
		return fmt.Errorf("write %s.dvc: %w", output, err)
	}
	sum := hex.EncodeToString(digest.Sum(nil))
	if err := keepForDVC(ctx, on, file, output, sum); err != nil {
		return fmt.Errorf("put %s into the cache of DVC: %w", output, err)
	}
	return on.Write(output+".dvc", func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "outs:\n- md5: %s\n  size: %d\n  hash: md5\n  path: %s\n", sum, size,
			yamlText(filepath.Base(output)))
		return err
	})
}

// keepForDVC copies the file to where DVC looks for content of this MD5: d41d8c… is .dvc/cache/files/md5/d4/1d8c…. A
// file that is there already has the same content, and is left alone.
func keepForDVC(ctx context.Context, on disk.Disk, file io.ReadSeeker, output, sum string) error {
	repository, err := findDVC(output)
	if err != nil || repository == "" {
		return err
	}
	path := filepath.Join(repository, "cache", "files", "md5", sum[:2], sum[2:])
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	if err := on.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	err = on.Write(path, func(w io.Writer) error {
		_, err := io.CopyBuffer(w, &interruptible{ctx, file}, make([]byte, 1<<20))
		return err
	})
	if err != nil {
		return err
	}
	return os.Chmod(path, 0o444) // As DVC has it: what is in the cache must not change.
}

// findDVC returns the .dvc folder of the repository that a file lies in; empty if it lies in none, or if the
// configuration says where or how the cache is.
func findDVC(output string) (string, error) {
	folder, err := filepath.Abs(filepath.Dir(output))
	if err != nil {
		return "", err
	}
	for {
		found := filepath.Join(folder, ".dvc")
		if info, err := os.Stat(found); err == nil && info.IsDir() {
			configured, err := configuresCache(found)
			if configured {
				found = ""
			}
			return found, err
		}
		if filepath.Dir(folder) == folder {
			return "", nil
		}
		folder = filepath.Dir(folder)
	}
}

// configuresCache says whether a repository's configuration has a section of the cache.
func configuresCache(repository string) (bool, error) {
	for _, name := range []string{"config", "config.local"} {
		text, err := disk.ReadRegular(filepath.Join(repository, name), maxManifest)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return false, err
		}
		for line := range strings.Lines(string(text)) {
			if strings.TrimSpace(line) == "[cache]" {
				return true, nil
			}
		}
	}
	return false, nil
}

// plainText is what YAML, and DVC, write without quotes.
var plainText = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]*[.](parquet|csv|arrow)$`)

// yamlText is a text as YAML may have it anywhere: Go's escapes are all among those of YAML's double quotes.
func yamlText(text string) string {
	if plainText.MatchString(text) {
		return text
	}
	return fmt.Sprintf("%q", text)
}
