# Short names for what CMake, ctest and scripts/ do. Nothing is built here.

prefix ?= /usr/local
DESTDIR ?=

# Other seeds for each commit, and for one commit the same ones each time.
fresh_seeds = $$((0x$$(git rev-parse --short=7 HEAD 2>/dev/null || echo 68e7780)))

# Two makes in one tree take turns: ninja does not lock its build directory.
locked := mkdir -p build && flock build/.lock

.DEFAULT_GOAL := build
.PHONY: help build demo test sim fuzz bench lint format install soak coverage clean setup \
	test-setup

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 12

setup: ## install what building needs and this machine lacks
	@scripts/setup

test-setup: setup
	@scripts/setup --test

build: setup ## programs and drivers, optimised and hardened, into build/bin and build/lib
	@$(locked) scripts/build release

demo: build ## run an example workflow from end to end
	@scripts/demo

test: build test-setup ## every test, under the address, undefined and thread sanitizers
	@$(locked) scripts/build asan tsan
	@$(locked) env FF_SEED=1 scripts/fuzz 1
	@$(locked) cmake --build build/release --target ff-sim
	@build/release/tests/ff-sim --quiet --cover --seeds $(or $(SEEDS),3000) \
		--from $(or $(FROM),$(fresh_seeds))
	@build/release/tests/ff-sim --quiet --hosts --seeds $(or $(SEEDS),500) \
		--from $(or $(FROM),$(fresh_seeds))
	@build/release/tests/ff-sim --quiet --hosts --set joins=1 --set apart=1 \
		--seeds $(or $(SEEDS),500) --from $(or $(FROM),$(fresh_seeds))
	@ctest --preset tsan
	@ctest --preset asan

sim: setup ## seeded simulation of the whole engine: SEEDS=1000 FROM=1
	@[ -e build/asan/build.ninja ] || { mkdir -p build && cmake --preset asan >/dev/null; }
	@$(locked) cmake --build build/asan --target ff-sim
	@build/asan/tests/ff-sim --cover --seeds $(or $(SEEDS),1000) $(if $(FROM),--from $(FROM))

fuzz: setup ## libFuzzer on the parsers: SECONDS=60 for each, TARGET="json config"
	@$(locked) scripts/fuzz $(or $(SECONDS),60) $(TARGET)

bench: build test-setup ## the benchmarks, against the release build
	@if [ -x bench/run ]; then bench/run; else echo "bench: bench/run is not there yet"; fi

lint: ## format, static analysis, rooms, types
	@scripts/setup --lint
	@$(locked) scripts/lint

format: ## rewrite our C in the house's format
	@scripts/setup --lint
	@scripts/lint --fix

install: build ## prefix=/usr/local DESTDIR=
	@DESTDIR="$(DESTDIR)" cmake --install build/release --strip --prefix "$(prefix)"

soak: test-setup ## run for HOURS under faults
	scripts/soak $(HOURS)

coverage: test-setup ## lines and branches that the tests take; fails below tests/branches.txt
	@$(locked) scripts/build coverage
	@ctest --preset coverage
	@scripts/coverage
	@scripts/coverage-branches

clean: ## remove all that was built
	@rm -rf build
