# targets.mk - what make does beside building the kernel: tools, newlib, runs, tests, checks, clean.
#
# Owns: the goals below and the look for missing packages, which runs before anything else because
# even the compiler may be missing on a fresh machine. Included near the start of the top Makefile.
# Not here: how the kernel is compiled and linked (Makefile), host tests (tests/host/host.mk).

B ?= build
Q ?= $(if $(V),,@)

# --- packages ----------------------------------------------------------------

# Groups of scripts/deps by goal; a goal that is not listed needs the compiler and its company.
DEPS_NONE    := clean help print-kcflags
DEPS_run     := run bench test race-test bench-test quiet-test kernel-test guest-test stress lab \
	matrix-full product maple-kernel mutants stranger questions costs race-all
DEPS_host    := test host-test host-programs fuzz maple-long maple-mutants maple-gate
DEPS_cover   := maple-coverage
DEPS_check   := check headers tidy thread-safety format

GOALS := $(or $(MAKECMDGOALS),all)
DEPS_GROUPS := $(if $(filter-out $(DEPS_NONE),$(GOALS)),build) \
	$(foreach group,run host check cover,$(if $(filter $(DEPS_$(group)),$(GOALS)),$(group)))

ifneq ($(strip $(DEPS_GROUPS)),)
ifneq ($(shell scripts/deps $(DEPS_GROUPS) >&2; echo $$?),0)
$(error packages are missing: see above)
endif
endif

# --- newlib ------------------------------------------------------------------

NEWLIB_OUT := $(or $(MMLIFE_NEWLIB_CACHE),build/newlib)
NEWLIB := $(NEWLIB_OUT)/x86_64-elf

$(NEWLIB)/stamp: scripts/newlib scripts/newlib.flags
	$(Q)scripts/newlib $(NEWLIB_OUT)

# --- runs --------------------------------------------------------------------

LAUNCH := MMLIFE_BUILD=$(B) scripts/mmlife
RUN_OPTIONS ?=
MATRIX ?= random:100,bounded:1:100

## make             the kernel: $(B)/mmlife.elf, .elf32 (QEMU -kernel) and .iso (GRUB)
## make run         the interactive shell; RUN_OPTIONS="--smp 4 --boot iso"
run: all
	@$(LAUNCH) run $(RUN_OPTIONS)

# One bad run in steps, and two failing forks beside siblings in virtual time: for time lines.
STALLED := fork vmas=8 pages=4 site=F13 k=5 threads=2 stall=on strategy=vtime
TRACES := 'trace fork vmas=3 pages=2 swap=1 site=F13 k=1 sem=zero_marker walkers=swapoff' \
	'trace $(STALLED) sem=linux-6.18' 'trace $(STALLED) sem=linux-7.0'
# What a fork and an exit cost for each entry, VMA and table, for the clocks beside insn.
SLOPES := 'bench fork_pte*' 'bench fork_vma*' 'bench exit_*'

# Matrix and slopes on exact instructions, beside that the model, then parallel figures on the time
# stamp counter.
## make bench       the main job: benches on three clocks, $(B)/results.jsonl, $(B)/report.html;
##                  MATRIX=random:1000,bounded:1 searches longer for each cell. Fails if what is in
##                  tests/goals.tsv has become dearer than it says
bench: all model
	$(Q)$(MAKE) --no-print-directory -j2 bench-insn bench-model
	$(Q)$(LAUNCH) run --clock tsc --smp 2 --timeout 900 --log $(B)/bench-tsc.log \
		'bench * n=7' 'test stress.*' ledger
	$(Q)grep -h '^{"mmlife":1,' $(B)/bench-insn.log $(B)/bench-model.log $(B)/bench-tsc.log \
		>$(B)/results.jsonl.new
	$(Q)mv $(B)/results.jsonl.new $(B)/results.jsonl
	$(Q)$(LAUNCH) report $(B)/bench-insn.log $(B)/bench-model.log $(B)/bench-tsc.log \
		-o $(B)/report.html
	$(Q)tests/goals $(B)/bench-insn.log

bench-insn:
	$(Q)$(LAUNCH) run --clock insn --smp 1 --timeout 900 --log $(B)/bench-insn.log 'bench *' \
		'matrix strategy=$(MATRIX)' costs $(TRACES)

bench-model:
	$(Q)$(LAUNCH) run --clock model --smp 1 --timeout 900 --log $(B)/bench-model.log \
		$(SLOPES) costs >$(B)/bench-model.out 2>&1 || { cat $(B)/bench-model.out; exit 1; }

## make costs       what a fork costs and with what that grows, on three clocks side by side;
##                  $(B)/costs.html
costs: all model
	$(Q)$(MAKE) --no-print-directory -j2 costs-insn costs-model
	$(Q)$(MAKE) --no-print-directory costs-tsc
	$(Q)$(LAUNCH) costs $(COST_LOGS)
	$(Q)$(LAUNCH) report $(COST_LOGS) -o $(B)/costs.html

COST_LOGS = $(B)/costs-insn.log $(B)/costs-model.log $(B)/costs-tsc.log
costs-insn costs-model costs-tsc: costs-%:
	$(Q)$(LAUNCH) run --clock $* --smp 1 --timeout 1800 --log $(B)/costs-$*.log \
		$(SLOPES) costs 'costs sweep=all' ledger >$(B)/costs-$*.out 2>&1 || \
		{ cat $(B)/costs-$*.out; exit 1; }

## make questions   every question measured on exact instructions; $(B)/questions.html
questions: all
	$(Q)$(LAUNCH) run --clock insn --smp 1 --timeout 1800 --log $(B)/questions.log \
		'question all' ledger
	$(Q)$(LAUNCH) report $(B)/questions.log -o $(B)/questions.html

# The cycle model: a plugin for QEMU, so a program of the host.
HOSTCC ?= gcc
MODEL_CFLAGS := -I. -std=gnu11 -O2 -Wall -Wextra -Werror -Wmissing-prototypes -Wshadow -fPIC \
	-fvisibility=hidden
MODEL_SRC := $(wildcard scripts/model/*.c)

## make model       $(B)/model.so, the cycle model of --clock model
model: $(B)/model.so

$(B)/model.so: $(MODEL_SRC) $(wildcard scripts/model/*.h)
	@mkdir -p $(@D)
	@echo "  HOSTLD  $@"
	$(Q)$(HOSTCC) $(MODEL_CFLAGS) -shared -o $@ $(MODEL_SRC)

# --- tests -------------------------------------------------------------------

## make test        every test, side by side: host suites, boots, the launcher on real machines
test:
	$(Q)$(MAKE) --no-print-directory -j$(shell nproc) all host-programs model
	$(Q)MAKEFLAGS= tests/all --build $(B)

# Host suites alone: tests/host/host.mk.

## make mutants     every mutant of tests/mutants must be killed by the test that it names;
##                  MUTANTS="--some 5" or names
mutants: all
	$(Q)tests/mutants/run --build $(B) $(MUTANTS)

## make stranger    README's example of a new semantics, to the letter: it has a row in the matrix
stranger: all
	$(Q)tests/stranger --build $(B)

# Every test of the kernel on several machines, and what a user sees (tests/boots.txt).
kernel-test: all
	$(Q)tests/boots --build $(B) $(BOOTS)

## make race-test   the lab's tests in the race build: an unannotated shared access fails them
race-test: race
	$(Q)$(MAKE) -j2 B=$(B) race-walk race-rest

# Two boots, about as long: two CPUs need half the time.
RACE_TESTS_walk := test lab_walk.*
RACE_TESTS_rest := test lab* skip=lab_walk*
race-walk race-rest: race-%:
	$(Q)MMLIFE_BUILD=build/race scripts/mmlife run --smp 1 --timeout 900 \
		--log build/race/$*.log '$(RACE_TESTS_$*)' ledger >build/race/$*.out 2>&1 || \
		{ cat build/race/$*.out; exit 1; }
	$(Q)scripts/check-ktap build/race/$*.log

## make race-all    every kind of scenario, walker and rule set in the race build, an hour;
##                  RACE_ALL="--runs 5 exit oom"
race-all: race
	$(Q)tests/race-all --build build/race $(RACE_ALL)

## make stress      a million operations on each of 2, 4 and 8 CPUs
stress: all
	$(Q)for cpus in 2 4 8; do \
		$(LAUNCH) run --smp $$cpus --timeout 3000 'test stress.* scale=34' ledger || exit; \
	done

# Every case of `scenario locks` for a million schedules and all within two preemptions.
LAB_OPTIONS ?=

## make lab         replays everywhere, long searches, a table of cases and mutants;
##                  LAB_OPTIONS="--runs 10000 rcu"
lab: all
	$(Q)LAB_FULL=1 MMLIFE_BUILD=$(abspath $(B)) python3 tests/guest/test_lab.py
	$(Q)tests/lab-long --build $(B) $(LAB_OPTIONS)

## make matrix-full every cell of the matrix by random:1000 and by all of bounded:2, two boots at
##                  a time; hours; what is done is kept: FULL="--rows prune*"
FULL ?=
.PHONY: matrix-full product
matrix-full: all
	$(Q)tests/lab-matrix --build $(B) $(FULL)

## make product     every site of a fork x 100 schedules x every rule set, beside swapoff and uprobe
product: all
	$(Q)tests/lab-product --build $(B) $(PRODUCT)

## make sweep       every site of a fork, at every occurrence, under every semantics
sweep: all
	$(Q)MMLIFE_BUILD=$(B) scripts/mmlife run --smp 1 --timeout 7200 \
		'test fork_sweep.* scale=1000'

## make oom-test    200 mixes of hogs on 64M, on 1 and on 4 CPUs: they end, and nobody else
.PHONY: oom-test
oom-test: all
	$(Q)for cpus in 1 4; do \
		$(LAUNCH) run --smp $$cpus --mem 64M --timeout 3000 \
			'test stress.hogs* scale=100' ledger || exit; \
	done

# The tree's own goals, by the names they have there.
MAPLE := fuzz maple-long maple-mutants maple-coverage maple-gate
.PHONY: $(MAPLE) maple-kernel

## make fuzz        libFuzzer over the calls of the maple tree; FUZZ_SECS=600
## make maple-long  10^8 steps of the tree's model under ASan and UBSan, long sweeps and threads
## make maple-mutants    every listed fault in the tree must be caught; who caught it
## make maple-coverage   lines and branches of the tree that its suite takes
## make maple-gate  instructions of the tree's operations below both peers'
$(MAPLE):
	$(Q)$(MAKE) -C tests/host/maple B=$(B) $(@:maple-%=%)

## make maple-kernel     10^6 steps of the tree's model in the kernel, readers on 4 CPUs for longer
maple-kernel: all
	$(Q)$(LAUNCH) run --smp 1 --timeout 600 'test maple.model scale=25' ledger
	$(Q)$(LAUNCH) run --smp 4 --timeout 1200 'test maple.readers* scale=50' ledger

# What only a real guest can show: exit statuses, boot ways, machines, sizes.
guest-test: all model
	$(Q)MMLIFE_BUILD=$(B) tests/host/run --build $(B) tests/guest

## make bench-test   benches are the same in every run and in any company, byte by byte
bench-test: all
	$(Q)MMLIFE_BUILD=$(B) tests/host/run --build $(B) --time-limit 3000 tests/guest/bench

## make bench-some   as bench-test, with a twelfth of the benches, against the log of make bench
bench-some: all
	$(Q)MMLIFE_BUILD=$(B) BENCH_LOG=$(B)/bench-insn.log \
		tests/host/run --build $(B) --time-limit 3000 tests/guest/bench

## make quiet-test   seconds to the prompt, for a machine that has nothing else to do
quiet-test: all
	$(Q)MMLIFE_BUILD=$(B) tests/host/run --build $(B) tests/guest/quiet

# --- checks ------------------------------------------------------------------

TIDY_FILES = $(filter %.c,$(OBJS:.o=.c))

## make check       everything below: layers, style, headers, tidy, thread-safety; maple-gate
check: layers style headers tidy thread-safety maple-gate

## make layers      include direction (scripts/layers.txt)
layers:
	$(Q)scripts/check-layers

## make style       shape of files (scripts/style-exceptions.txt)
style:
	$(Q)scripts/check-style

## make headers     each header alone, by gcc and clang
headers: | $(NEWLIB)/stamp
	$(Q)scripts/check-headers --not-under tests/host -- $(CC) $(KCFLAGS)
	$(Q)scripts/check-headers --not-under tests/host -- \
		clang $$($(MAKE) -s --no-print-directory CC=clang print-kcflags)
	$(Q)scripts/check-headers --under tests/host -- $(HOSTCC) $(HOST_CFLAGS) $(HOST_CPPFLAGS)

## make tidy        clang-tidy (.clang-tidy)
tidy: | $(NEWLIB)/stamp $(B)/include/source-counts.h
	$(Q)scripts/check-tidy $(B)/tidy $(wildcard $(TIDY_FILES)) -- \
		$$($(MAKE) -s --no-print-directory CC=clang print-kcflags)

## make thread-safety   a clang build that checks the lock annotations
thread-safety:
	$(Q)$(MAKE) CC=clang B=$(B)/clang EXTRA_CFLAGS='-Wthread-safety' kernel

## make format F="files"    clang-format in place
format:
	$(Q)clang-format -i $(F)

# --- cleaning and help -------------------------------------------------------

## make clean       remove $(B)
clean:
	$(Q)rm -rf $(B)

help:
	@sed -n 's/^## //p' scripts/targets.mk tests/host/host.mk | sed 's|$$(B)|$(B)|g'

.PHONY: stranger questions costs bench-some race-walk race-rest race-all bench-insn bench-model
.PHONY: costs-insn costs-model costs-tsc
.PHONY: run bench model test mutants race-test bench-test quiet-test stress kernel-test guest-test \
	lab check layers style headers tidy thread-safety format clean help
