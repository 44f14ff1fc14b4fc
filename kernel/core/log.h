/*
 * log.h - messages with a level, kept in a ring, shown on the console.
 *
 * Owns: pr_*(), the ring of the last 64 KiB. Results (tests, benches, shell output) are not
 *       messages: they go to the
 * console directly.
 * Idea: a message is formatted whole and written whole; one call is one line, without the newline
 *       in the format.
 */
#ifndef KERNEL_CORE_LOG_H
#define KERNEL_CORE_LOG_H

#include "kernel/base/compiler.h"

enum log_level { LOG_ERR, LOG_WARN, LOG_INFO, LOG_DEBUG };

#define LOG_LINE_MAX 512 /* longer messages are cut */

/* Any context, NMI included. */
void log_printf(enum log_level level, const char *fmt, ...) __printf(2, 3);

#define pr_err(...)   log_printf(LOG_ERR, __VA_ARGS__)
#define pr_warn(...)  log_printf(LOG_WARN, __VA_ARGS__)
#define pr_info(...)  log_printf(LOG_INFO, __VA_ARGS__)
#define pr_debug(...) log_printf(LOG_DEBUG, __VA_ARGS__)

/* Messages above @level stay in the ring only. Default LOG_INFO. */
void log_level_set(enum log_level level);
enum log_level log_level_get(void);

/* Has the ring ever got a message that was not shown? */
bool log_unshown(void);

/* Passes the ring's last @max_bytes, from the start of a line, to @write; oldest first. */
void log_ring_read(size_t max_bytes, void (*write)(const char *s, size_t len));

#endif
