# Builds, runs and tests bugsink-health. `make help` lists the targets; V=1 shows the compiler's command lines.

PREFIX      ?= /usr/local
DESTDIR     ?=
BUILD       ?= build
SANITIZE    ?=
COVERAGE    ?=
WERROR      ?=
V           ?=
Q           := $(if $(V),,@)
VERSION     := $(shell cat VERSION)
$(if $(word 2,$(BUILD)),$(error BUILD is "$(BUILD)": make cannot build in a directory whose name has a blank in it))

# MySQL and MariaDB; `make WITH_MYSQL=0` leaves them out, and then a mysql: DSN is refused at start.
WITH_MYSQL  ?= 1
MYSQL       := $(if $(filter 0,$(WITH_MYSQL)),,yes)

# The sandbox's system-call filters are made at build time, by tools/filters.c: nothing of libseccomp is in the program.
HOST_CC         ?= cc
HOST_PKG_CONFIG ?= env -u PKG_CONFIG_LIBDIR -u PKG_CONFIG_PATH -u PKG_CONFIG_SYSROOT_DIR pkg-config
FILTERS         := $(if $(filter Linux,$(shell uname -s)),$(patsubst %,$(BUILD)/filters/base/filters-%.inc,x86_64 aarch64))
FILTER_PACKAGES := $(if $(FILTERS),libseccomp-dev)

# The Debian packages, named here and nowhere else.
BUILD_PACKAGES = gcc make pkg-config libc6-dev libevent-dev libpq-dev libsqlite3-dev libjansson-dev $(FILTER_PACKAGES) \
                 $(if $(MYSQL),libmariadb-dev)
RUN_PACKAGES   = $(BUILD_PACKAGES) sqlite3 curl
TEST_PACKAGES  = $(RUN_PACKAGES) check libfuse3-dev fuse3 nftables openssl pgbouncer postgresql strace \
                 $(if $(MYSQL),mariadb-server) valgrind zsh
# The tests of deploy/: a Node.js of 18 or newer may be there from elsewhere; the rest is fetched by tests/deploy/prepare.sh.
DEPLOY_PACKAGES = $(RUN_PACKAGES) git shellcheck unzip $(if $(shell command -v npm),,nodejs npm)
DEB_PACKAGES   = $(BUILD_PACKAGES) binutils dpkg-dev xz-utils
PACKAGING_PACKAGES = $(DEB_PACKAGES) iproute2 lintian man-db mariadb-server openssl podman-compose postgresql procps \
                 python3-jsonschema python3-yaml sqlite3 systemd $(if $(shell command -v npm),,nodejs npm)
# The Dockerfile's build stage; the test of the image.
STAGE_PACKAGES = $(BUILD_PACKAGES) binutils ca-certificates openssl
IMAGE_PACKAGES = binutils buildah conmon curl dnsmasq-base iproute2 jq mariadb-server mmdebstrap openssl podman \
                 postgresql runc socat sqlite3
# The Debians that are built in for a target (scripts/chroot.sh): tools of their own architecture, libraries of the target's.
CROSS_PACKAGES = gcc make pkg-config libc6-dev binutils dpkg-dev xz-utils $(FILTER_PACKAGES) \
                 $(addsuffix :target,$(filter lib%,$(BUILD_PACKAGES)))
STAGE_CROSS_PACKAGES = $(CROSS_PACKAGES) ca-certificates openssl python3-minimal libpython3-stdlib
TEST_CROSS_PACKAGES  = $(CROSS_PACKAGES) $(addsuffix :target,busybox check libfuse3-dev)
RELEASE_PACKAGES = debian-archive-keyring dpkg-dev git jq mmdebstrap qemu-user-static xz-utils
CHROOT_PACKAGES = git mmdebstrap
ARM64_PACKAGES = $(CHROOT_PACKAGES) binutils cpio qemu-system-arm ipxe-qemu sqlite3
ARM64_SUITES = filters io sandbox# without those that ask how long a thing takes: one second there is many here
UI_PACKAGES    = $(RUN_PACKAGES) chromium faketime fonts-dejavu-core $(if $(shell command -v npm),,nodejs npm)
# Unpacked under $(BUILD) by tests/monitoring/prepare.sh and not installed, which would start a service; the rest is as for deploy/.
MONITORING_PACKAGES = prometheus
LOAD_PACKAGES  = $(RUN_PACKAGES) curl slowhttptest wrk
LOAD_UNPACKED  = nginx haproxy
# The peers of the benchmark. Those that Debian would start as services are unpacked under $(BUILD) and not installed.
BENCH_PACKAGES = $(RUN_PACKAGES) golang-go gunicorn openssl postgresql python3-django python3-psycopg2 util-linux \
                 $(if $(MYSQL),mariadb-server python3-mysqldb) $(if $(shell command -v node),,nodejs)
BENCH_UNPACKED = nginx prometheus-blackbox-exporter
FAILOVER_PACKAGES = $(RUN_PACKAGES) galera-4 haproxy iproute2 libmariadb-dev libpq-dev mariadb-server nftables openssl pgbouncer postgresql \
                 sqlite3 util-linux $(if $(shell command -v node),,nodejs)
FUZZ_PACKAGES  = $(BUILD_PACKAGES) clang libclang-rt-dev llvm
LINT_PACKAGES  = $(BUILD_PACKAGES) aspell aspell-en check libfuse3-dev clang-format cppcheck git mandoc python3 shellcheck
ANALYZE_PACKAGES = $(TEST_PACKAGES) clang-tidy
COVERAGE_PACKAGES = $(TEST_PACKAGES) python3

LIBS      = libevent_core sqlite3 jansson
# Loaded when a DSN asks for them (src/kinds/*/library.c); the tests link them besides.
LOADED    = libpq $(if $(MYSQL),libmariadb)
comma    := ,
WARNINGS  = -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wcast-qual \
            -Wwrite-strings -Wformat=2 -Wundef -Wvla -Wswitch-enum -Wconversion $(if $(WERROR),-Werror)
# Level 3 needs gcc 12. Without -fcf-protection: Debian's startup files have not its mark, so that it would be off.
FORTIFY  := $(if $(filter 4 5 6 7 8 9 10 11,$(firstword $(subst ., ,$(shell $(CC) -dumpversion 2>/dev/null)))),2,3)
HARDENING = -fPIE -fstack-protector-strong -fstack-clash-protection \
            $(if $(SANITIZE)$(COVERAGE),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=$(FORTIFY))
CFLAGS   ?= -O2 -g
CPPFLAGS += -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 $(if $(COVERAGE),-DBH_COVERAGE='"$(abspath $(BUILD))"') -DBH_VERSION='"$(VERSION)"' $(if $(MYSQL),-DWITH_MYSQL) $(if $(FUZZ_ALONE),-DFUZZ_ALONE) -Iinclude -Isrc -MMD -MP
ALL_CFLAGS  = -std=c11 $(CFLAGS) $(WARNINGS) $(HARDENING) $(addprefix -fsanitize=,$(SANITIZE)) \
              $(if $(SANITIZE),-fno-omit-frame-pointer -fno-sanitize-recover=all)
ALL_LDFLAGS = $(LDFLAGS) -pie -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code -Wl,--as-needed $(addprefix -fsanitize=,$(SANITIZE)) \
              $(if $(COVERAGE),--coverage -Wl$(comma)--wrap=__gcov_exit -Wl$(comma)-T$(comma)tests/coverage.ld)
PKG_CFLAGS := $(shell pkg-config --cflags $(LIBS) $(LOADED) 2>/dev/null)
PKG_LIBS   := $(shell pkg-config --libs $(LIBS) 2>/dev/null)
# What a newer compiler minds in their headers is not ours to mend.
TEST_CFLAGS = $(patsubst -I%,-isystem%,$(shell pkg-config --cflags check fuse3))
LOADED_LIBS = $(shell pkg-config --libs $(LOADED))
TEST_LIBS   = $(shell pkg-config --libs check fuse3) $(LOADED_LIBS)

MYSQL_SRC := $(wildcard src/kinds/mysql/*.c tests/kinds/mysql/*.c tests/fuzz/*mysql*.c tests/harness/mariadb.c \
             tests/e2e/test_e2e_mysql.c tests/e2e/endurance_mariadb.c)
LEFT_OUT  := $(if $(MYSQL),,$(MYSQL_SRC)) $(if $(FILTERS),,tests/base/filters_% tests/base/test_filters.c)
SOURCES   := $(filter-out $(LEFT_OUT),$(sort $(wildcard src/*/*.c src/kinds/*/*.c)))
OBJECTS   := $(SOURCES:src/%.c=$(BUILD)/obj/%.o) $(if $(COVERAGE),$(BUILD)/tests/coverage.o)
TEST_SRC  := $(filter-out $(LEFT_OUT) tests/bench/% tests/python/%,$(sort $(wildcard tests/*/*.c tests/kinds/*/*.c)))# these are programs of their own
TEST_OBJ  := $(TEST_SRC:tests/%.c=$(BUILD)/tests/%.o) $(BUILD)/tests/main.o
TEST_JOBS ?= 3# suites at a time: most of them wait
ONLY      ?=# of the suites, these: a,b,c
ENDURANCE_SECONDS ?= 600
SOAK_RUNS ?= 51840
ENDURANCE_SEED ?=# empty: another one each time, which is printed
ALL_SUITES := $(patsubst test_%.c,%,$(filter test_%,$(notdir $(TEST_SRC))))
SUITES    := $(filter e2e_%,$(ALL_SUITES)) $(filter-out e2e_%,$(ALL_SUITES))# the long ones first

# What tests/harness/allocations.c lets fail.
ALLOCATION_WRAPS = malloc calloc realloc reallocarray strdup strndup free exit

# A fuzz target is one file, tests/fuzz/fuzz_NAME.c, with its seeds in tests/fuzz/corpus/NAME.
FUZZERS      := $(patsubst tests/fuzz/fuzz_%.c,%,$(filter tests/fuzz/fuzz_%,$(TEST_SRC)))
FUZZ_SECONDS ?= 60# for each
FUZZ_BUILD    = $(MAKE) CC=clang FUZZ_ALONE=yes
FUZZ_ASAN     = $(FUZZ_BUILD) BUILD=$(BUILD)/fuzz SANITIZE="fuzzer-no-link address undefined" CFLAGS="-O1 -g" fuzzers
FUZZ_COVERAGE = $(FUZZ_BUILD) BUILD=$(BUILD)/fuzz-coverage SANITIZE=fuzzer-no-link \
                CFLAGS="-O0 -g -DNDEBUG -fprofile-instr-generate -fcoverage-mapping" fuzzers

.PHONY: all run check test asan valgrind lint format install uninstall clean help deps-build deps-run deps-test deps-lint
.PHONY: analyze analysis coverage deps-analyze deps-coverage
.PHONY: run-tests run-demo docs soak false-green deploy-test deploy-golden deps-deploy
.PHONY: endurance load deps-load
.PHONY: bench bench-docs deps-bench failover failover-docs deps-failover python-compare
.PHONY: release release-test image-name deps-release
.PHONY: test-on trixie-test arm64-test
.PHONY: deb packaging-test deps-deb deps-packaging image-test deps-stage deps-image ui-test monitoring-test
.PHONY: fuzz fuzz-merge fuzz-coverage fuzzers deps-fuzz

all: $(BUILD)/bugsink-health ## build the program

run: deps-run ## install what is missing, build, serve on port 8000 (demo databases unless the environment names others)
	$(MAKE) run-demo

check: ## build, run all tests; nothing is installed, and what needs a server that is not there is skipped
	@pkg-config --exists $(LIBS) $(LOADED) check fuse3 || { echo "missing Debian packages; install: $(TEST_PACKAGES)" >&2; exit 1; }
	$(MAKE) run-tests

test: deps-test ## install what is missing, build, run all tests
	$(MAKE) run-tests

asan: deps-test ### the tests under AddressSanitizer and UndefinedBehaviorSanitizer
	$(MAKE) BUILD=$(BUILD)/asan SANITIZE="address undefined" CFLAGS="-O1 -g" run-tests

soak: deps-test ### three days' worth of runs (SOAK_RUNS) of every check, in some 20 minutes
	$(MAKE) $(BUILD)/bugsink-health $(BUILD)/run-tests
	BH_PROGRAM=$(BUILD)/bugsink-health BH_SOAK_RUNS=$(SOAK_RUNS) $(BUILD)/run-tests e2e_soak

endurance: deps-test ### ten minutes (ENDURANCE_SECONDS) of all faults and clients at once; the report is build/endurance.md
	$(MAKE) $(BUILD)/bugsink-health $(BUILD)/run-tests
	BH_PROGRAM=$(BUILD)/bugsink-health BH_ENDURANCE_SECONDS=$(ENDURANCE_SECONDS) BH_ENDURANCE_SEED=$(ENDURANCE_SEED) $(BUILD)/run-tests e2e_endurance

load: deps-load ### probes under slowhttptest and wrk; the report is build/load.md
	$(MAKE) $(BUILD)/bugsink-health $(BUILD)/probe-client $(BUILD)/flood-client
	scripts/unpack-packages.sh $(BUILD)/load $(LOAD_UNPACKED)
	scripts/load.sh $(BUILD)

BENCH_TOOLS = $(addprefix $(BUILD)/,bench-client bench-run bench-fleet bench-loop probe-client flood-client raw-server)
bench: deps-bench ### cost and speed beside nginx, Go, Node and others (BENCH_ROUNDS=5), how fast faults are noticed (BENCH_NOTICE=20; 0: not), in half an hour; to build/bench.md
	$(MAKE) $(BUILD)/bugsink-health $(BENCH_TOOLS)
	scripts/unpack-packages.sh $(BUILD)/bench $(BENCH_UNPACKED)
	BH_PROGRAM=$(BUILD)/bugsink-health BENCH_BUILD=$(BUILD) BENCH_MYSQL=$(MYSQL) node tests/bench/bench.mjs

failover: deps-failover ### seconds of false ready and false red in failovers, beside a writer that logs in each half second; as root; build/failover.md
	$(MAKE) $(BUILD)/bugsink-health $(BUILD)/failover-writer
	BH_PROGRAM=$(BUILD)/bugsink-health BENCH_BUILD=$(BUILD) node tests/bench/failover.mjs

failover-docs: ### write the failovers of docs/costs.md from the last run
	scripts/docs.sh docs/costs.md failover $(BUILD)/failover.md

python-compare: $(BUILD)/python-reader ### what we refuse in Python files beside what python3 does, over all .py files of the machine and 10,000 mutations
	python3 tests/python/compare.py $(BUILD)/python-reader

bench-docs: ### write the figures of docs/costs.md from the last benchmark
	scripts/docs.sh docs/costs.md costs $(BUILD)/bench-summary.md

deploy-test: deps-deploy ### render deploy/, validate it, check its wiring; 'make deploy-golden' writes its golden files
	$(MAKE) $(BUILD)/bugsink-health
	tests/deploy/prepare.sh $(BUILD)/deploy
	BH_PROGRAM=$(BUILD)/bugsink-health DEPLOY_BUILD=$(BUILD)/deploy node --test-reporter=./tests/deploy/reporter.mjs tests/deploy/test.mjs

deploy-golden: ### the same, with the golden files of tests/deploy/golden written anew
	DEPLOY_GOLDEN=write $(MAKE) deploy-test

monitoring-test: deps-deploy ### /metrics and deploy/monitoring: promtool, the rules' unit tests, a real Prometheus
	$(MAKE) $(BUILD)/bugsink-health
	tests/monitoring/prepare.sh $(BUILD)/monitoring $(MONITORING_PACKAGES)
	BH_PROGRAM=$(BUILD)/bugsink-health MONITORING_BUILD=$(BUILD)/monitoring node --test-reporter=./tests/deploy/reporter.mjs tests/monitoring/test.mjs

ui-test: deps-build ### the status page in headless Chromium, in all states: contrast, labels, console, widths
	$(MAKE) $(BUILD)/bugsink-health
	scripts/ui-test.sh $(BUILD) $(UI_PACKAGES)

fuzz: deps-fuzz ### each fuzzer for FUZZ_SECONDS (60), one after the other, under the sanitizers; FUZZERS='NAME...' for some
	+$(FUZZ_ASAN)
	scripts/fuzz.sh run $(BUILD) $(FUZZ_SECONDS) $(FUZZERS)

fuzz-merge: deps-fuzz ### what 'make fuzz' has found joins the seeds in tests/fuzz/corpus: the smallest set that reaches as much
	+$(FUZZ_ASAN)
	scripts/fuzz.sh merge $(BUILD) $(FUZZERS)

fuzz-coverage: deps-fuzz ### the lines of each fuzzer's sources that its corpus reaches, and those it does not
	+$(FUZZ_COVERAGE)
	scripts/fuzz.sh coverage $(BUILD) $(FUZZERS)

fuzzers: $(FUZZERS:%=$(BUILD)/fuzz_%)

lint: deps-lint ### include directions, banned functions, format, shell scripts, cppcheck, -Werror
	scripts/lint.sh
	$(MAKE) BUILD=$(BUILD)/werror WERROR=1 all $(BUILD)/werror/run-tests

analyze: deps-analyze ### gcc's analyzer and clang-tidy over src/ and tests/; what has not changed is not asked again
	@scripts/wants.sh gcc 12 "it may find what is not found elsewhere" || true
	@scripts/wants.sh clang-tidy 14 "it may find what is not found elsewhere" || true
	+$(MAKE) --output-sync=target -k -j$$(nproc) analysis

coverage: deps-coverage ### what the tests reach of src/: $(BUILD)/coverage/report.md
	scripts/coverage.sh $(BUILD)/coverage $(TEST_JOBS)

format: ### lay the code out as .clang-format says
	clang-format -i $$(git ls-files '*.c' '*.h')

docs: $(BUILD)/bugsink-health ### write the parts of docs/ that are made from the program and its source
	$(BUILD)/bugsink-health explain --markdown >$(BUILD)/codes.md
	scripts/docs.sh docs/troubleshooting.md codes $(BUILD)/codes.md
	scripts/house.sh >$(BUILD)/house.md
	scripts/docs.sh docs/design.md house $(BUILD)/house.md

# Where the shells look for them, by these names; Debian's own packages have another place for zsh's.
BASH_COMPLETION = share/bash-completion/completions/bugsink-health
ZSH_COMPLETION ?= share/zsh/site-functions/_bugsink-health

install: $(BUILD)/bugsink-health ## install under $(DESTDIR)$(PREFIX)
	install -D -m 0755 $(BUILD)/bugsink-health "$(DESTDIR)$(PREFIX)/bin/bugsink-health"
	install -D -m 0644 docs/bugsink-health.1 "$(DESTDIR)$(PREFIX)/share/man/man1/bugsink-health.1"
	install -D -m 0644 config/bugsink-health.json "$(DESTDIR)$(PREFIX)/share/doc/bugsink-health/bugsink-health.json"
	install -D -m 0644 deploy/completion/bugsink-health.bash "$(DESTDIR)$(PREFIX)/$(BASH_COMPLETION)"
	install -D -m 0644 deploy/completion/_bugsink-health "$(DESTDIR)$(PREFIX)/$(ZSH_COMPLETION)"

uninstall: ## remove what install installed
	rm -f "$(DESTDIR)$(PREFIX)/bin/bugsink-health" "$(DESTDIR)$(PREFIX)/share/man/man1/bugsink-health.1"
	rm -f "$(DESTDIR)$(PREFIX)/$(BASH_COMPLETION)" "$(DESTDIR)$(PREFIX)/$(ZSH_COMPLETION)"
	rm -rf "$(DESTDIR)$(PREFIX)/share/doc/bugsink-health"

deb: deps-deb ### a Debian package of the program, its unit and its configuration
	$(MAKE) $(BUILD)/bugsink-health
	scripts/deb.sh $(BUILD)

release: deps-release ### of the last commit: image (amd64, arm64), packages, sources, SBOMs, checksums, in $(BUILD)/release; needs root
	PACKAGES="$(STAGE_CROSS_PACKAGES)" scripts/release.sh $(BUILD)

release-test: deps-release ### two releases of two folders: the same bytes; what is in them; both images started, arm64 under emulation
	PACKAGES="$(STAGE_CROSS_PACKAGES)" scripts/release-test.sh $(BUILD) $(OR_SKIP)

image-name: ### IMAGE=ghcr.io/acme/bugsink-health: all recipes and pages name that image
	scripts/image-name.sh "$(IMAGE)"

packaging-test: deps-packaging ### test the Compose files, the unit under a real systemd, the package
	$(MAKE) $(BUILD)/bugsink-health
	scripts/packaging-test.sh $(BUILD)

# What this machine cannot do, for want of root, of packages or of a mirror, is skipped, and that is said.
OR_SKIP = || { [ $$? = 77 ] && echo "$@: skipped: it cannot be done on this machine"; }

# As WHO: root, user (with sudo), or both; TARGETS: what is made there; ARCH: i386 on amd64, the machine's own if empty.
SUITE   ?= trixie
WHO     ?= root user
ARCH    ?=
TARGETS ?= run test
test-on: ### make TARGETS ("run test") of the last commit in a minimal SUITE (trixie), as root and as a user with sudo
	scripts/install-packages.sh $(CHROOT_PACKAGES) && \
		CHROOT_ARCHITECTURE=$(ARCH) scripts/test-on.sh $(BUILD)/test-on $(SUITE) "$(WHO)" $(TARGETS) $(OR_SKIP)

# Those left out press the machine for minutes, and ask little that is this or that Debian's.
TRIXIE_LEAVES = e2e_busy e2e_crowd e2e_endurance e2e_soak e2e_storm
TRIXIE_SUITES = $(filter-out $(TRIXIE_LEAVES),$(ALL_SUITES))
trixie-test: ### run and test the last commit in a minimal Debian 13, as root, but for what only presses the machine; 'make test-on' has all
	@$(MAKE) test-on SUITE=trixie WHO=root TARGETS="run MAKEFLAGS=-j$$(nproc) ONLY=$(subst $() ,$(comma),$(TRIXIE_SUITES)) test"

arm64-test: ### cross-build the program, its tests and its package for arm64; run ARM64_SUITES under Debian's arm64 kernel, emulated
	scripts/install-packages.sh $(ARM64_PACKAGES) && \
		PACKAGES="$(TEST_CROSS_PACKAGES)" scripts/arm64-test.sh $(BUILD) $(ARM64_SUITES) $(OR_SKIP)

clean: ## remove everything built
	rm -rf $(BUILD)

help: ## this list
	@sed -n 's/^\([a-z0-9-]*\):.*[^#]## /\1\t/p' $(MAKEFILE_LIST) | expand -t 17
	@printf '\nFor maintainers:\n'
	@sed -n 's/^\([a-z0-9-]*\):.*[^#]### /\1\t/p' $(MAKEFILE_LIST) | expand -t 17

deps-build deps-run deps-test deps-lint deps-deploy deps-deb deps-packaging deps-release deps-stage deps-image deps-load deps-bench deps-failover deps-fuzz deps-analyze deps-coverage: deps-%:
	@scripts/install-packages.sh $($(shell echo $* | tr a-z A-Z)_PACKAGES)

run-demo: $(BUILD)/bugsink-health
	scripts/demo.sh $(BUILD)

run-tests: $(BUILD)/bugsink-health $(BUILD)/run-tests
	BH_PROGRAM=$(BUILD)/bugsink-health $(BUILD)/run-tests -j $(TEST_JOBS) $(subst $(comma), ,$(ONLY))

false-green: deps-test ### what other probes say of each fault of a database, beside what we say: the README's table
	$(MAKE) $(BUILD)/bugsink-health $(BUILD)/run-tests
	BH_PROGRAM=$(BUILD)/bugsink-health $(BUILD)/run-tests e2e_false_green
	@cat $(BUILD)/false-green.md

image-test: deps-image ### build the container image without Docker, run it, and try all it must do
	scripts/image-test.sh $(BUILD) $(OR_SKIP)

valgrind: deps-test ### the checker's main paths under valgrind
	$(MAKE) $(BUILD)/bugsink-health
	BH_PROGRAM=$(BUILD)/bugsink-health scripts/valgrind.sh

$(BUILD)/bugsink-health: $(BUILD)/obj/main.o $(OBJECTS)
	@echo '  LD  $@'
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)

$(BUILD)/run-tests: $(TEST_OBJ) $(OBJECTS) | $(BUILD)/faults.so $(if $(FILTERS),$(BUILD)/bugsink-health-hole)
	@echo '  LD  $@'
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(ALLOCATION_WRAPS:%=-Wl,--wrap=%) -o $@ $^ $(PKG_LIBS) $(TEST_LIBS)

# The tools of load and benchmark are programs of their own; the pods of bench-fleet keep to the schedule of the program itself.
BENCH_OBJ = $(patsubst tests/%.c,$(BUILD)/tests/%.o,$(wildcard tests/bench/*.c tests/python/*.c))
$(BUILD)/probe-client: $(BUILD)/tests/bench/probe_client.o $(BUILD)/tests/harness/probes.o
$(BUILD)/flood-client: $(BUILD)/tests/bench/flood_client.o
$(BUILD)/bench-client: $(BUILD)/tests/bench/client.o $(BUILD)/tests/harness/probes.o
$(BUILD)/bench-run: $(BUILD)/tests/bench/run.o
$(BUILD)/raw-server: $(BUILD)/tests/bench/raw_server.o
$(BUILD)/bench-loop: $(BUILD)/tests/bench/loop.o $(OBJECTS)
$(BUILD)/bench-fleet: $(BUILD)/tests/bench/fleet.o $(BUILD)/tests/checker/fleet.o $(BUILD)/tests/checker/judge.o $(OBJECTS)
$(BUILD)/python-reader: $(BUILD)/tests/python/reader.o $(OBJECTS)
$(BUILD)/failover-writer: $(BUILD)/tests/bench/failover_writer.o $(filter $(BUILD)/obj/base/% $(BUILD)/obj/config/dsn% $(addprefix $(BUILD)/obj/config/,uri.o walk.o memory.o),$(OBJECTS))# the drivers' own functions, and not ours that load them
$(BUILD)/failover-writer: PKG_LIBS += $(LOADED_LIBS)
$(BENCH_TOOLS) $(BUILD)/python-reader $(BUILD)/failover-writer:
	@echo '  LD  $@'
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)

# The build machine's program, with its libraries: those of the target are none of its business.
$(BUILD)/filters/make-filters: tools/filters.c tools/rules.h | packages-present
	@mkdir -p $(@D)
	@echo '  LD  $@'
	$(Q)$(HOST_CC) -std=c11 -D_GNU_SOURCE -O1 $(WARNINGS) $$($(HOST_PKG_CONFIG) --cflags libseccomp) -o $@ $< $$($(HOST_PKG_CONFIG) --libs libseccomp)

$(FILTERS): $(BUILD)/filters/base/filters-%.inc: $(BUILD)/filters/make-filters
	@mkdir -p $(@D)
	@echo '  GEN $@'
	$(Q)$< $* > $@.new && mv $@.new $@

$(BUILD)/obj/base/sandbox.o: $(FILTERS)
$(BUILD)/obj/base/sandbox.o: CPPFLAGS += -I$(BUILD)/filters

# The program as it is, but for a hole in the responder and one in each worker; only the test of the sandbox runs it.
$(BUILD)/bugsink-health-hole: $(BUILD)/obj/main.o $(OBJECTS) $(BUILD)/tests/hole.o
	@echo '  LD  $@'
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -Wl,--wrap=page_table_answer,--wrap=child_report_result -o $@ $^ $(PKG_LIBS)

# Preloaded by tests of faults into the program; it has no sanitizer, which comes with a library of its own.
$(BUILD)/faults.so: tests/e2e/shim/faults.c tests/e2e/shim/faults.h Makefile
	@mkdir -p $(@D)
	@echo '  LD  $@'
	$(Q)$(CC) -std=c11 -D_GNU_SOURCE -O2 -g $(WARNINGS) -Wno-missing-prototypes -Wno-pedantic -fPIC -shared -o $@ $< -ldl

$(BUILD)/fuzz_%: $(BUILD)/tests/fuzz/fuzz_%.o $(BUILD)/tests/fuzz/fuzz.o $(OBJECTS)
	@echo '  LD  $@'
	$(Q)$(CC) $(ALL_CFLAGS) -fsanitize=fuzzer $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS) $(LOADED_LIBS)

$(BUILD)/obj/%.o: src/%.c | packages-present
	@mkdir -p $(@D)
	@echo '  CC  $<'
	$(Q)$(CC) $(CPPFLAGS) $(PKG_CFLAGS) $(ALL_CFLAGS) $(if $(COVERAGE),--coverage -fprofile-update=atomic -fdata-sections) -c -o $@ $<

$(BUILD)/tests/%.o: tests/%.c | packages-present
	@mkdir -p $(@D)
	@echo '  CC  $<'
	$(Q)$(CC) $(CPPFLAGS) -Itests $(PKG_CFLAGS) $(TEST_CFLAGS) $(ALL_CFLAGS) -Wno-missing-prototypes -c -o $@ $<

# A stamp for each file that was found clean.
ANALYSED = $(SOURCES:%.c=$(BUILD)/analysis/%.ok) $(BUILD)/analysis/src/main.ok $(TEST_SRC:%.c=$(BUILD)/analysis/%.ok)
analysis: $(ANALYSED)
$(BUILD)/analysis/tests/fuzz/test_fuzz_replay.ok: $(BUILD)/tests/fuzz_targets.inc
$(BUILD)/analysis/%.ok: %.c .clang-tidy scripts/analyze.sh $(FILTERS) | packages-present
	@mkdir -p $(@D)
	@echo '  ANALYZE  $<'
	$(Q)scripts/analyze.sh $< -std=c11 $(CPPFLAGS) -I$(BUILD)/filters -MF $(@:.ok=.d) -MT $@ -Itests -I$(BUILD)/tests $(PKG_CFLAGS) $(TEST_CFLAGS)
	$(Q)touch $@
-include $(wildcard $(BUILD)/analysis/*/*.d $(BUILD)/analysis/*/*/*.d $(BUILD)/analysis/*/*/*/*.d $(BUILD)/analysis/*/*/*/*/*.d)

# One runner for all suites: tests/AREA/test_NAME.c holds `Suite *NAME_suite(void)`.
$(BUILD)/tests/main.o: $(BUILD)/tests/suites.inc
$(BUILD)/tests/main.o: CPPFLAGS += -I$(BUILD)/tests
$(BUILD)/tests/suites.inc: $(wildcard tests/*/test_*.c tests/kinds/*/test_*.c) Makefile $(BUILD)/choices
	@mkdir -p $(@D)
	@printf 'SUITE(%s)\n' $(SUITES) > $@

# The suite fuzz_replay runs every target on its corpus.
$(BUILD)/tests/fuzz/test_fuzz_replay.o: $(BUILD)/tests/fuzz_targets.inc
$(BUILD)/tests/fuzz/test_fuzz_replay.o: CPPFLAGS += -I$(BUILD)/tests
$(BUILD)/tests/fuzz_targets.inc: $(wildcard tests/fuzz/fuzz_*.c) Makefile $(BUILD)/choices
	@mkdir -p $(@D)
	@printf 'TARGET(%s)\n' $(FUZZERS) > $@

# The suite filters asks the filters of all architectures.
$(BUILD)/tests/base/filters_%.o: CPPFLAGS += -I$(BUILD)/filters
$(BUILD)/tests/base/filters_x86_64.o $(BUILD)/tests/base/filters_aarch64.o: $(FILTERS)

# What was chosen at the last build; it changes only when that does, and then these are made anew.
$(BUILD)/obj/kinds/kinds.o $(addprefix $(BUILD)/tests/,main.o faults/test_fault_checks.o fuzz/test_fuzz_replay.o e2e/test_e2e_soak.o e2e/test_e2e_rare.o): $(BUILD)/choices
$(BUILD)/choices: always
	@mkdir -p $(@D)
	@echo 'WITH_MYSQL=$(MYSQL)' | cmp -s - $@ || echo 'WITH_MYSQL=$(MYSQL)' > $@

.PHONY: always packages-present
packages-present:
	@pkg-config --exists $(LIBS) $(LOADED) && { [ -z "$(FILTERS)" ] || $(HOST_PKG_CONFIG) --exists libseccomp; } || { echo "missing Debian packages; install: $(BUILD_PACKAGES)" >&2; exit 1; }

-include $(OBJECTS:.o=.d) $(TEST_OBJ:.o=.d) $(BENCH_OBJ:.o=.d) $(BUILD)/obj/main.d
-include $(BUILD)/tests/hole.d
