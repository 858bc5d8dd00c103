# Two commands do everything on a fresh Debian machine with a Swift toolchain: `make run`, `make test`.

SHELL := /bin/bash
SWIFT ?= swift
# So many tests at a time: hundreds at once wait for one another, on a small machine, beyond any time limit.
AT_ONCE := SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH
# The API on PostgreSQL, but for the long model of the feed: it takes as long as all the others together.
API_ON_POSTGRES := --filter RegistryHTTPTests --skip FeedModelTests
# How a release is built, once for all that is measured, tested and shipped.
RELEASE := SWIFT=$(SWIFT) scripts/release
# A step of the tests: it says how long it took.
STEP := scripts/step
SUITES := $(SWIFT) test --skip-build
PORT ?= 8080
DATA ?= data

.PHONY: run test test-memory test-suites test-parts release-quietly build release image package check format bench compare demo coverage tsan fuzz race docs figures library rehearsal help

help: ## What there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: ## Install, build, start with sample data, say what to try next
	@scripts/install-packages run
	$(RELEASE) tenant-registry
	@PORT=$(PORT) DATA=$(DATA) scripts/run

build: ## Build for debugging, tests too
	@scripts/install-packages build
	$(SWIFT) build --build-tests

release: ## Build the release binary, with Swift's runtime in it, and say its size
	@scripts/install-packages release
	$(RELEASE) tenant-registry
	@scripts/stripped > /dev/null

image: ## Build the image localhost/tenant-registry:VERSION into buildah's store
	@scripts/install-packages image
	$(RELEASE) tenant-registry
	@scripts/image

package: ## Build the Debian package, into .build/package
	@scripts/install-packages package
	$(RELEASE) tenant-registry
	@scripts/package

test: ## Install, build, run every check and test
	@scripts/install-packages test
	@$(STEP) check $(MAKE) --no-print-directory check
	$(STEP) build $(SWIFT) build --build-tests
	@# The build that people run is made meanwhile: it has modules in which one processor waits for the other. Suites aren't run
	@# beside it, for theirs are clients that give up.
	@$(MAKE) --no-print-directory -j2 test-memory release-quietly
	@$(MAKE) --no-print-directory test-suites test-parts

test-memory: # What finds wrong pointers and data races
	@$(STEP) fuzz scripts/fuzz
	@$(STEP) race scripts/race

release-quietly:
	@$(STEP) --log release env $(RELEASE) tenant-registry

test-suites: # All of the suites, with what `make test` has built
	$(STEP) units env $(AT_ONCE)=8 $(SUITES) --skip 'EndToEndTests|PostgresStoreTests|FeedModelTests'
	@# The store's own suite, where SQL, plans and locks are, runs on Debian's PostgreSQL and on PyPI's; the API's once.
	@scripts/postgres > /dev/null
	@echo "The API suite again, with PostgreSQL under it:"
	$(STEP) api-on-postgres env REGISTRY_POSTGRES=$$(scripts/postgres) REGISTRY_TEST_STORE=postgres $(AT_ONCE)=4 \
		$(SUITES) $(API_ON_POSTGRES)
	$(STEP) store-on-postgres env $(AT_ONCE)=4 $(SUITES) --filter PostgresStoreTests
	$(STEP) store-on-newest-postgres env REGISTRY_POSTGRES=$$(scripts/postgres) $(AT_ONCE)=4 $(SUITES) --filter PostgresStoreTests
	$(STEP) alone $(SUITES) --no-parallel --filter 'FeedModelTests|ManyConnectionsTests'
	@for proxy in envoy traefik; do scripts/proxy $$proxy > /dev/null || exit 1; done
	$(STEP) end-to-end env $(AT_ONCE)=4 $(SUITES) --filter EndToEndTests --skip ManyConnectionsTests

test-parts: # What runs the build that people run: the optimizer has broken what was well without it
	@$(STEP) kubernetes scripts/check-kubernetes
	@$(STEP) units-of-systemd scripts/check-units
	@$(STEP) --log image scripts/try-image
	@$(STEP) notify scripts/try-notify
	@$(STEP) --log package scripts/try-package
	@$(STEP) --log signals scripts/try-signals
	@$(STEP) --log rollout scripts/try-rollout --updates 3 --losses 3
	@$(STEP) --log rollout-sabotage scripts/try-rollout --sabotage --losses 0
	@$(STEP) --log demo scripts/demo
	@$(STEP) --log runbook scripts/try-runbook
	@$(STEP) --log neighbours env NEIGHBOURS_NAMES=20000 NEIGHBOURS_SECONDS=5 BENCH_BUILD=.build/debug Benchmarks/neighbours
	@$(STEP) --log failover scripts/try-failover
	@$(STEP) --log model scripts/try-model
	@$(STEP) --log fence scripts/try-fence
	@$(STEP) --log rehearsal scripts/rehearsal
	@$(STEP) --log sabotage scripts/rehearsal --sabotage all
	@$(STEP) --log contract scripts/try-contract
	@$(STEP) --log console scripts/try-console
	@echo "everything passed; what the steps with a log have said is in .build/NAME.log"

check: ## Style, import arrows, openapi.yaml
	$(SWIFT) format lint --strict --recursive --parallel Sources Tests Benchmarks migrations Package.swift
	@scripts/check-imports
	@scripts/check-openapi
	@scripts/check-docs

format: ## Bring every Swift file into the one style
	$(SWIFT) format format --in-place --recursive --parallel Sources Tests Benchmarks migrations Package.swift

demo: ## The main job on real parts: nginx follows a tenant that moves
	@scripts/install-packages test
	@[ -x .build/release/tenant-registry ] || [ -x .build/debug/tenant-registry ] || $(RELEASE) tenant-registry
	@scripts/demo

rehearsal: ## The whole move on real parts in two minutes: name servers, balancers, signups, waves, each there and back, judged
	@scripts/install-packages test
	@[ -x .build/release/tenant-registry ] || $(RELEASE) tenant-registry
	@scripts/rehearsal

library: ## Build libtenantroutes, which reads an agent's shared routes, and its modules for Lua and Envoy, into .build/library
	@scripts/install-packages library
	@scripts/library

bench: ## Measure, side by side with peers; figures go into docs/benchmarks.md
	@scripts/install-packages bench
	$(RELEASE) tenant-registry
	$(RELEASE) BareRoute
	$(RELEASE) ChainCost
	$(RELEASE) TableBench
	$(RELEASE) StoreFill
	$(RELEASE) RoutesBench
	@Benchmarks/bench
	@Benchmarks/steady
	@Benchmarks/size
	@Benchmarks/soak 2
	@NEIGHBOURS_FIGURES=1 Benchmarks/neighbours
	@WAVE_ROUNDS=2 Benchmarks/waves
	@Benchmarks/plans
	@Benchmarks/history
	@Benchmarks/postgres
	@Benchmarks/readers
	@Benchmarks/drift
	@Benchmarks/dns
	@Benchmarks/tenants
	@Benchmarks/edge
	@Benchmarks/routes
	@Benchmarks/shared
	@Benchmarks/fence
	@Benchmarks/agents
	@Benchmarks/agent-memory
	@Benchmarks/proxies

compare: ## What the stores cost beside an earlier commit: make compare BEFORE=COMMIT
	@[ -n "$(BEFORE)" ] || { echo "which commit? make compare BEFORE=COMMIT"; exit 2; }
	@Benchmarks/stores "$(BEFORE)"

coverage: ## Line coverage of the tests
	@scripts/install-packages test
	$(SWIFT) test --enable-code-coverage
	@scripts/coverage

tsan: ## The in-process tests under the thread sanitizer
	@scripts/install-packages test
	$(SWIFT) test --sanitize thread --scratch-path .build/tsan --skip EndToEndTests

fuzz: ## Fuzz the parser of raw lookups for ten minutes
	@FUZZ_SECONDS=600 scripts/fuzz

race: ## Look for data races in shared routes for ten minutes
	@RACE_SECONDS=600 scripts/race

figures: ## Count the lines, those that the two stores have twice, and the hops from a commit to a map
	@scripts/figures

docs: ## Check that what the documents name exists
	@scripts/check-docs
