package project_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/plumbstore/plumb/dataset"
	"github.com/plumbstore/plumb/internal/config"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/project"
	"github.com/plumbstore/plumb/source/objects/objectstest"
)

// lake is a server of objects with a proxy before it, of which a project knows.
type lake struct {
	server  *objectstest.Server
	proxy   *objectstest.Proxy
	project *project.Project
	folder  string
	// temporary is where the project puts what it stages.
	temporary string
}

// newLake has the label rows of the project as an object, besides the file.
func newLake(t *testing.T) *lake {
	t.Helper()
	p, folder := open(t)
	apply(t, p)
	server := objectstest.Start(t)
	l := &lake{server, objectstest.Before(t, server), p, folder, t.TempDir()}
	p.Config.Objects = config.Objects{Endpoint: l.proxy.Endpoint, Region: "us-east-1", Addressing: "path",
		AccessKey: config.NewSecret(objectstest.Access), SecretKey: config.NewSecret(objectstest.Secret)}
	p.Config.Offline.TempDir = l.temporary
	server.PutFile(t, "in/labels.parquet", filepath.Join(folder, "data", "labels.parquet"))
	return l
}

// request asks for a training set with the labels of the lake.
func (l *lake) request(out string) project.TrainingSetRequest {
	request := trainingSet(l.folder, "")
	request.Labels, request.Out = "s3://lake/in/labels.parquet", out
	return request
}

func (l *lake) make(t *testing.T, request project.TrainingSetRequest) *project.TrainingSet {
	t.Helper()
	made, err := l.project.MakeTrainingSet(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// checkTidy finds what an operation has left besides the objects that it should have.
func (l *lake) checkTidy(t *testing.T, keys ...string) {
	t.Helper()
	l.proxy.Do(nil)
	if left := l.server.Uploads(t); left != nil {
		t.Errorf("uploads of %v are left", left)
	}
	if got, want := l.server.Keys(t), append([]string{"in/labels.parquet"}, keys...); !slices.Equal(got, want) {
		t.Errorf("there are the objects %v, not %v", got, want)
	}
	left, err := os.ReadDir(l.temporary)
	if err != nil || len(left) > 0 {
		t.Errorf("%v is left in the folder for temporary files, %v", left, err)
	}
}

// checkMistakeHas checks that an error is a mistake with a text in it, and names neither local paths nor secrets.
func (l *lake) checkMistakeHas(t *testing.T, err error, want string) {
	t.Helper()
	if _, ok := errors.AsType[*fault.InputError](err); !ok || !strings.Contains(err.Error(), want) {
		t.Errorf("the error is %v, and should have %q", err, want)
	}
	if err != nil && (strings.Contains(err.Error(), l.temporary) || strings.Contains(err.Error(), objectstest.Secret)) {
		t.Errorf("the error has what it should not have: %v", err)
	}
}

func TestATrainingSetOfObjectsIsThatOfFiles(t *testing.T) {
	l := newLake(t)
	for _, format := range []string{".parquet", ".arrow", ".csv"} {
		t.Run(format, func(t *testing.T) {
			local := trainingSet(l.folder, "train"+format)
			want := l.make(t, local)
			key := "sets/train" + format
			made := l.make(t, l.request("s3://lake/"+key))
			if made.Manifest.Output.Digest != want.Manifest.Output.Digest || made.Rows != want.Rows {
				t.Errorf("the content is %s, not %s", made.Manifest.Output.Digest, want.Manifest.Output.Digest)
			}
			if labels := made.Manifest.Labels; labels.ETag == "" || labels.Path != "s3://lake/in/labels.parquet" ||
				made.Manifest.File.Name != "train"+format {
				t.Errorf("the manifest has labels %+v and file %+v", labels, made.Manifest.File)
			}
			if format == ".csv" && !bytes.Equal(l.server.Get(t, key), read(t, local.Out)) {
				t.Error("the bytes are others")
			}
			// Without a manifest, the one that was there goes.
			l.checkTidy(t, key, key+dataset.Suffix)
			plain := l.request("s3://lake/" + key)
			plain.NoManifest = true
			l.make(t, plain)
			l.checkTidy(t, key)
			l.server.Remove(t, key)
		})
	}
}

func TestATrainingSetOfObjectsIsVerifiedRebuiltAndCompared(t *testing.T) {
	l := newLake(t)
	const out, key = "s3://lake/sets/train.parquet", "sets/train.parquet"
	made := l.make(t, l.request(out))
	check := func(path, labels string, want ...string) {
		t.Helper()
		result, err := l.project.VerifyTrainingSet(t.Context(), path, labels)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, check := range result.Checks {
			if check.State != dataset.Same {
				got = append(got, strings.TrimRight(strings.Join([]string{string(check.State), check.Subject, check.Name,
					check.Detail}, " "), " "))
			}
		}
		if !slices.Equal(got, want) || result.File != out {
			t.Errorf("of %s %q is not the same, and should be %q", result.File, got, want)
		}
	}
	check(out, "")
	check(out+dataset.Suffix, "s3://lake/in/labels.parquet")
	check(out, filepath.Join(l.folder, "data", "labels.parquet"), "not compared labels "+
		filepath.Join(l.folder, "data", "labels.parquet")+
		" the labels were the object s3://lake/in/labels.parquet, and a file has no ETag to compare")

	rebuild := func(request project.RebuildRequest) *project.Rebuilt {
		t.Helper()
		rebuilt, err := l.project.Rebuild(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		return rebuilt
	}
	const copied = "s3://lake/sets/again.parquet"
	for _, labels := range []string{"", "s3://lake/in/labels.parquet", filepath.Join(l.folder, "data", "labels.parquet")} {
		rebuilt := rebuild(project.RebuildRequest{Path: out, Out: copied, Labels: labels})
		if rebuilt.Obstacles != nil || rebuilt.Digest != made.Manifest.Output.Digest || rebuilt.Out != copied {
			t.Errorf("with the labels %q it is rebuilt as %+v", labels, rebuilt)
		}
		if !bytes.Equal(l.server.Get(t, "sets/again.parquet"), l.server.Get(t, key)) {
			t.Errorf("with the labels %q the bytes are others", labels)
		}
	}
	l.server.Remove(t, key)
	check(out+dataset.Suffix, "", "missing output "+out)
	if rebuilt := rebuild(project.RebuildRequest{Path: out + dataset.Suffix}); rebuilt.Out != out {
		t.Errorf("it is rebuilt as %s", rebuilt.Out)
	}
	check(out, "")

	// Another content, compared by the manifests.
	request := l.request("s3://lake/sets/other.parquet")
	request.Selection.Features = []string{"plane:seats"}
	l.make(t, request)
	compared, err := l.project.CompareObjects(t.Context(), out, request.Out)
	if err != nil || compared.Same || compared.A.File != out || compared.B.Digest == compared.A.Digest {
		t.Errorf("they compare as %+v, %v", compared, err)
	}
	_, err = l.project.CompareObjects(t.Context(), out, "s3://lake/sets/none.parquet")
	l.checkMistakeHas(t, err,
		"there is no s3://lake/sets/none.parquet, and no manifest s3://lake/sets/none.parquet.manifest")

	// What has changed is named, and nothing is made of it.
	l.server.Put(t, "in/labels.parquet", []byte("others"))
	result, err := l.project.VerifyTrainingSet(t.Context(), out, "")
	if err != nil || !slices.ContainsFunc(result.Checks, func(c dataset.Check) bool {
		return c.Subject == "labels" && c.State == dataset.Changed && strings.Contains(c.Detail, "it is another version")
	}) {
		t.Errorf("it is verified as %+v, %v", result, err)
	}
	if rebuilt := rebuild(project.RebuildRequest{Path: out, Out: copied}); len(rebuilt.Obstacles) != 1 {
		t.Errorf("it is rebuilt as %+v", rebuilt)
	}
	l.server.Remove(t, "in/labels.parquet")
	check(out, "", "missing labels s3://lake/in/labels.parquet")
}

func TestLabelRowsFromAnObjectAreThoseOfTheTrainingSetByContent(t *testing.T) {
	l := newLake(t)
	request := l.request("s3://lake/sets/train.arrow")
	request.LabelsByContent = true
	l.make(t, request)
	l.server.Remove(t, "in/labels.parquet")
	result, err := l.project.VerifyTrainingSet(t.Context(), request.Out, "")
	if err != nil || !result.Same {
		t.Errorf("it is verified as %+v, %v", result, err)
	}
	rebuilt, err := l.project.Rebuild(t.Context(), project.RebuildRequest{Path: request.Out})
	if err != nil || rebuilt.Obstacles != nil {
		t.Errorf("it is rebuilt as %+v, %v", rebuilt, err)
	}
}

func TestATrainingSetThatFailsLeavesTheObjectsThatWereThere(t *testing.T) {
	l := newLake(t)
	const out, key = "s3://lake/sets/train.parquet", "sets/train.parquet"
	l.make(t, l.request(out))
	was, described := l.server.Get(t, key), l.server.Get(t, key+dataset.Suffix)
	request := l.request(out)
	request.Selection.Features = []string{"plane:seats"}
	isPart := func(r *http.Request) bool { return r.Method == http.MethodPut && r.URL.Query().Has("partNumber") }
	for name, test := range map[string]struct {
		handler func(cancel func()) objectstest.Handler
		want    error
	}{
		"503": {func(func()) objectstest.Handler {
			return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				if isPart(r) {
					w.WriteHeader(http.StatusServiceUnavailable)
					return
				}
				next.ServeHTTP(w, r)
			}
		}, fault.ErrUnavailable},
		"cancelled": {func(cancel func()) objectstest.Handler {
			return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				if isPart(r) {
					cancel()
				}
				next.ServeHTTP(w, r)
			}
		}, context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			l.proxy.Do(test.handler(cancel))
			if _, err := l.project.MakeTrainingSet(ctx, request); !errors.Is(err, test.want) {
				t.Errorf("the error is %v", err)
			}
			l.checkTidy(t, key, key+dataset.Suffix)
			if !bytes.Equal(l.server.Get(t, key), was) ||
				!bytes.Equal(l.server.Get(t, key+dataset.Suffix), described) {
				t.Error("what was there is not there any more")
			}
		})
	}
	// A label file that changes while it is fetched.
	l.proxy.Do(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.Method == http.MethodGet && r.Header.Get("Range") != "" {
			l.server.Put(t, "in/labels.parquet", []byte("others"))
		}
		next.ServeHTTP(w, r)
	})
	_, err := l.project.MakeTrainingSet(t.Context(), request)
	l.checkMistakeHas(t, err, "s3://lake/in/labels.parquet was changed while it was in use")
	l.checkTidy(t, key, key+dataset.Suffix)
}

func TestLabelsAndOutputsThatCannotBeObjectsAreRefusedInOneSentence(t *testing.T) {
	l := newLake(t)
	for name, test := range map[string]struct {
		change func(*project.TrainingSetRequest)
		want   string
	}{
		"another format": {func(r *project.TrainingSetRequest) { r.Out = "s3://lake/a.json" },
			"s3://lake/a.json has to end in .parquet, .csv or .arrow"},
		"no key": {func(r *project.TrainingSetRequest) { r.Out = "s3://lake.csv" }, "it is a bucket; name a key in it"},
		"the labels": {func(r *project.TrainingSetRequest) { r.Out = r.Labels },
			"s3://lake/in/labels.parquet is the label file; name another one"},
		"no labels": {func(r *project.TrainingSetRequest) { r.Labels = "s3://lake/none.csv" },
			"cannot read label file s3://lake/none.csv: there is no such object"},
		"no bucket": {func(r *project.TrainingSetRequest) { r.Out = "s3://nowhere/a.csv" },
			`cannot write s3://nowhere/a.csv: ` + l.proxy.Endpoint + ` has no bucket "nowhere"`},
		"dvc": {func(r *project.TrainingSetRequest) { r.DVC = true },
			"is for files, and s3://lake/out.csv is an object; leave it out, or write a file"},
		"empty parts": {func(r *project.TrainingSetRequest) { r.Out = "s3://lake/a//b.csv" },
			"s3://lake/a//b.csv: a key may not have empty parts"},
		"damaged labels": {func(r *project.TrainingSetRequest) { r.Labels = "s3://lake/damaged.parquet" },
			"s3://lake/damaged.parquet"},
	} {
		t.Run(name, func(t *testing.T) {
			l.server.Put(t, "damaged.parquet", []byte("PAR1"))
			request := l.request("s3://lake/out.csv")
			test.change(&request)
			_, err := l.project.MakeTrainingSet(t.Context(), request)
			l.checkMistakeHas(t, err, test.want)
			l.server.Remove(t, "damaged.parquet")
			l.checkTidy(t)
		})
	}
	_, err := l.project.TrainingSetVerificationWork(t.Context(), "s3://lake/a.parquet", "")
	l.checkMistakeHas(t, err, "a server finds label rows and training sets among its files alone")
}

func TestAnOutputThatASourceWouldReadIsRefusedAmongObjectsToo(t *testing.T) {
	l := newLake(t)
	path := filepath.Join(l.folder, "features", "sources.yaml")
	for pattern, refused := range map[string][]string{
		"s3://lake/planes":           {"s3://lake/planes/a.parquet", "s3://lake/planes/b/c.parquet"},
		"s3://lake/planes/*.parquet": {"s3://lake/planes/a.parquet"},
		"gs://lake/planes":           {"gs://lake/planes/a.parquet"},
	} {
		was := read(t, path)
		text := strings.Replace(string(was), "data/planes.parquet", pattern, 1)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil || text == string(was) {
			t.Fatal(err, "the sources have another form than this test expects")
		}
		l.server.PutFile(t, "planes/planes.parquet", filepath.Join(l.folder, "data", "planes.parquet"))
		again := project.Open(l.project.Config, project.Options{Now: l.project.Now, Version: "test"})
		again.Config.Offline.Roots = []string{"data", pattern[:len("s3://lake/planes")]}
		definitions, err := again.ReadDefinitions(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		planned, err := again.Plan(t.Context(), definitions)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := again.Apply(t.Context(), planned, "tester"); err != nil {
			t.Fatal(err)
		}
		for _, out := range refused {
			_, err := again.MakeTrainingSet(t.Context(), l.request(out))
			l.checkMistakeHas(t, err, out+" is part of what source planes reads; name a file elsewhere")
		}
		elsewhere := l.request(pattern[:len("s3://lake/planes")] + "2/a.parquet")
		elsewhere.Labels = pattern[:len("s3://lake")] + "/in/labels.parquet"
		made, err := again.MakeTrainingSet(t.Context(), elsewhere)
		if err != nil {
			t.Fatal(err)
		}
		if made.Manifest.Labels.Path != elsewhere.Labels || made.Manifest.Sources[0].ETag == "" {
			t.Errorf("it was made of %+v and %+v", made.Manifest.Labels, made.Manifest.Sources)
		}
		verified, err := again.VerifyTrainingSet(t.Context(), elsewhere.Out, "")
		if err != nil || !verified.Same {
			t.Errorf("it is verified as %+v, %v", verified, err)
		}
		rebuilt, err := again.Rebuild(t.Context(), project.RebuildRequest{Path: elsewhere.Out})
		if err != nil || rebuilt.Obstacles != nil || rebuilt.Out != elsewhere.Out {
			t.Errorf("it is rebuilt as %+v, %v", rebuilt, err)
		}
		if err := errors.Join(again.Close(), os.WriteFile(path, was, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
}
