# Two commands do everything on a fresh Debian machine with a Swift toolchain: `make run`, `make test`.

SHELL := /bin/bash
SWIFT ?= swift
# So many tests at a time: hundreds at once wait for one another, on a small machine, beyond any time limit.
AT_ONCE := SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH
# The API on PostgreSQL, but for the long model of the feed: it takes as long as all the others together.
API_ON_POSTGRES := --filter RegistryHTTPTests --skip FeedModelTests
# How a release is built, once for all that is measured, tested and shipped.
RELEASE := SWIFT=$(SWIFT) scripts/release
PORT ?= 8080
DATA ?= data

.PHONY: run test build release image package check format bench compare demo coverage tsan fuzz race docs figures library rehearsal help

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
	@$(MAKE) --no-print-directory check
	$(SWIFT) build --build-tests
	@scripts/fuzz
	@scripts/race
	$(AT_ONCE)=8 $(SWIFT) test --skip-build --skip 'EndToEndTests|PostgresStoreTests|FeedModelTests'
	@# The store's own suite, where SQL, plans and locks are, runs on Debian's PostgreSQL and on PyPI's; the API's once.
	@scripts/postgres > /dev/null
	@echo "The API suite again, with PostgreSQL under it:"
	REGISTRY_POSTGRES=$$(scripts/postgres) REGISTRY_TEST_STORE=postgres $(AT_ONCE)=4 $(SWIFT) test --skip-build $(API_ON_POSTGRES)
	$(AT_ONCE)=4 $(SWIFT) test --skip-build --filter PostgresStoreTests
	REGISTRY_POSTGRES=$$(scripts/postgres) $(AT_ONCE)=4 $(SWIFT) test --skip-build --filter PostgresStoreTests
	$(SWIFT) test --skip-build --no-parallel --filter 'FeedModelTests|ManyConnectionsTests'
	@for proxy in envoy traefik; do scripts/proxy $$proxy > /dev/null || exit 1; done
	$(AT_ONCE)=4 $(SWIFT) test --skip-build --filter EndToEndTests --skip ManyConnectionsTests
	@# What follows runs the build that people run: the optimizer has broken what was well without it.
	$(RELEASE) tenant-registry
	@scripts/check-kubernetes
	@scripts/check-units
	@scripts/try-image > .build/image.log 2>&1 || { cat .build/image.log; exit 1; }
	@scripts/try-notify
	@scripts/try-package > .build/package.log 2>&1 || { cat .build/package.log; exit 1; }
	@scripts/try-signals > .build/signals.log 2>&1 || { cat .build/signals.log; exit 1; }
	@scripts/try-rollout --updates 3 --losses 3 > .build/rollout.log 2>&1 || { cat .build/rollout.log; exit 1; }
	@scripts/try-rollout --sabotage --losses 0 >> .build/rollout.log 2>&1 || { cat .build/rollout.log; exit 1; }
	@scripts/demo > .build/demo.log 2>&1 || { cat .build/demo.log; exit 1; }
	@scripts/try-runbook > .build/runbook.log 2>&1 || { cat .build/runbook.log; exit 1; }
	@NEIGHBOURS_NAMES=20000 NEIGHBOURS_SECONDS=5 BENCH_BUILD=.build/debug Benchmarks/neighbours > .build/neighbours.log 2>&1 \
		|| { cat .build/neighbours.log; exit 1; }
	@scripts/try-failover > .build/failover.log 2>&1 || { cat .build/failover.log; exit 1; }
	@scripts/try-model > .build/model.log 2>&1 || { cat .build/model.log; exit 1; }
	@scripts/try-fence > .build/fence.log 2>&1 || { cat .build/fence.log; exit 1; }
	@scripts/rehearsal > .build/rehearsal.log 2>&1 || { cat .build/rehearsal.log; exit 1; }
	@scripts/rehearsal --sabotage all > .build/sabotage.log 2>&1 || { cat .build/sabotage.log; exit 1; }
	@scripts/try-contract > .build/contract.log 2>&1 || { cat .build/contract.log; exit 1; }
	@echo "the image, the package, the demo, the runbook, bad neighbours, the failover, the model, the fence, the signals, the rollout, the rehearsal, its sabotage and the contract ran; their words are in .build/{image,package,demo,runbook,neighbours,failover,model,fence,signals,rollout,rehearsal,sabotage,contract}.log"

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
