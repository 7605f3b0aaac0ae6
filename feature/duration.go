package feature

import (
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"strings"
	"time"
)

// DurationPattern is the form of a duration, apart from "" which is none: whole or decimal numbers of d, h, m, s, ms
// and us, the larger unit first, each at most once.
const DurationPattern = `^(\d+(?:\.\d+)?d)?(\d+(?:\.\d+)?h)?(\d+(?:\.\d+)?m)?(\d+(?:\.\d+)?s)?` +
	`(\d+(?:\.\d+)?ms)?(\d+(?:\.\d+)?us)?$`

var durationForm = regexp.MustCompile(DurationPattern)

var units = []struct {
	name string
	size time.Duration
}{
	{"d", 24 * time.Hour},
	{"h", time.Hour},
	{"m", time.Minute},
	{"s", time.Second},
	{"ms", time.Millisecond},
	{"us", time.Microsecond},
}

// ParseDuration reads a duration such as 90s, 6h, 7d or 1d12h. It must be a whole number of microseconds, and at most
// the 292 years that a time.Duration holds. It computes with fractions, since a ttl is exact to the microsecond (R2)
// and most decimal numbers are not floats: 0.3s has to be 300,000 microseconds and nothing else.
func ParseDuration(text string) (time.Duration, error) {
	groups := durationForm.FindStringSubmatch(text)
	if groups == nil || text == "" {
		return 0, fmt.Errorf("%q is not a duration; write it as 90s, 6h, 7d or 1d12h, with the units d, h, m, s, ms, us",
			text)
	}
	total := new(big.Rat)
	for i, unit := range units {
		if amount, ok := new(big.Rat).SetString(strings.TrimSuffix(groups[i+1], unit.name)); ok {
			total.Add(total, amount.Mul(amount, new(big.Rat).SetInt64(unit.size.Microseconds())))
		}
	}
	if !total.IsInt() {
		return 0, fmt.Errorf("%q is not a whole number of microseconds; that is as fine as time gets", text)
	}
	nanoseconds := total.Num().Mul(total.Num(), big.NewInt(int64(time.Microsecond)))
	if !nanoseconds.IsInt64() {
		return 0, fmt.Errorf("%q is longer than the 106751 days that a duration may have", text)
	}
	return time.Duration(nanoseconds.Int64()), nil
}

var errNoDuration = errors.New("a duration is a positive number of whole microseconds")

// FormatDuration writes a duration in the short form that ParseDuration reads, such as 1d12h. It is an error when the
// duration is not positive or no whole number of microseconds.
func FormatDuration(d time.Duration) (string, error) {
	if d <= 0 || d%time.Microsecond != 0 {
		return "", fmt.Errorf("%w; %s is not", errNoDuration, d)
	}
	var text strings.Builder
	for _, unit := range units {
		if amount := d / unit.size; amount > 0 {
			fmt.Fprintf(&text, "%d%s", amount, unit.name)
			d -= amount * unit.size
		}
	}
	return text.String(), nil
}
