/*
 * ledger.h (host) - tests read the counters themselves.
 */
#ifndef TESTS_HOST_MM_INCLUDE_KERNEL_CORE_LEDGER_H
#define TESTS_HOST_MM_INCLUDE_KERNEL_CORE_LEDGER_H

#define LEDGER_KIND(kind, live, report) \
	static __attribute__((unused)) long (*const ledger_##kind)(void) = live
#define LEDGER_FAMILY(kind, lines_, line_, report_)                                                \
	static __attribute__((unused)) unsigned (*const ledger_lines_##kind)(void) = lines_;       \
	static __attribute__((unused)) const char *(*const ledger_line_##kind)(unsigned, long *) = \
		line_;                                                                             \
	static __attribute__((unused)) void (*const ledger_report_##kind)(                         \
		const char *, void (*)(const char *)) = report_
#define SETTLE_STEP(step, order, fn) \
	static __attribute__((unused)) void (*const settle_##step)(void) = fn

#endif
