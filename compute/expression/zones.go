package expression

import (
	"archive/zip"
	"bytes"
	_ "embed" // for zoneinfo.zip
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"
	"time"
)

// zoneinfo is the IANA time zone database as Go distributes it (lib/time/zoneinfo.zip). A program has its own copy
// because time.LoadLocation prefers the machine's, and the machines that train and serve may have different versions
// (R25). To update it, copy the file of a newer Go.
//
//go:embed zoneinfo.zip
var zoneinfo []byte

var zones = sync.OnceValues(func() (*zip.Reader, error) {
	return zip.NewReader(bytes.NewReader(zoneinfo), int64(len(zoneinfo)))
})

var offsetPattern = regexp.MustCompile(`^[+-]?([01]\d|2[0-3]):[0-5]\d$`)

// findZone finds a time zone by its name or its offset from UTC.
func findZone(name string) (*time.Location, error) {
	if offsetPattern.MatchString(name) {
		return fixedZone(name), nil
	}
	zone, err := namedZone(name)
	if err != nil {
		return nil, fmt.Errorf("unknown time zone %q; "+
			`write a name such as "America/New_York" or an offset such as "-05:00"`, name)
	}
	return zone, nil
}

func fixedZone(offset string) *time.Location {
	digits := strings.TrimLeft(offset, "+-")
	hours, _ := parseInt(digits[:2])
	minutes, _ := parseInt(digits[3:])
	seconds := int(hours*3600 + minutes*60)
	if offset[0] == '-' {
		seconds = -seconds
	}
	return time.FixedZone(offset, seconds)
}

func namedZone(name string) (*time.Location, error) {
	all, err := zones()
	if err != nil {
		return nil, err
	}
	file, err := all.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(file)
	if err != nil {
		return nil, err
	}
	return time.LoadLocationFromTZData(name, data)
}
