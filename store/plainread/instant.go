package plainread

import (
	"math/bits"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/plumbstore/plumb/feature"
)

const (
	microsPerSecond = 1_000_000
	microsPerDay    = 86_400 * microsPerSecond
	nanosPerMicro   = 1000
	// epochDay is the Julian day of 1 January 1970, from whose noon before INT96 counts.
	epochDay = 2_440_588
)

// instantCell returns a cell of count units of the given number of microseconds each. A product that int64 cannot hold
// is a value that fits no type, instead of an instant that has wrapped around.
func instantCell(count, micros int64) cell {
	high, low := bits.Mul64(uint64(max(count, -count)), uint64(micros))
	if high != 0 || low > 1<<63-1 || count == -1<<63 && micros > 1 {
		return cell{kind: isBeyond, text: strconv.FormatInt(count, 10)}
	}
	return cell{kind: isInstant, whole: count * micros}
}

// flooredCell is a cell of nanoseconds, of which what is below a microsecond goes (R1).
func flooredCell(nanos int64) cell {
	return cell{kind: isInstant, whole: floorDiv(nanos, nanosPerMicro)}
}

// floorDiv rounds down, also below zero. Go's own division rounds toward zero, which would bring the last nanosecond of
// 1969 into 1970.
func floorDiv(a, b int64) int64 {
	quotient := a / b
	if a%b < 0 {
		quotient--
	}
	return quotient
}

// julianCell is a cell of an INT96: nanoseconds of a Julian day.
func julianCell(day uint32, nanos int64) cell {
	whole := instantCell(int64(int32(day))-epochDay, microsPerDay)
	if whole.kind != isInstant {
		return whole
	}
	return cell{kind: isInstant, whole: whole.whole + floorDiv(nanos, nanosPerMicro)}
}

// instantText is RFC 3339, with a zone or without, and dates.
var instantText = regexp.MustCompile(`^([0-9]{4,6})-([0-9]{2})-([0-9]{2})(?:[T ]([0-9]{2}):([0-9]{2})` +
	`(?::([0-9]{2})(?:\.([0-9]+))?)?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?)?$`)

// parseInstant reads a text; without a zone it is of UTC, and digits below the microsecond go (R1).
func parseInstant(text string) (feature.Instant, bool) {
	parts := instantText.FindStringSubmatch(text)
	if parts == nil {
		return 0, false
	}
	var numbers [7]int
	for i := range 6 {
		numbers[i+1], _ = strconv.Atoi(parts[i+1])
	}
	year, month, day := numbers[1], time.Month(numbers[2]), numbers[3]
	at := time.Date(year, month, day, numbers[4], numbers[5], numbers[6], 0, time.UTC)
	// time.Date takes 30 February for 2 March.
	isDay := at.Year() == year && at.Month() == month && at.Day() == day
	if !isDay || numbers[4] > 23 || numbers[5] > 59 || numbers[6] > 59 {
		return 0, false
	}
	// The form allows years up to 999999. Microseconds end in the year 294247: later ones wrap around, and are not the
	// same time any more when they are read back.
	fraction, _ := strconv.Atoi((parts[7] + "000000")[:6])
	offset, ok := zoneSeconds(parts[8])
	micros := at.UnixMicro()
	instant := feature.Instant(micros + int64(fraction) - int64(offset)*microsPerSecond)
	return instant, ok && time.UnixMicro(micros).Equal(at)
}

// zoneSeconds is how far ahead of UTC a zone is.
func zoneSeconds(zone string) (int, bool) {
	if zone == "" || zone == "Z" {
		return 0, true
	}
	digits := strings.ReplaceAll(zone[1:], ":", "") + "00"
	hours, _ := strconv.Atoi(digits[:2])
	minutes, _ := strconv.Atoi(digits[2:4])
	seconds := hours*3600 + minutes*60
	if zone[0] == '-' {
		seconds = -seconds
	}
	return seconds, minutes < 60
}
