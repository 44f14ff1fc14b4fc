/*
 * baseline.h - the ledger as it was when the shell started, which `ledger` compares with.
 */
#ifndef KERNEL_SHELL_BASELINE_H
#define KERNEL_SHELL_BASELINE_H

/* Take it. A thread; may sleep. */
void shell_ledger_baseline(void);

#endif
