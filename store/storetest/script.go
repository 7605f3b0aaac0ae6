package storetest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/offline"
)

// Case is one case of a case file: a small world, what to ask of it, and what the rules say.
//
// A case file is read line by line; # begins a comment, and indented lines belong to the line above them.
//
//	case R2 both ends of the ttl are inclusive
//	view weather (airport STRING) ttl 3h: temp FLOAT64, gust FLOAT64
//	load weather
//	  airport  event  temp   gust
//	  "EWR"    06:00  39.02  null
//	join weather:temp
//	  airport  event_timestamp | temp   weather__event_timestamp
//	  "EWR"    09:00           | 39.02  06:00
//	newest weather (05:00, 06:00]
//	  airport  event  temp   gust
//	  "EWR"    06:00  39.02  null
//
// A view may end its parentheses with sql, which puts a SQL source over its files. Each load of a view writes one more
// file, in source order; its columns event and created are the two times. A heading may name the type that the file
// has, as in temp:INT8. A join names views, each perhaps with a feature, an alias and a key map, as in weather:temp as
// origin_weather(airport=origin), and may begin with as_known or full_names; right of the bar a cell is a value or a
// status. An on-demand view has its request inputs, the views that it reads, and a line for each feature:
//
//	computed risk (amount FLOAT64) over weather as w(airport=origin)
//	  ratio FLOAT64 = amount / w.temp
//
// A view with aggregations declares the columns that are read, and has lines for what is computed of them:
//
//	windows spend (card STRING): amount FLOAT64, rate FLOAT64, status STRING, shop STRING
//	  column eur FLOAT64 = amount * rate
//	  filter status == "settled"
//	  sum mean of eur over 1h 30d offset 1d
//	  sum of eur over 1h hop 5m by shop largest 2
//	  rows over lifetime as n
//
// A line fails "text" "text", after a join, says that it is refused, and with what words.
type Case struct {
	Name, File string
	World      *World
	Joins      []ScriptedJoin
	Windows    []ScriptedWindow

	// prefix is the folder of the case's files, relative to the project folder.
	prefix string
}

// ScriptedJoin is a question with the answer it must get.
type ScriptedJoin struct {
	Question Question
	// Line is where the case file asks.
	Line int
	// Fails are words that the error must have; Names and Cells are nil then.
	Fails []string
	// Names are the headings of the expected columns, Cells their text row by row.
	Names []string
	Cells [][]string
}

// ScriptedWindow is a window with the rows that materializing it must write.
type ScriptedWindow struct {
	View   string
	Window offline.Window
	Line   int
	Rows   []SourceRow
}

type scriptParser struct {
	path   string
	lines  []string
	number int
	cases  []*Case
}

// ReadCases reads the cases of a file, for worlds in the folder.
func ReadCases(path, folder string) ([]*Case, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return parseCases(string(text), path, folder)
}

func parseCases(text, path, folder string) ([]*Case, error) {
	p := &scriptParser{path: path, lines: strings.Split(text, "\n")}
	for line, ok := p.next(); ok; line, ok = p.next() {
		at := p.number
		if err := p.command(line, folder); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, at, err)
		}
	}
	return p.cases, nil
}

// next returns the next line that says something, without its indentation's end.
func (p *scriptParser) next() (string, bool) {
	for p.number < len(p.lines) {
		line := strings.TrimRight(p.lines[p.number], " ")
		p.number++
		if trimmed := strings.TrimSpace(line); trimmed != "" && !strings.HasPrefix(trimmed, "#") {
			return line, true
		}
	}
	return "", false
}

// block returns the words of the indented lines that follow.
func (p *scriptParser) block() [][]string {
	var rows [][]string
	for {
		before := p.number
		line, ok := p.next()
		if !ok || !strings.HasPrefix(line, " ") {
			p.number = before
			return rows
		}
		rows = append(rows, words(line))
	}
}

func (p *scriptParser) command(line, folder string) error {
	name, rest, _ := strings.Cut(line, " ")
	if name == "case" {
		p.cases = append(p.cases, &Case{Name: rest, File: p.path, World: &World{
			Folder: folder, Definitions: &plumbv1.Definitions{}, Histories: map[string]*History{},
		}, prefix: fmt.Sprintf("data/%s/%d", filepath.Base(p.path), len(p.cases))})
		return nil
	}
	if len(p.cases) == 0 {
		return fmt.Errorf("%q comes before the first case", line)
	}
	c := p.cases[len(p.cases)-1]
	switch name {
	case "view":
		return c.addView(rest)
	case "windows":
		return c.addWindows(rest, p.block())
	case "load":
		return c.load(rest, p.block())
	case "join":
		return c.addJoin(rest, p.number, p.block())
	case "fails":
		join := &c.Joins[len(c.Joins)-1]
		for _, word := range words(rest) {
			join.Fails = append(join.Fails, strings.Trim(word, `"`))
		}
		return nil
	case "computed":
		return c.addComputed(rest, p.block())
	case "newest":
		return c.addWindow(rest, p.number, p.block())
	}
	return fmt.Errorf("%q is no command", name)
}

// addView reads: weather (airport STRING) ttl 3h sql: temp FLOAT64, gust FLOAT64.
func (c *Case) addView(text string) error {
	head, features, ok := strings.Cut(text, ":")
	fields := words(head)
	if !ok || len(fields) < 2 {
		return fmt.Errorf("%q is not of the form name (keys) ttl T: features", text)
	}
	view := &plumbv1.FeatureView{Name: fields[0], Source: fields[0]}
	history := &History{ByValue: slices.Contains(fields, "sql")}
	if at := slices.Index(fields, "ttl"); at > 0 {
		ttl, err := time.ParseDuration(fields[at+1])
		if err != nil {
			return err
		}
		history.TTL, view.Ttl = ttl, durationpb.New(ttl)
	}
	keys, err := declarations(strings.Trim(fields[1], "()"))
	if err != nil {
		return err
	}
	if len(keys) > 0 {
		entity := &plumbv1.Entity{Name: "of_" + view.Name}
		for _, key := range keys {
			entity.JoinKeys = append(entity.JoinKeys, &plumbv1.JoinKey{Name: key.Name, Type: key.Type})
		}
		c.World.Definitions.Entities = append(c.World.Definitions.Entities, entity)
		view.Entities = []string{entity.Name}
	}
	if view.Features, err = declarations(features); err != nil {
		return err
	}
	c.World.Definitions.FeatureViews = append(c.World.Definitions.FeatureViews, view)
	c.World.Histories[view.Name] = history
	c.World.Definitions.Sources = append(c.World.Definitions.Sources, c.sources(view.Name, history.ByValue)...)
	return nil
}

// declarations reads: temp FLOAT64, gust FLOAT64.
func declarations(text string) ([]*plumbv1.Feature, error) {
	var found []*plumbv1.Feature
	for part := range strings.SplitSeq(text, ",") {
		fields := strings.Fields(part)
		if len(fields) == 0 {
			continue
		}
		declared, ok := plumbv1.Type_value[fields[len(fields)-1]]
		if len(fields) != 2 || !ok {
			return nil, fmt.Errorf("%q is not of the form name TYPE", part)
		}
		found = append(found, &plumbv1.Feature{Name: fields[0], Type: plumbv1.Type(declared)})
	}
	return found, nil
}

func (c *Case) sources(view string, overSQL bool) []*plumbv1.Source {
	files := &plumbv1.Source{
		Name: view, EventTimestamp: "event",
		Kind: &plumbv1.Source_Parquet{Parquet: &plumbv1.ParquetSource{Path: c.prefix + "/" + view + "/*.parquet"}},
	}
	if !overSQL {
		return []*plumbv1.Source{files}
	}
	files.Name = "files_of_" + view
	return []*plumbv1.Source{{
		Name: view, EventTimestamp: "event",
		Kind: &plumbv1.Source_Sql{Sql: &plumbv1.SqlSource{Query: "SELECT * FROM " + files.Name}},
	}, files}
}
