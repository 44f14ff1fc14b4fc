/*
 * registry_kinds.h - the kinds of things that register themselves; read by C and by
 * linker/kernel.ld.
 *
 * A new kind is one line here.
 */
#ifndef KERNEL_CORE_REGISTRY_KINDS_H
#define KERNEL_CORE_REGISTRY_KINDS_H

/* X(kind) */
#define REGISTRY_KINDS(X) \
	X(ktest)          \
	X(bench)          \
	X(shell_cmd)      \
	X(setting)        \
	X(fault_site)     \
	X(delay_site)     \
	X(ledger_kind)    \
	X(settle_step)    \
	X(kmem_cache)     \
	X(semantics)      \
	X(walker)         \
	X(walker_check)   \
	X(scenario_kind)  \
	X(lab_case)       \
	X(strategy)       \
	X(question)

#endif
