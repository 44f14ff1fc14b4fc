# runs.mk - the goals that boot the machine: run, test, smoke, stress, bench.
#
# Owns: which boots and which shell commands each goal means. Not here: how QEMU is started and how
# a run is judged (scripts/mmlife), the boots of `make test` (tests/boots.txt).

## make run           boot; interactive shell (Ctrl-] leaves)
## make test          host tests, then every boot of tests/boots.txt
## make smoke         one boot of all kernel tests
## make stress        a million operations on 2, 4 and 8 CPUs
## make bench         costs on the insn clock, stress on real CPUs, build/report.html

BOOT := MMLIFE_BUILD=$(B) scripts/mmlife run
BENCH_LOGS := $(B)/bench-insn.log $(B)/bench-tsc.log

run: kernel
	$(Q)$(BOOT)

smoke: kernel
	$(Q)$(BOOT) --timeout 200 'test *' ledger

boot-test: all
	$(Q)tests/boots --build $(B) $(BOOTS)

test: host-test boot-test

stress: kernel
	$(Q)for cpus in 2 4 8; do \
		$(BOOT) --smp $$cpus --timeout 3000 'test stress.* scale=34' ledger || exit; done

# Records of both boots in one file; the table and the plots for people beside it.
bench: kernel
	$(Q)$(BOOT) --clock insn --smp 1 --timeout 600 --log $(B)/bench-insn.log 'bench *'
	$(Q)$(BOOT) --clock tsc --smp 2 --timeout 600 --log $(B)/bench-tsc.log \
		'test stress.*' ledger
	$(Q)grep -h '^{"mmlife":' $(BENCH_LOGS) > $(B)/results.jsonl.new
	$(Q)mv $(B)/results.jsonl.new $(B)/results.jsonl
	$(Q)scripts/mmlife report $(BENCH_LOGS) -o $(B)/report.html

.PHONY: run smoke test boot-test stress bench
