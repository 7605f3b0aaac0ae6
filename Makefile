# Builds, tests and generates Plumb. `make help` lists the targets.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# A binary does not say where it was built. Tests are built in the same way, so that both share what is compiled. Flags
# that the user has in GOFLAGS are kept.
export GOFLAGS := $(strip $(filter-out -trimpath,$(shell go env GOFLAGS)) -trimpath)

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# -s and -w leave out what only debuggers read.
.PHONY: build
build: ## Build bin/plumb
	go build -ldflags '-s -w -X main.version=$(VERSION)' -o bin/plumb ./cmd/plumb

.PHONY: demo
demo: build ## Run every step on a year of real flights: apply, join, materialize, serve, compare
	go build -o bin/demo ./demo
	bin/demo bin/plumb testdata/nycflights

# Tests that run without the race detector. It changes what is allocated, and it makes the enumerations of orders and of
# damaged bytes and messages, the random joins and the random worlds several times slower. In these it cannot find more
# than in other tests: the enumerations run one step at a time, every join uses the same threads of the engine, and every
# world is looked up as the cases are. Joins in passes use the threads as other joins do. The test of the machine's time
# zone runs some of these tests once more.
without_race = Allocates|InEveryOrder|WithADamagedByte|DamagedMessages|RandomJoins|RandomWindows|RandomWorlds|HoldInPasses|TimeZoneOfTheMachine

# How many worlds each random test draws, except in packages of_one_goroutine, which draw rapid's 100: they take little.
# Every run draws others; RAPID_CHECKS=1000 looks for long.
RAPID_CHECKS ?= 30

# The packages that have such tests, without those on Spark, whose server they would wait for.
of_them = $(shell grep -rlE 'func Test[A-Za-z0-9_]*($(without_race))' --include='*_test.go' . | xargs -n1 dirname | sort -u | grep -v '^./store/spark')

# These packages start no goroutine and guard nothing against others, so the race detector can find nothing in them. It
# would make their tests several times slower. A test in docs holds them to it.
of_one_goroutine = /compute/aggregate$$|/compute/exact$$|/internal/csvfile$$|/internal/printable$$|/registry/plan$$|/registry/spec$$|/store/duckdb/sqlcheck$$

# The tests of these packages start processes of a binary that is built without the race detector, and nothing else.
of_processes = /cmd/plumb$$|/docs$$

# The tests of these packages share a Spark server, and have a target of their own.
of_spark = /store/spark(/|$$)

# The tests in Python run beside those in Go, since both wait for processes. The binary is built first because tests of
# several packages build it too. With a cold cache each would build it all.
.PHONY: test
test: redis-server postgres bin/tools/versitygw build ## Run every test, with the race detector if it can find something; installs redis-server, PostgreSQL and Java if they are missing
	$(MAKE) -j2 go-test python-test
	$(MAKE) test-spark

# A test binary with DuckDB in it is linked in half the processor time without what only debuggers read, and by gold.
fast_linking := -ldflags=-s -w$(if $(shell command -v ld.gold), -extldflags=-fuse-ld=gold)

# Expressions are also tested as compiled for newer processors, for which the compiler fuses what it may (R25).
.PHONY: go-test
go-test: export GOFLAGS += '$(fast_linking)'
go-test: redis-server postgres bin/tools/versitygw build
	go list ./... | grep -Ev '$(of_processes)|$(of_one_goroutine)|$(of_spark)' | RAPID_CHECKS=$(RAPID_CHECKS) xargs go test -race -timeout 20m -skip '$(without_race)'
	go list ./... | grep -E '$(of_processes)|$(of_one_goroutine)' | xargs go test -timeout 20m -skip '$(without_race)'
	RAPID_CHECKS=$(RAPID_CHECKS) go test -timeout 20m -run '$(without_race)' $(of_them)
	if grep -qw fma /proc/cpuinfo 2>/dev/null && grep -qw avx2 /proc/cpuinfo; then GOAMD64=v3 go test ./compute/...; fi

# The environment of the Python client: pinned packages, and an editable install of the client.
python = bin/python/bin/python
python_ready = bin/python/ready
$(python_ready): tools/make-python.sh sdk/python/pyproject.toml sdk/python/requirements-dev.txt \
		examples/delay_model/requirements.txt
	tools/make-python.sh bin/python

.PHONY: python
python: $(python_ready) ## Make bin/python, the environment for developing the Python client

# The dvc with which tests check .dvc files.
dvc_ready = bin/dvc/ready
$(dvc_ready): tools/make-dvc.sh sdk/python/requirements-dvc.txt
	tools/make-dvc.sh bin/dvc

# The Spark with which tests run.
spark_ready = bin/spark/ready
$(spark_ready): tools/make-spark.sh store/spark/sparktest/requirements.txt
	tools/make-spark.sh bin/spark

# The tests on Spark share one server, which has one slot, so their packages run one after the other.
.PHONY: test-spark
test-spark: export GOFLAGS += '$(fast_linking)'
test-spark: java $(spark_ready) ## Run the tests on a Spark server; installs Java if it is missing, and Spark in bin/spark, 520 MB
	go build -o bin/serve-spark ./store/spark/sparktest/serve
	bin/serve-spark go test -race -p 1 -timeout 20m ./store/spark/...

.PHONY: wheel
wheel: build $(python_ready) ## Build bin/wheel/plumbstore-*.whl: the Python client with the binary, for this platform
	rm -rf bin/wheel
	cd tools && go build -o ../bin/wheelplatform ./wheelplatform
	platform=$$(bin/wheelplatform bin/plumb) && \
		PLUMB_WHEEL_BINARY=$(CURDIR)/bin/plumb PLUMB_WHEEL_PLATFORM=$$platform \
		$(python) -m pip wheel --quiet --no-deps --no-build-isolation -w bin/wheel ./sdk/python

.PHONY: python-test
python-test: wheel $(python_ready) $(dvc_ready) ## Run the tests of the Python client and of the examples
	cd sdk/python && ../../$(python) -m pytest

.PHONY: redis-server
redis-server:
	@tools/install-redis-server.sh

.PHONY: postgres
postgres:
	@tools/install-postgres.sh

.PHONY: java
java:
	@tools/install-java.sh

# The fuzz tests, as package:name. Their corpora are in testdata/fuzz, and make test runs the corpora.
fuzz_tests = ./store/packed:FuzzKey ./store/packed:FuzzRow ./registry/spec:FuzzDefinitions ./internal/config:FuzzConfiguration \
	./internal/server:FuzzRequests ./sdk:FuzzReply ./internal/server/auth:FuzzTokens ./internal/server/auth:FuzzAuthorization \
	./internal/parquetfile:FuzzFooter ./internal/arrowipc:FuzzArrow ./internal/document:FuzzJSON ./internal/csvfile:FuzzRead \
	./internal/server/flight:FuzzExchange ./store/duckdb:FuzzFiles ./audit/auditlog:FuzzLog ./dataset:FuzzManifest \
	./push:FuzzPushedLines ./source/lake:FuzzVector ./store/pulled/postgres:FuzzCopy ./compute/expression:FuzzCompile \
	./compute/aggregate:FuzzState ./compute/windows:FuzzState ./store/spark/connect:FuzzMessage

.PHONY: fuzz
fuzz: ## Run each fuzz test for FUZZ_TIME, by default a minute
	for each in $(fuzz_tests); do \
		go test "$${each%%:*}" -run '^$$' -fuzz "^$${each##*:}\$$" -fuzztime $${FUZZ_TIME:-1m} -fuzzminimizetime 5s; \
	done

.PHONY: bench
bench: ## Run the Go benchmarks of the stores and the server
	go test -run '^$$' -bench . -benchmem ./store/... ./internal/server/...

.PHONY: bench-offline
bench-offline: build ## Measure historical against hand-written SQL (CONTESTS="uniform files" for some); leaves 6 GB of data in bin/bench
	go build -o bin/bench-offline ./bench/offline
	bin/bench-offline bin/plumb bin/bench $(CONTESTS)

.PHONY: bench-windows
bench-windows: build redis-server ## Measure windows: joins against a range join by hand, look-ups against a bare MGET; takes minutes
	go test ./store/duckdb -run '^$$' -bench Windows -benchtime 3x
	go test ./store/duckdb -run '^$$' -bench Windows/20000000x -benchtime 1x -timeout 60m -args -many-events
	go build -o bin/bench-online ./bench/online
	bin/bench-online -tables windows -callers 1,16 bin/plumb

.PHONY: bench-objects
bench-objects: bin/tools/versitygw ## Measure the bytes and requests of a join and of a materialization over an object beside what they need, a whole download and a local file
	go test ./store/duckdb -run '^$$' -bench Objects -benchtime 5x

.PHONY: bench-historical-shards
bench-historical-shards: build ## Measure a training set in two files by one process and by two against one file
	go build -o bin/bench-offline ./bench/offline
	bin/bench-offline bin/plumb bin/bench shards

.PHONY: bench-memory
bench-memory: build ## Join 20 million labels within 2 GB; fails above 2.4 GB; leaves 6 GB of data in bin/bench
	go build -o bin/bench-offline ./bench/offline
	bin/bench-offline bin/plumb bin/bench memory

.PHONY: bench-online
bench-online: build redis-server $(python_ready) ## Measure look-ups over gRPC, HTTP and from Python against bare programs; takes ten minutes
	go build -o bin/bench-online ./bench/online
	bin/bench-online bin/plumb

# The environment of Feast, which look-ups are compared with, and whose client looks up.
feast_ready = bin/feast/ready
$(feast_ready): bench/online/requirements-feast.txt
	rm -rf bin/feast
	"$${PYTHON:-python3}" -m venv bin/feast
	bin/feast/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	touch $@

.PHONY: bench-feast
bench-feast: build redis-server $(feast_ready) ## Measure look-ups over HTTP beside those of Feast; installs Feast in bin/feast, 600 MB
	go build -o bin/bench-online ./bench/online
	bin/bench-online -tables feast bin/plumb

.PHONY: test-feast
test-feast: build bin/tools/buf bin/proto $(feast_ready) ## Use a server with the client of Feast, unchanged; installs Feast in bin/feast, 600 MB
	bin/tools/buf build proto --output bin/messages.binpb
	bin/feast/bin/python internal/server/feast/testdata/clients.py bin/plumb bin/messages.binpb

.PHONY: bench-ondemand
bench-ondemand: build redis-server ## Measure computed features: label rows against SQL, and look-ups with them and without
	go build -o bin/bench-offline ./bench/offline
	bin/bench-offline bin/plumb bin/bench computed
	go build -o bin/bench-online ./bench/online
	bin/bench-online -tables computed -shapes 1x50,100x50 bin/plumb

.PHONY: bench-audit
bench-audit: build redis-server ## Measure how much an audit log slows look-ups of 16 callers; takes four minutes
	go build -o bin/bench-online ./bench/online
	bin/bench-online -tables audit -shapes 1x50,100x50 -callers 16 -rounds 15 bin/plumb

.PHONY: bench-materialize
bench-materialize: build redis-server ## Measure materialize against raw SETs and arg_max; leaves 2.1 GB of data in bin/bench
	go build -o bin/bench-materialize ./bench/materialize
	bin/bench-materialize bin/plumb bin/bench

.PHONY: bench-materialize-shards
bench-materialize-shards: build redis-server ## Measure a run in shards by one worker and by two against one without shards
	go build -o bin/bench-materialize ./bench/materialize
	bin/bench-materialize bin/plumb bin/bench shards

.PHONY: bench-materialize-memory
bench-materialize-memory: build redis-server ## Materialize 50 million entities within 2 GB; fails above 3 GB; Redis uses 7 GB
	go build -o bin/bench-materialize ./bench/materialize
	bin/bench-materialize bin/plumb bin/bench memory

.PHONY: bench-verify
bench-verify: build ## Verify 10,000 sampled label rows over the year of flights; fails after a minute
	cd testdata/nycflights && time timeout 60 ../../bin/plumb verify --plan --rows 10000

.PHONY: lint
lint: bin/tools/golangci-lint bin/tools/buf bin/proto $(python_ready) ## Check formatting, vet, linters, import direction and the .proto files
	bin/tools/golangci-lint run ./...
	cd tools && ../bin/tools/golangci-lint run --config ../.golangci.yaml ./...
	bin/tools/buf lint proto
	bin/tools/buf format --diff --exit-code proto
	cd sdk/python && ../../$(python) -m ruff check --quiet --config pyproject.toml . ../../examples
	cd sdk/python && ../../$(python) -m ruff format --quiet --diff --config pyproject.toml . ../../examples
	cd sdk/python && ../../$(python) -m mypy

# What checks Dockerfiles, and YAML by schemas that it has within it.
deploy_lint_ready = bin/deploy-lint/ready
$(deploy_lint_ready): deploy/requirements-lint.txt
	rm -rf bin/deploy-lint
	"$${PYTHON:-python3}" -m venv bin/deploy-lint
	bin/deploy-lint/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	touch $@

.PHONY: lint-deploy
lint-deploy: bin/deploy/helm bin/deploy/actionlint $(deploy_lint_ready) ## Check what operators install and the workflows, by their own tools as far as these need no daemon
	bin/deploy/helm lint --strict --quiet deploy/helm/plumb
	bin/deploy/helm template plumb deploy/helm/plumb --set insecure=true >/dev/null
	bin/deploy/helm template plumb deploy/helm/plumb --set tls.secret=tls --set tokens.secret=tokens \
		--set-json 'volumes=[{"name": "data", "emptyDir": {}}]' --set materialize.schedule= >/dev/null
	bin/deploy-lint/bin/hadolint deploy/docker/Dockerfile
	bin/deploy-lint/bin/check-jsonschema --quiet --builtin-schema vendor.compose-spec deploy/docker/compose.yaml
	bin/deploy-lint/bin/check-jsonschema --quiet --builtin-schema vendor.github-issue-forms \
		.github/ISSUE_TEMPLATE/*.yaml
	bin/deploy/actionlint .github/workflows/*.yaml examples/github-actions/*.yaml

.PHONY: generate
generate: bin/tools/buf bin/tools/protoc-gen-go bin/tools/protoc-gen-go-grpc bin/tools/protoc-gen-jsonschema bin/proto $(python_ready) ## Generate the code and schemas derived from the .proto files
	bin/tools/buf generate
	cd tools && go run ./definitionschema ../bin/jsonschema ../proto/plumb/v1/definitions.schema.json
	bin/tools/buf build proto --output bin/messages.binpb
	$(python) sdk/python/tools/generate.py bin/messages.binpb sdk/python/src

# The generated files that are committed.
generated = find proto sdk/python/src -name '*.pb.go' -o -name '*.schema.json' -o -name '*_pb2.py*' | sort

.PHONY: check-generated
check-generated: ## Fail if generated code differs from what `make generate` makes
	@before=$$($(generated) | xargs sha256sum); \
	$(MAKE) generate; \
	after=$$($(generated) | xargs sha256sum); \
	diff <(echo "$$before") <(echo "$$after") || \
		{ echo 'The generated code was out of date. It is up to date now: commit it.' >&2; exit 1; }

.PHONY: clean
clean: ## Remove bin, with everything that was built
	rm -rf bin

# Tools are built from the versions pinned by the module in tools/, so that the product's go.mod stays small.
bin/tools/%: tools/go.mod tools/go.sum
	cd tools && go build -o ../$@ "$$(go list tool | grep '/$*$$')"
	@touch $@

bin/deploy/%: tools/deploy/go.mod tools/deploy/go.sum
	cd tools/deploy && go build -o ../../$@ "$$(go list tool | grep '/$*$$')"
	@touch $@

# buf/validate/validate.proto, which no package registry provides as text.
bin/proto: tools/go.mod tools/go.sum $(wildcard tools/protodeps/*.go)
	cd tools && go run ./protodeps ../bin/proto
	@touch $@
