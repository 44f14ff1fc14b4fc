/*
 * env.c - what this run is.
 *
 * Owns: the first screen and the `env` record. Not here: proving the clock (kernel/core/clock.c).
 */
#include "kernel/shell/env.h"

#include <string.h>

#include "kernel/core/clock.h"
#include "kernel/core/model.h"
#include "kernel/core/symbols.h"
#include "kernel/shell/out.h"
#include "kernel/shell/record.h"
#include "kernel/x86/boot_info.h"
#include "kernel/x86/cpu.h"
#include "kernel/x86/vcpu.h"

const char *env_accel(void)
{
	if (!strncmp(cpu_facts.hypervisor, "TCG", 3))
		return "tcg";
	return strncmp(cpu_facts.hypervisor, "KVM", 3) ? "none" : "kvm";
}

static u64 ram_mib(void)
{
	u64 bytes = 0;

	for (unsigned i = 0; i < boot_info.ram.nr; i++)
		bytes += boot_info.ram.range[i].end - boot_info.ram.range[i].start;
	return (bytes + (1 << 20) / 2) >> 20;
}

/* What the counter counts, in the words of somebody who has to trust it. */
static const char *clock_meaning(void)
{
	if (clock_kind() == CLOCK_MODEL)
		return "modelled cycles: no core's, see the env record; time counts instructions";
	if (clock_is_insn())
		return "counts instructions, proved";
	return strcmp(env_accel(), "tcg") ? "cycles" : "emulated, no cycles of anything";
}

void env_banner(void)
{
	out("mmlife %s, build %s\n", MMLIFE_VERSION, build_id());
	out("  %u CPU%s, %lu MiB, accelerator %s, loader %s\n", nr_vcpus, nr_vcpus > 1 ? "s" : "",
	    ram_mib(), env_accel(), boot_info.loader);
	out("  clock %s (%s)\n", clock_name(), clock_meaning());
	out("Type `help` for commands, `help COMMAND` for one, Tab to complete.\n");
}

/* What the model assumes: sizes in KiB or entries, costs in cycles. */
static void record_model_params(struct record *r)
{
	model_publish();
	record_open(r, "model");
	for (unsigned i = 0; i < MODEL_NR_PARAMS; i++)
		record_u64(r, model_param_name[i], model_mailbox[MODEL_PARAMS + i]);
	record_close(r);
}

void env_record(u64 seed)
{
	static bool sent;
	struct record r;

	if (sent)
		return;
	sent = true;
	record_begin(&r, "env");
	record_str(&r, "version", MMLIFE_VERSION);
	record_str(&r, "build", build_id());
	record_str(&r, "clock", clock_record_name());
	record_str(&r, "accel", env_accel());
	record_u64(&r, "cpus", nr_vcpus);
	record_u64(&r, "mem_mib", ram_mib());
	record_u64(&r, "seed", seed);
	if (clock_kind() == CLOCK_MODEL)
		record_model_params(&r);
	out_line(record_end(&r));
}
