# make help lists what there is. Everything that is installed goes into the user's
# cache directory, never into the system.

SHELL      := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

CACHE      := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/dyocense
TOOLS      := $(CACHE)/tools
VERSION    := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
COMMIT     := $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
INFO       := github.com/dyocense/dyocense/shared/buildinfo
LDFLAGS    := -s -w -X $(INFO).version=$(VERSION) -X $(INFO).commit=$(COMMIT) \
              -X '$(INFO).engine=highs-embedded $(shell sed -n 's/^version=//p' deploy/engine/fetch.sh)'
MODULES    := shared controlplane agent e2e
ROOT       := github.com/dyocense/dyocense
# The kernel knows no mode and spends its time in the solver, which the race
# detector slows down tenfold and cannot look into; it is tested apart.
PACKAGES   := $(ROOT)/shared/... $(ROOT)/controlplane/... $(ROOT)/agent/internal/... $(ROOT)/agent/cmd/...
KERNEL     := $(ROOT)/agent/kernel/...
# The largest scopes of this model are left to the run without the race detector.
MODEL      := $(ROOT)/agent/internal/tenantstore/cutovermodel

GOLANGCI_VERSION := v2.5.0
GOLANGCI   := $(TOOLS)/golangci-lint-$(GOLANGCI_VERSION)
ENGINE     := agent/kernel/solve/highs/engine/highs.wasm
PORTAL     := controlplane/internal/portal/dist/index.html
PORTAL_SRC := $(shell find web/src web/public -type f 2>/dev/null) web/index.html web/package.json web/vite.config.ts docs/openapi/openapi.json
GO_SRC     := $(shell find shared controlplane agent -name '*.go' -not -name '*_test.go') $(shell find shared controlplane agent -name go.mod)

# The race detector needs a C compiler; a machine without one tests without it and
# says so.
RACE       := $(shell command -v $${CC:-cc} >/dev/null 2>&1 && [ "$$(go env CGO_ENABLED)" = 1 ] && echo -race)

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: build ## build everything and start the product on http://127.0.0.1:8080
	@exec bin/dyocense-controlplane

.PHONY: build
build: bin/dyocense-controlplane bin/dyocense-agent bin/dyocense-verify ## the three programs, in bin

bin/dyocense-controlplane: $(GO_SRC) $(PORTAL)
	CGO_ENABLED=0 go build -trimpath -ldflags "$(LDFLAGS)" -o $@ ./controlplane/cmd/dyocense-controlplane

bin/dyocense-agent: $(GO_SRC) $(ENGINE)
	CGO_ENABLED=0 go build -trimpath -ldflags "$(LDFLAGS)" -o $@ ./agent/cmd/dyocense-agent

bin/dyocense-verify: $(GO_SRC)
	CGO_ENABLED=0 go build -trimpath -ldflags "$(LDFLAGS)" -o $@ ./agent/cmd/dyocense-verify

# The same programs with places at which tests kill them; never shipped.
.PHONY: build-failpoints
build-failpoints: out/failpoints/dyocense-controlplane out/failpoints/dyocense-agent

out/failpoints/dyocense-controlplane: $(GO_SRC) $(PORTAL)
	CGO_ENABLED=0 go build -trimpath -tags failpoints -ldflags "$(LDFLAGS)" -o $@ ./controlplane/cmd/dyocense-controlplane

out/failpoints/dyocense-agent: $(GO_SRC) $(ENGINE)
	CGO_ENABLED=0 go build -trimpath -tags failpoints -ldflags "$(LDFLAGS)" -o $@ ./agent/cmd/dyocense-agent

.PHONY: engine
engine: $(ENGINE) ## fetch the embedded solver engine (HiGHS, pinned and checked)
$(ENGINE): deploy/engine/fetch.sh
	deploy/engine/fetch.sh

.PHONY: web
web: $(PORTAL) ## build the portal
$(PORTAL): $(PORTAL_SRC) web/node_modules/.installed
	cd web && npm run --silent build

web/node_modules/.installed: web/package-lock.json
	cd web && npm ci --no-audit --no-fund --loglevel=error
	touch $@

.PHONY: test
test: test-kernel test-smb test-platform test-web ## all tests, in both modes; installs what they need

.PHONY: test-smb
test-smb: engine portal-stub servers ## the Go tests as the shared pool runs
	$(if $(RACE),,@echo 'no C compiler: testing without the race detector')
	DEPLOYMENT_MODE=smb go test $(RACE) -json $(PACKAGES) | go run ./e2e/cmd/testreport -title 'smb mode'

.PHONY: test-platform
test-platform: engine portal-stub servers ## the Go tests as dedicated infrastructure runs
	DEPLOYMENT_MODE=platform go test $(RACE) -json $(PACKAGES) | go run ./e2e/cmd/testreport -title 'platform mode'

.PHONY: test-kernel
test-kernel: engine ## the decision kernel: forecasts, models, engine, checker, decisions; the model of a hand-over
	go test -json $(KERNEL) $(MODEL) | go run ./e2e/cmd/testreport -title 'kernel'

.PHONY: race-kernel
race-kernel: engine ## the kernel's concurrent parts under the race detector
	go test $(RACE) -short -json $(KERNEL) | go run ./e2e/cmd/testreport -title 'kernel, race detector'

.PHONY: test-web
test-web: web/node_modules/.installed ## the portal's unit tests
	cd web && npm run --silent test

# The Go programs embed the portal's folder; an empty one is enough to test them.
.PHONY: portal-stub
portal-stub:
	@mkdir -p controlplane/internal/portal/dist

.PHONY: servers
servers: ## install and cache the real servers that tests start (outside the repository)
	@deploy/servers/mongo.sh

.PHONY: e2e
e2e: build build-failpoints e2e/browser/node_modules/.installed ## whole programs, kill -9, and the journey in a real browser
	cd e2e && go test -count=1 -timeout 40m ./...
	cd e2e/browser && npm test --silent

e2e/browser/node_modules/.installed: e2e/browser/package-lock.json
	cd e2e/browser && npm ci --no-audit --no-fund --loglevel=error
	touch $@

.PHONY: nightly-simulation
nightly-simulation: engine ## moves of a live tenant under faults, 10,000 random worlds (SEEDS=n for others)
	cd e2e && DYOCENSE_SEEDS=$(or $(SEEDS),10000) go test -count=1 -timeout 4h -run TestRandomWorlds -v ./simulation | grep -v '^=== '

.PHONY: check
check: $(GOLANGCI) engine portal-stub web/node_modules/.installed ## format, vet, lint, generated files up to date
	for m in $(MODULES); do (cd $$m && go vet ./... && $(GOLANGCI) run ./...); done
	for m in $(MODULES); do (cd $$m && go mod tidy -diff); done
	cd web && npm run --silent typecheck && npm run --silent lint
	$(MAKE) --no-print-directory generate
	@git diff --exit-code --stat -- docs web/src agent shared controlplane || { echo 'generated files are stale: commit what make generate wrote'; exit 1; }

.PHONY: fmt
fmt: $(GOLANGCI) ## format the Go code
	for m in $(MODULES); do (cd $$m && $(GOLANGCI) fmt ./...); done

$(GOLANGCI):
	mkdir -p $(TOOLS)
	GOBIN=$(TOOLS) GOWORK=off go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	mv $(TOOLS)/golangci-lint $@

.PHONY: generate
generate: engine portal-stub web/node_modules/.installed ## OpenAPI documents, the portal's types, lifecycle diagrams
	@mkdir -p out
	deploy/engine/fetch.sh --letters
	go run ./agent/cmd/dyocense-agent openapi > out/agent.json.new
	mv out/agent.json.new controlplane/internal/app/agent.openapi.json
	go run ./controlplane/cmd/dyocense-controlplane openapi > out/openapi.json.new
	mv out/openapi.json.new docs/openapi/openapi.json
	cd web && npm run --silent generate
	UPDATE=1 go test ./controlplane/internal/app ./agent/internal/runs -run 'Drawn' -count=1 >/dev/null

.PHONY: bench
bench: bench-house bench-upgrade bench-identity ## all benchmarks

.PHONY: bench-house
bench-house: build ## sign-up to decision, provisioning, gateway, start, stores: ratios in one run
	@mkdir -p out/bench
	cd e2e && go run ./cmd/bench-house -out ../out/bench/house.json

.PHONY: bench-identity
bench-identity: build ## sign-ins, tokens, payment notices and reconcile: ratios in one run; N=1000 for fewer tenants
	@mkdir -p out/bench
	cd e2e && go run ./cmd/bench-identity -n $(or $(N),10000) -out ../out/bench/identity.json

.PHONY: bench-upgrade
bench-upgrade: build ## pause, copy and neighbours of a moving tenant, from outside; N=300 for more switches
	@mkdir -p out/bench
	cd e2e && go run ./cmd/bench-upgrade -n $(or $(N),40) -out ../out/bench/upgrade.json

.PHONY: clean
clean: ## remove what was built and measured
	rm -rf bin out web/node_modules e2e/browser/node_modules
	find controlplane/internal/portal/dist agent/kernel/solve/highs/engine -type f -not -name .gitkeep -delete
