package storetest

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"pgregory.net/rapid"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// Names of views, keys and features: ordinary ones, SQL keywords, and what engines call columns of their own.
var (
	viewNames    = []string{"weather", "select", "order", "labels", "source"}
	keyNames     = []string{"airport", "group", "key", "user", "row_number", "t", "code", "e", "found"}
	featureNames = []string{
		"temp", "value", "from", "rowid", "event", "created", "label", "end", "f", "v", "null", "row", "table",
		"limit", "n", "x",
	}
	oddNames   = []string{`Ship "to"`, "two words", "select", "a,b", "ünï", "it's", "x; drop table y --", "$1", "?", "{x}"}
	fileNames  = []string{"b", "a", "B", "a10", "a9", "ä", "a b", "c"}
	partitions = []string{"01", "2", "10", "1", "a%20b", "__HIVE_DEFAULT_PARTITION__"}
)

// draft is a view on its way into a world.
type draft struct {
	def    *plumbv1.FeatureView
	entity *plumbv1.Entity
	anchor feature.Instant
	// keys are the values that each join key is drawn from, on both sides.
	keys [][]any
	// forms are those of the key columns, then of the features.
	forms     []arrow.DataType
	eventForm arrow.DataType
	// createdForm is nil if the source has no created column.
	createdForm arrow.DataType
	// partitionKey and partitionFeature say that the last key or feature comes from the names of hive partitions. They
	// have no values in keys and forms.
	partitionKey, partitionFeature bool
	// grown are the forms of files that were written at another time, by the file's path.
	grown   map[string]*layout
	history *History
	// ending is that of the files: .parquet, .csv or .jsonl. Text has the plain forms alone.
	ending string
	// windows is what a view with aggregations computes; nil for others. Until then the features of def are the columns
	// that are read.
	windows *windowsDraft
	// isTable says that the files are those of a table of a lake, in plain forms.
	isTable bool
}

// DrawWorld draws a project of one to three views, and of on-demand views over them, aimed at the edges of the rules.
// prefix is the folder of its files, relative to the project folder.
func DrawWorld(t *rapid.T, folder, prefix string) *World {
	world := &World{Folder: folder, Definitions: &plumbv1.Definitions{}, Histories: map[string]*History{}}
	for i := range rapid.IntRange(1, 3).Draw(t, "views") {
		drawView(t, world, i, prefix)
	}
	for i := range max(0, rapid.IntRange(-1, 2).Draw(t, "on-demand views")) {
		drawOnDemand(t, world, i)
	}
	return world
}

func drawView(t *rapid.T, world *World, number int, prefix string) {
	d := &draft{history: &History{TTL: drawTTL(t)}}
	d.draw(t, world, number, prefix)
}

func (d *draft) draw(t *rapid.T, world *World, number int, prefix string) {
	d.anchor = rapid.SampledFrom(anchors).Draw(t, "anchor").(feature.Instant)
	d.def = &plumbv1.FeatureView{Name: viewNames[number], Source: fmt.Sprintf("rows_%d", number)}
	if d.history.TTL > 0 {
		d.def.Ttl = durationpb.New(d.history.TTL)
	}
	d.history.ByValue = oneIn(t, 3, "sql")
	d.ending = ".parquet"
	if !d.history.ByValue && !d.isTable && oneIn(t, 3, "text") {
		d.ending = rapid.SampledFrom([]string{".csv", ".jsonl"}).Draw(t, "text format")
	}
	d.drawKeys(t, number)
	d.drawFeatures(t)
	d.eventForm = d.formFor(t, plumbv1.Type_TIMESTAMP)
	if rapid.Bool().Draw(t, "created") {
		d.createdForm = d.formFor(t, plumbv1.Type_TIMESTAMP)
	}
	folder := path.Join(prefix, fmt.Sprintf("v%d", number))
	files, pattern := d.drawPlaces(t, folder)
	d.drawGrowth(t, files)
	if d.windows != nil {
		d.windows.drawAggregations(t, d.def.Features)
	}
	least := 0
	if d.ending == ".jsonl" {
		least = 1 // Without an object there are no columns.
	}
	for range rapid.IntRange(least, 24).Draw(t, "rows") {
		d.drawRow(t, rapid.SampledFrom(files).Draw(t, "file"))
	}
	stored := d.files(t, files)
	var table *lakeTable
	if d.isTable {
		table = d.drawTable(t, folder, stored)
	}
	sources := d.sources(t, pattern)
	if table != nil {
		table.read(sources[len(sources)-1])
		world.tables = append(world.tables, table)
	}
	world.Files = append(world.Files, stored...)
	world.Definitions.Sources = append(world.Definitions.Sources, sources...)
	world.Definitions.FeatureViews = append(world.Definitions.FeatureViews, d.def)
	if d.entity != nil {
		world.Definitions.Entities = append(world.Definitions.Entities, d.entity)
	}
	world.Histories[d.def.Name] = d.history
}

func (d *draft) drawKeys(t *rapid.T, number int) {
	count := rapid.IntRange(0, 3).Draw(t, "keys")
	if count == 0 {
		return
	}
	d.entity = &plumbv1.Entity{Name: fmt.Sprintf("entity_%d", number)}
	d.def.Entities = []string{d.entity.Name}
	for i := range count {
		key := &plumbv1.JoinKey{
			Name: keyNames[3*number+i],
			Type: rapid.SampledFrom(KeyTypes).Draw(t, "key type"),
		}
		if rapid.Bool().Draw(t, "key from another column") {
			key.Column = fmt.Sprintf("%s key %d", rapid.SampledFrom(oddNames).Draw(t, "column of the key"), i)
		}
		d.entity.JoinKeys = append(d.entity.JoinKeys, key)
		form := d.formFor(t, key.Type)
		d.forms = append(d.forms, form)
		pool := []any{}
		for range rapid.IntRange(1, 3).Draw(t, "pool") {
			pool = append(pool, snap(form, DrawValue(t, key.Type)))
		}
		d.keys = append(d.keys, pool)
	}
}

func (d *draft) drawFeatures(t *rapid.T) {
	count := rapid.IntRange(1, 4).Draw(t, "features")
	first := rapid.IntRange(0, len(featureNames)-1).Draw(t, "first feature")
	for i := range count {
		f := &plumbv1.Feature{
			Name: featureNames[(first+i)%len(featureNames)],
			Type: plumbv1.Type(rapid.IntRange(1, 16).Draw(t, "type")),
		}
		if d.windows != nil {
			f.Name, f.Type = strings.Replace(f.Name, "null", "nil", 1), drawColumnType(t)
		}
		if rapid.Bool().Draw(t, "renamed") {
			f.Column = fmt.Sprintf("%s %d", rapid.SampledFrom(oddNames).Draw(t, "column"), i)
		}
		d.def.Features = append(d.def.Features, f)
		d.forms = append(d.forms, d.formFor(t, f.Type))
	}
}

// formFor draws how a column of the view is stored.
func (d *draft) formFor(t *rapid.T, declared plumbv1.Type) arrow.DataType {
	if d.isText() || d.isTable {
		return forms(declared)[0]
	}
	return drawForm(t, declared)
}

// drawForm draws how a column is stored; the plain form half of the time.
func drawForm(t *rapid.T, declared plumbv1.Type) arrow.DataType {
	all := forms(declared)
	if rapid.Bool().Draw(t, "other form") {
		return rapid.SampledFrom(all).Draw(t, "form")
	}
	return all[0]
}

func (d *draft) isText() bool { return d.ending != ".parquet" }

// drawPlaces draws where the rows are: one file, several under a glob, or hive partitions. It returns the files' paths
// without their endings, and the path of the source.
func (d *draft) drawPlaces(t *rapid.T, folder string) (files []string, pattern string) {
	switch rapid.IntRange(0, 2).Draw(t, "places") {
	case 0:
		name := path.Join(folder, rapid.SampledFrom(fileNames).Draw(t, "name"))
		return []string{name}, name + d.ending
	case 1:
		for _, name := range drawSome(t, fileNames, "names") {
			files = append(files, path.Join(folder, name))
		}
		return files, path.Join(folder, "*"+d.ending)
	}
	for _, partition := range drawSome(t, partitions, "partitions") {
		for _, name := range drawSome(t, fileNames[:3], "names") {
			files = append(files, path.Join(folder, "part="+partition, name))
		}
	}
	d.drawPartition(t)
	return files, folder
}

// drawPartition makes the partition a feature or a join key.
func (d *draft) drawPartition(t *rapid.T) {
	d.partitionKey = d.entity != nil && rapid.Bool().Draw(t, "partition is a key")
	d.partitionFeature = !d.partitionKey
	if d.partitionKey {
		d.entity.JoinKeys = append(d.entity.JoinKeys, &plumbv1.JoinKey{Name: "part", Type: plumbv1.Type_STRING})
		return
	}
	d.def.Features = append(d.def.Features, &plumbv1.Feature{Name: "part", Type: plumbv1.Type_STRING})
}

// partitionOf returns the value that a folder named part=… represents.
func partitionOf(file string) any {
	_, partition, _ := strings.Cut(path.Dir(file), "part=")
	if partition == "__HIVE_DEFAULT_PARTITION__" {
		return nil
	}
	return strings.ReplaceAll(partition, "%20", " ")
}

func drawSome(t *rapid.T, names []string, label string) []string {
	shuffled := rapid.Permutation(names).Draw(t, label)
	return shuffled[:rapid.IntRange(1, min(3, len(names))).Draw(t, label)]
}

func (d *draft) drawRow(t *rapid.T, file string) {
	row := SourceRow{File: file + d.ending}
	forms := d.formsOf(row.File)
	for i, pool := range d.keys {
		row.Keys = append(row.Keys, snap(forms.columns[i], drawFrom(t, pool, 12)))
	}
	if !oneIn(t, 12, "no event") {
		event := snapInstant(forms.event, d.drawTime(t))
		row.Event = &event
	}
	if forms.created != nil && !oneIn(t, 4, "not created") {
		created := snapInstant(forms.created, d.drawTime(t))
		row.Created = &created
	}
	for i, form := range forms.columns[len(d.keys):] {
		var value any
		if form != nil && form.ID() != arrow.NULL {
			value = snap(form, DrawNullable(t, d.def.Features[i].Type, 5))
		}
		if d.history.ByValue || len(d.grown) > 0 || d.isText() {
			value = Canonical(value)
		}
		row.Features = append(row.Features, value)
	}
	if d.partitionKey {
		row.Keys = append(row.Keys, partitionOf(file))
	}
	if d.partitionFeature {
		row.Features = append(row.Features, partitionOf(file))
	}
	for _, other := range d.history.Rows {
		if other.File == row.File {
			row.Number++
		}
	}
	d.history.Rows = append(d.history.Rows, row)
}

// drawTime draws an event or created time.
func (d *draft) drawTime(t *rapid.T) feature.Instant {
	if d.windows != nil {
		return d.drawEvent(t)
	}
	return drawInstant(t, d.anchor, d.history.TTL)
}

// drawFrom draws from the pool, and null one time in once.
func drawFrom(t *rapid.T, pool []any, once int) any {
	if oneIn(t, once, "null") {
		return nil
	}
	return rapid.SampledFrom(pool).Draw(t, "from pool")
}

// files lays the rows out as they are stored.
func (d *draft) files(t *rapid.T, places []string) []File {
	rowGroup := rapid.SampledFrom([]int{0, 1, 3, 7}).Draw(t, "row group")
	int96 := oneIn(t, 10, "int96")
	var files []File
	for _, place := range places {
		file := File{Path: place + d.ending, RowGroup: rowGroup, Int96: int96}
		rows := slices.DeleteFunc(slices.Clone(d.history.Rows), func(r SourceRow) bool { return r.File != file.Path })
		file.Columns = d.formsOf(file.Path).columnsOf(d, rows)
		if oneIn(t, 4, "other order") {
			slices.Reverse(file.Columns)
		}
		files = append(files, file)
	}
	return files
}

func valueOf(instant *feature.Instant) any {
	if instant == nil {
		return nil
	}
	return *instant
}

func columnOf(f *plumbv1.Feature) string {
	if f.Column != "" {
		return f.Column
	}
	return f.Name
}

// sources defines the view's source, and if that is SQL, the sources below it.
func (d *draft) sources(t *rapid.T, pattern string) []*plumbv1.Source {
	source := &plumbv1.Source{
		Name: d.def.Source, EventTimestamp: "observed at",
		Kind: &plumbv1.Source_Parquet{Parquet: &plumbv1.ParquetSource{Path: pattern}},
	}
	switch d.ending {
	case ".csv":
		source.Kind = &plumbv1.Source_Csv{Csv: &plumbv1.CsvSource{Path: pattern}}
	case ".jsonl":
		source.Kind = &plumbv1.Source_Jsonl{Jsonl: &plumbv1.JsonLinesSource{Path: pattern}}
	}
	if d.createdForm != nil {
		source.CreatedTimestamp = "known at"
	}
	if !d.history.ByValue {
		return []*plumbv1.Source{source}
	}
	query := proto.Clone(source).(*plumbv1.Source)
	source.Name = "files_of_" + d.def.Source
	texts := []string{
		"SELECT * FROM %s",
		"FROM %s -- every row",
		`WITH r AS (SELECT * FROM "%s") SELECT * FROM r ORDER BY "observed at" DESC`,
		"SELECT * FROM %[1]s UNION ALL SELECT * FROM %[1]s",
	}
	if d.windows != nil {
		texts = texts[:2] // Each row has to come of one row.
	}
	text := rapid.SampledFrom(texts).Draw(t, "query")
	if strings.Contains(text, "UNION ALL") {
		d.history.Rows = slices.Concat(d.history.Rows, d.history.Rows)
	}
	query.Kind = &plumbv1.Source_Sql{Sql: &plumbv1.SqlSource{Query: fmt.Sprintf(text, source.Name)}}
	return []*plumbv1.Source{query, source}
}
