package packed_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/online/onlinetest"
	"github.com/plumbstore/plumb/store/packed"
	"github.com/plumbstore/plumb/store/storetest"
)

// The example of the documentation.
func TestTheHeaderOfARow(t *testing.T) {
	header := packed.NewHeader(10, new(feature.Instant(13)), 1, packed.RunOrigin(7))
	want := []byte{0x80, 0, 0, 0, 0, 0, 0, 10, 10, 3, 1, 1 << 3, 7}
	if got := header.Append(nil); !bytes.Equal(got, want) {
		t.Errorf("the header is %x, want %x", got, want)
	}
}

// What rows of ten FLOAT64 features take, of a run and a schema with small numbers.
func TestTheSizeOfARow(t *testing.T) {
	fields := make([]feature.Field, 10)
	values := make([]any, len(fields))
	for i := range fields {
		fields[i], values[i] = feature.Field{Name: "f", Type: plumbv1.Type_FLOAT64}, 1.5
	}
	const event, hour = feature.Instant(1357020000000000), feature.Instant(3_600_000_000)
	for _, c := range []struct {
		name    string
		created *feature.Instant
		null    bool
		size    int
	}{
		{"without a created time", nil, false, 92},
		{"created at the same time", new(event), false, 92},
		{"created an hour later", new(event + hour), false, 96},
		{"created a year later", new(event + 366*24*hour), false, 98},
		{"with a null", nil, true, 94},
	} {
		if values[0] = 1.5; c.null {
			values[0] = nil
		}
		row := storetest.SourceRow{Event: new(event), Created: c.created, Features: values}
		value := storetest.Pack(t, nil, feature.Schema{ID: 3, Fields: fields}, row)[0].Value
		if got := len(storetest.WithOrigin(value, packed.RunOrigin(12))); got != c.size {
			t.Errorf("%s: a row takes %d bytes, want %d", c.name, got, c.size)
		}
	}
}

func TestHeadersReadBack(t *testing.T) {
	times := rapid.OneOf(rapid.Int64Range(-1<<62, 1<<62), rapid.Int64Range(-300, 300), rapid.Int64())
	rapid.Check(t, func(t *rapid.T) {
		event := feature.Instant(max(times.Draw(t, "event"), -1<<63+1))
		var created *feature.Instant
		if rapid.Bool().Draw(t, "created") {
			created = new(feature.Instant(max(times.Draw(t, "created at"), -1<<63+1)))
		}
		origin := packed.Origin(max(times.Draw(t, "origin"), -1<<63+1))
		header := packed.NewHeader(event, created, rapid.Uint32().Draw(t, "schema"), origin)
		value := append(header.Append(nil), "body"...)
		row, err := packed.Parse(value)
		if err != nil || row.Header != header || packed.EventOf(value) != event {
			t.Fatalf("%+v is %x, which reads back as %+v, %v", header, value, row.Header, err)
		}
	})
}

// Headers are read as they are written, and in no other form, so that two forms of one row never compare as different.
func TestADamagedHeaderIsAnErrorOrAnotherHeader(t *testing.T) {
	for _, created := range []*feature.Instant{nil, new(feature.Instant(10)), new(feature.Instant(1000)),
		new(feature.Instant(-1000))} {
		for _, origin := range []packed.Origin{0, packed.RunOrigin(1), packed.RunOrigin(1 << 20), packed.PushOrigin(5),
			packed.PushOrigin(1 << 20)} {
			header := packed.NewHeader(10, created, 300, origin)
			whole := header.Append(nil)
			for at := range whole {
				for change := 1; change < 256; change++ {
					damaged := slices.Clone(whole)
					damaged[at] ^= byte(change)
					row, err := packed.Parse(damaged)
					if again := row.Append(nil); err == nil && !bytes.HasPrefix(damaged, again) {
						t.Fatalf("%x is read as %+v, which is %x", damaged, row.Header, again)
					}
				}
			}
		}
	}
}

func TestWhatIsOfNoOlderFormatIsNotUpgraded(t *testing.T) {
	samples := onlinetest.Samples(t, "*-v*.txt")
	row := samples["row-v2.txt"]["every type"]
	changed := func(value []byte, at int, b byte) []byte {
		changed := slices.Clone(value)
		changed[at] = b
		return changed
	}
	several := samples["ahead-v3.txt"]["three rows"]
	for _, c := range []struct {
		name  string
		value []byte
		want  string
	}{
		{"nothing", nil, "it has 0 bytes"},
		{"a cut header", row[:20], "it has 20 bytes"},
		{"a cut origin", row[:28], "its header alone 29"},
		{"format 0", changed(row, 16, 0), "unknown format 0"},
		{"several rows of another size", several[:len(several)-1], "another size than it says"},
		{"several rows without any", append(slices.Clone(several[:21]), 0, 0, 0, 0), "has none"},
		{"several rows within others", changed(several, 25+4+16, 3), "is one of them"},
		{"a row beyond the end", changed(several, 25+2, 1), "is in 126 bytes"},
	} {
		_, err := packed.Upgrade(c.value)
		if !errors.Is(err, packed.ErrCorrupt) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v, want ErrCorrupt with %q", c.name, err, c.want)
		}
	}
	if _, err := packed.Upgrade(changed(row, 16, 4)); !errors.Is(err, fault.ErrNewer) {
		t.Errorf("a row of format 4 gives %v, want ErrNewer", err)
	}
	for length := range several {
		if _, err := packed.Upgrade(several[:length]); err == nil {
			t.Errorf("the first %d of %d bytes pass for rows", length, len(several))
		}
	}
}
