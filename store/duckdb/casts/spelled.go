package casts

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// spells says whether a text spells a value of a type: for a whole number, writing the number gives the text again
// (R9). It is what convertText says in SQL, for texts that are known without reading a row: those in the names of
// folders. So a folder such as day=yesterday is found when definitions are checked. For floats it is laxer than the
// SQL, and what it lets through is found while reading.
func spells(text string, declared plumbv1.Type) bool {
	switch declared {
	case plumbv1.Type_TIMESTAMP:
		return spellsTime(text)
	case plumbv1.Type_BYTES:
		_, ok := value.ParseBytes(text)
		return ok
	case plumbv1.Type_BOOL:
		return text == "true" || text == "false"
	case plumbv1.Type_INT32:
		_, ok := value.ParseInteger(text, 32)
		return ok
	case plumbv1.Type_INT64:
		_, ok := value.ParseInteger(text, 64)
		return ok
	case plumbv1.Type_FLOAT32, plumbv1.Type_FLOAT64:
		_, err := strconv.ParseFloat(text, 64)
		return err == nil
	}
	return true
}

var timeText = regexp.MustCompile(`^([0-9]{4,6})-([0-9]{2})-([0-9]{2})` +
	`([T ]([0-9]{2}):([0-9]{2})(:([0-9]{2})(\.[0-9]+)?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?)?$`)

// spellsTime says whether a text is an instant that there is (R1).
func spellsTime(text string) bool {
	found := timeText.FindStringSubmatch(text)
	if found == nil {
		return false
	}
	number := func(group int) int {
		n, _ := strconv.Atoi(found[group]) // A group that is not there is 0; the others are digits.
		return n
	}
	at := time.Date(number(1), time.Month(number(2)), number(3), 0, 0, 0, 0, time.UTC)
	isDay := at.Day() == number(3) && int(at.Month()) == number(2)
	return isDay && number(5) <= 23 && number(6) <= 59 && number(8) <= 59
}

// partitionsFit returns an error that says which folder's name does not spell a value of a type; nil if all do.
func partitionsFit(column feature.Column, declared plumbv1.Type, joinKey bool) error {
	for _, text := range column.Texts {
		if spells(text, declared) || !joinKey && spells(withoutZeros(text), declared) {
			continue
		}
		hint := ""
		if declared == plumbv1.Type_TIMESTAMP {
			hint = "; name folders as in " + column.Name + "=2013-07-04"
		}
		return fmt.Errorf("%s in the folder name %s=%s does not fit %s exactly%s", text, column.Name, text, declared, hint)
	}
	return nil
}

// withoutZeros is a number without the zeros that may stand in front of one which is not a key, as in month=07.
func withoutZeros(text string) string {
	digits := strings.TrimPrefix(text, "-")
	switch least := strings.TrimLeft(digits, "0"); {
	case least == "" && digits != "":
		return "0"
	case digits != text:
		return "-" + least
	default:
		return least
	}
}
