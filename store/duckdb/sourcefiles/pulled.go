package sourcefiles

import (
	"path/filepath"
	"strings"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/store/pulled"
)

// pulledFiles lists what was pulled for the query of a source.
func (f *Finder) pulledFiles(source string, files feature.Files) ([]string, error) {
	folder, err := FolderBelow(f.project, f.names, "path", files.Path)
	if err != nil {
		return nil, err
	}
	found, err := pulled.List(filepath.Join(folder, files.Pull.Folder()))
	if err == nil && len(found) == 0 {
		source, _, _ = strings.Cut(source, " ") // A source with a push log is called by more than its name.
		err = fault.Inputf("", "nothing was pulled to %s for this connection, query and time column yet; run plumb pull %s",
			files.Path, source)
	}
	return found, err
}
