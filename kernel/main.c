/*
 * main.c - boot order, as one readable list.
 *
 * Owns: the order in which the layers come up, and what the first thread does.
 * Not here: how anything is done. Nothing registers itself into these lists: what runs at boot is
 *           here.
 */
#include <string.h>

#include "kernel/core/clock.h"
#include "kernel/core/cmdline.h"
#include "kernel/core/fpu.h"
#include "kernel/core/kv.h"
#include "kernel/core/log.h"
#include "kernel/core/model.h"
#include "kernel/core/oops.h"
#include "kernel/core/panic.h"
#include "kernel/core/preempt.h"
#include "kernel/core/registry.h"
#include "kernel/core/spinlock.h"
#include "kernel/core/static_key.h"
#include "kernel/core/stop.h"
#include "kernel/drivers/block.h"
#include "kernel/drivers/virtio_blk.h"
#include "kernel/proc/oom.h"
#include "kernel/sched/kthread.h"
#include "kernel/sched/parallel.h"
#include "kernel/sched/sched.h"
#include "kernel/shell/baseline.h"
#include "kernel/shell/env.h"
#include "kernel/shell/shell.h"
#include "kernel/x86/boot_info.h"
#include "kernel/x86/kmap.h"
#include "kernel/x86/machine.h"
#include "kernel/x86/smp.h"
#include "mm/semantics.h"
#include "mm/tlb.h"
#include "mm/world.h"

/* What the machine or its boot line got wrong ends here, with the reason that came with @err. */
static void refuse_if(int err, const char **why)
{
	if (err)
		machine_refuse(*why);
}

/* ---- memory for layers 4 and up ---- */

/* What boot has left, and what only boot needed, as ranges of frames. */
static unsigned free_ranges(struct frame_range *range)
{
	struct mem_range init = boot_release_init();
	unsigned nr = 0;

	if (init.end && memmap_add(&boot_info.free, init.start, init.end))
		pr_warn("the memory of boot-only code stays unused: the memory map is full");
	for (; nr < boot_info.free.nr && nr < FRAME_RANGES_MAX; nr++) {
		range[nr].start_pfn = boot_info.free.range[nr].start >> PAGE_SHIFT;
		range[nr].end_pfn = boot_info.free.range[nr].end >> PAGE_SHIFT;
	}
	return nr;
}

/* Bytes of the lab's arena: 0 lets boot choose. */
static size_t arena_asked(void)
{
	const char *word = cmdline_get("arena");
	u64 mib = 0;

	if (word && parse_u64(word, 1, 4096, &mib))
		machine_refuse("boot line: arena= accepts 1..4096 (MiB)");
	return mib << 20;
}

/* The index of word @name's value among @choices, 0 if it was not given. */
static unsigned boot_choice(const char *name, const char *const *choices)
{
	const char *word = cmdline_get(name);
	unsigned i = 0;

	while (word && choices[i] && strcmp(word, choices[i]))
		i++;
	if (!word || choices[i])
		return word ? i : 0;
	machine_refuse("boot line: slab= accepts plain, redzone, window; poison= and "
		       "rename_semantics= off, on");
}

static void memory_init(void)
{
	/* In the order of enum slab_layout. */
	static const char *const layouts[] = {"plain", "redzone", "window", NULL};
	static const char *const off_on[] = {"off", "on", NULL};
	struct frames_config config = {
		.nr_vcpus = nr_vcpus,
		.poison = boot_choice("poison", off_on),
	};
	struct frame_range range[FRAME_RANGES_MAX];

	if (boot_choice("rename_semantics", off_on))
		sem_rename_all();
	if (mm_world_init(range, free_ranges(range), &config, boot_choice("slab", layouts)))
		machine_refuse("the memory map cannot be used");
}

/* While device registers can be mapped still. `disk=1`: the launcher has given us a disk. */
static void devices_init(void)
{
	const char *why = virtio_blk_init();

	if (cmdline_get("disk") && !why && !block_at(0))
		why = "none is found on the first PCI bus";
	if (why)
		pr_err("the disk cannot be used: %s", why);
}

/* ---- the first thread ---- */

static void first_thread(void *arg)
{
	const char *script = cmdline_script();
	const char *word;

	if (sched_world_threads() || mm_world_threads() || oom_world_init())
		panic("no memory for the threads of scheduler and memory");
	static_key_set(&model_key, clock_kind() == CLOCK_MODEL);
	kmap_seal();
	flush_tlb_kernel_range(0, TLB_FLUSH_ALL);
	shell_ledger_baseline();

	env_banner();
	word = cmdline_get("accel");
	if (word && strcmp(word, env_accel()))
		pr_warn("boot line: accelerator %s was asked for, this is %s", word, env_accel());
	for (unsigned i = 0; (word = cmdline_unused(i)); i++)
		pr_warn("boot line: \"%s\" means nothing and is ignored", word);
	if (!script)
		shell_interact();
	env_record(SEED_DEFAULT);
	shell_run_script(script);
	shell_end_machine();
}

/* ---- boot ---- */

/* On the boot stack of CPU 0, interrupts off; everything else still sleeps. */
void kernel_main(void)
{
	const char *why = NULL;
	struct thread *first;
	unsigned nr_missing;

	x86_init();
	registry_init();
	fpu_init_cpu();
	spinlock_init();
	oops_init();
	stop_init();
	refuse_if(cmdline_init(boot_info.cmdline, &why), &why);
	refuse_if(clock_init(cmdline_get("clock"), &why), &why);
	if (boot_reserve_arena(arena_asked()))
		machine_refuse("boot line: arena= is more than there is");
	smp_prepare(MAX_VCPUS);

	sched_world_init(nr_vcpus);
	parallel_init(nr_vcpus);
	nr_missing = smp_start(sched_ap_main);
	if (nr_missing)
		pr_warn("%u CPUs did not start", nr_missing);
	devices_init();
	memory_init();

	/* Every CPU must learn of the page below its stack, so interrupts are on for this. */
	local_irq_enable();
	first = kthread_create("shell", first_thread, NULL);
	local_irq_disable();
	if (!first)
		machine_refuse("no memory for the first thread");
	first->base.flags |= TF_FPU;
	thread_start(first);
	sched_idle_main();
}
