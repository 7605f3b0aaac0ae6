package dataset

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/plumbstore/plumb/internal/wholefile"
)

// WriteDVC writes the .dvc file of an output beside it, by which DVC tracks it: its MD5, its size and its name.
func WriteDVC(ctx context.Context, output string) error {
	file, err := os.Open(output)
	if err != nil {
		return fmt.Errorf("write %s.dvc: %w", output, err)
	}
	defer func() { _ = file.Close() }()
	digest := md5.New()
	size, err := io.CopyBuffer(digest, &interruptible{ctx, file}, make([]byte, 1<<20))
	if err != nil {
		return fmt.Errorf("write %s.dvc: %w", output, err)
	}
	return wholefile.Write(output+".dvc", func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "outs:\n- md5: %s\n  size: %d\n  hash: md5\n  path: %s\n",
			hex.EncodeToString(digest.Sum(nil)), size, yamlText(filepath.Base(output)))
		return err
	})
}

// yamlText is a text as YAML may have it anywhere: JSON's quotation is one of YAML's.
func yamlText(text string) string { return fmt.Sprintf("%q", text) }
