package expression

import (
	"errors"
	"regexp"
	"time"

	"cel.dev/cel-go/common/types"
)

const microsPerSecond = 1_000_000

const (
	timeForm = `write a timestamp as RFC 3339 with at most microseconds, ` +
		`such as timestamp("2026-11-30T12:00:00Z")`
	durationForm = `write a duration in whole microseconds with units h, m, s, ms or us, such as duration("36h")`
)

var oneText = []*types.Type{types.StringType}

// timePattern is RFC 3339 with at most microseconds. time.Parse alone accepts more, such as a comma.
var timePattern = regexp.MustCompile(
	`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$`)

func parseTime(text string) (int64, bool) {
	if !timePattern.MatchString(text) {
		return 0, false
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	return t.UnixMicro(), err == nil
}

func parseDuration(text string) (int64, bool) {
	d, err := time.ParseDuration(text)
	return d.Microseconds(), err == nil && d%time.Microsecond == 0
}

// timeParts are what a timestamp's accessors return, numbered as in CEL: months, days of the month and of the year
// begin at 0, except for getDate; Sunday is 0.
var timeParts = map[string]func(time.Time) int{
	"getFullYear":     time.Time.Year,
	"getMonth":        func(t time.Time) int { return int(t.Month()) - 1 },
	"getDate":         time.Time.Day,
	"getDayOfMonth":   func(t time.Time) int { return t.Day() - 1 },
	"getDayOfWeek":    func(t time.Time) int { return int(t.Weekday()) },
	"getDayOfYear":    func(t time.Time) int { return t.YearDay() - 1 },
	"getHours":        time.Time.Hour,
	"getMinutes":      time.Time.Minute,
	"getSeconds":      time.Time.Second,
	"getMilliseconds": func(t time.Time) int { return t.Nanosecond() / int(time.Millisecond) },
}

// durationUnits are what the accessors of a duration count: all of it in that unit, rounded toward zero.
var durationUnits = map[string]time.Duration{
	"getHours": time.Hour, "getMinutes": time.Minute, "getSeconds": time.Second, "getMilliseconds": time.Millisecond,
}

func timePart(part func(time.Time) int, zone *time.Location) kernel {
	return mapOne(intsOf, intsOf, func(micros int64) int64 { return int64(part(time.UnixMicro(micros).In(zone))) })
}

// zonedPart takes the zone from a constant second operand.
func zonedPart(part func(time.Time) int) func(site) (kernel, error) {
	return func(s site) (kernel, error) {
		if s.constants[1] == nil {
			return nil, errors.New("the time zone has to be a literal text")
		}
		zone, err := findZone(s.constants[1].texts[0])
		if err != nil {
			return nil, err
		}
		return timePart(part, zone), nil
	}
}

func durationSeconds(micros int64) float64 { return float64(micros) / microsPerSecond }

func temporal() []function {
	all := []function{{name: "seconds", overloads: []overload{
		on(mapOne(intsOf, floatsOf, durationSeconds), doubleT, durationT),
	}}}
	for name, part := range timeParts {
		f := function{name: name, overloads: []overload{
			on(timePart(part, time.UTC), intT, timestampT).asMember(),
			chosen(zonedPart(part), intT, timestampT, stringT).asMember(),
		}}
		if unit, has := durationUnits[name]; has {
			whole := func(micros int64) int64 { return micros / unit.Microseconds() }
			f.overloads = append(f.overloads, on(mapOne(intsOf, intsOf, whole), intT, durationT).asMember())
		}
		all = append(all, f)
	}
	return all
}
