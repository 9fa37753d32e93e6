GOLANGCI_LINT := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
GO_DIRS        = $$(go list -f '{{.Dir}}' ./...)
RACE          := $(if $(shell command -v gcc clang cc),-race)# the race detector needs a C compiler
GOVULNCHECK   := golang.org/x/vuln/cmd/govulncheck@v1.1.4
FUZZ_TIME     := 10m
FUZZ_PACKAGES := ./...

export PYTHONDONTWRITEBYTECODE := 1

.PHONY: help build demo test test-go test-fuzz test-python fuzz bench bench-storage soak chaos lint vuln clean

help: ## Shows this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## Builds ./caddy with Dashstash in it
	@mkdir -p .cache
	@echo "· building Caddy with Dashstash (minutes at first, then seconds)"
	@./xcaddy.sh >.cache/build.log 2>&1 || { cat .cache/build.log; exit 1; }

demo: build ## Serves a real app behind Dashstash and measures it (ONCE=1 ends then, PORT=8080)
	@python=$$(tests/setup.sh) && exec "$$python" tests/demo/demo.py

test: ## Runs all tests
	@$(MAKE) --no-print-directory --keep-going test-go test-fuzz test-python

test-go: ## Runs the Go tests, with the race detector where there is a C compiler
	@mkdir -p .cache
	@tests/setup.sh servers
	@start=$$(date +%s); go test -v $(RACE) ./... >.cache/go-test.log 2>&1 || \
		{ grep -vE '^ *(=== |--- PASS|PASS$$|ok )' .cache/go-test.log; exit 1; }; \
		! grep -E '^ *--- SKIP' .cache/go-test.log || { echo "a test skipped itself"; exit 1; }; \
		echo "go test $(RACE): $$(grep -cE '^ *--- PASS' .cache/go-test.log) tests in $$(grep -c '^ok' .cache/go-test.log)" \
			"packages passed in $$(($$(date +%s) - start)) s"

test-fuzz: ## Fuzzes most parsers for a few seconds each
	@$(MAKE) --no-print-directory fuzz FUZZ_TIME=3s FUZZ_PACKAGES="./interceptor ./storage/..."

# Left to itself, go takes a minute to make each new input smaller, in which nothing else is tried.
fuzz: ## Fuzzes each parser (FUZZ_TIME=10m, FUZZ_PACKAGES=./interceptor)
	@mkdir -p .cache
	@for package in $$(go list $(FUZZ_PACKAGES)); do \
		for target in $$(go test -list '^Fuzz' $$package | grep '^Fuzz'); do \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZ_TIME) -fuzzminimizetime 10x $$package >.cache/fuzz.log 2>&1 || \
				{ cat .cache/fuzz.log; exit 1; }; \
			echo "fuzz: $$target: $$(sed -n 's/.*execs: \([0-9]*\).*/\1/p' .cache/fuzz.log | tail -n 1) executions"; \
		done; done

test-python: build ## Runs the end-to-end tests (ARGS="-k three_stores" for some of them)
	@python=$$(tests/setup.sh versions) && cd tests && \
		{ "$$python" -m pytest -n 3 --dist worksteal $(ARGS) >../.cache/pytest.log 2>&1 || { cat ../.cache/pytest.log; exit 1; }; }
	@! tail -n 1 .cache/pytest.log | grep -qE 'skipped|xfailed' || { tail -n 1 .cache/pytest.log; exit 1; }
	@sed -n '/ warnings summary /,/^-- Docs: /p' .cache/pytest.log
	@echo "pytest: $$(tail -n 1 .cache/pytest.log)"

bench: build ## Runs the benchmarks (ARGS="-bench Offload" for some of Go's)
	@go test -run '^$$' -bench . -benchmem $(ARGS) ./...
	@python=$$(tests/setup.sh) && "$$python" tests/bench/callbacks.py

soak: build ## Has many users at work for ten minutes (SOAK_SECONDS=3600 for longer)
	@python=$$(tests/setup.sh) && cd tests && SOAK_SECONDS=$${SOAK_SECONDS:-600} "$$python" -m pytest -s test_soak.py

chaos: build ## Has everything go wrong at random for half an hour (CHAOS_SECONDS=300, CHAOS_SEED=12345)
	@python=$$(tests/setup.sh versions) && cd tests && \
		CHAOS_SECONDS=$${CHAOS_SECONDS:-1800} "$$python" -m pytest -s test_chaos.py

bench-storage: ## Compares the storages with each other and dash-extensions: writes docs/benchmarks.md (ROUNDS=3)
	@python=$$(tests/setup.sh bench) && "$$python" tests/bench/storage.py

lint: ## Checks format, go vet and golangci-lint
	@unformatted=$$(gofmt -l $(GO_DIRS)); [ -z "$$unformatted" ] || { echo "gofmt: $$unformatted"; exit 1; }
	@go vet ./...
	@if command -v golangci-lint >/dev/null; then golangci-lint run; \
		else echo "· golangci-lint is not on the PATH: building it (minutes at first)"; go run $(GOLANGCI_LINT) run; fi

vuln: ## Looks for known vulnerabilities with govulncheck (VULNDB=file:///path where its database cannot be reached)
	@go run $(GOVULNCHECK) $(if $(VULNDB),-db $(VULNDB)) -tags nobadger,nomysql,nopgx ./...

clean: ## Removes what was built, downloaded and measured
	@rm -rf caddy .cache
