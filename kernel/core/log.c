/*
 * log.c - the ring, and what of it is shown.
 *
 * Idea: a writer reserves its bytes of the ring with one atomic addition and copies: no lock, so a
 *       message from an NMI cannot hang. A reader may meet a line still being copied; it is text.
 */
#include "kernel/core/log.h"

#include <stdarg.h>
#include <string.h>
#include "kernel/core/console.h"
#include "kernel/core/format.h"
#include "kernel/core/setting.h"

#define RING_BYTES 65536UL

static char ring[RING_BYTES];
static bool unshown; /* some message stayed in the ring only */
static u64 ring_end; /* bytes ever written; the newest is at (ring_end - 1) % RING_BYTES */
static enum log_level shown_level = LOG_INFO;

static const char *const prefix[] = {
	[LOG_ERR] = "",
	[LOG_WARN] = "warning: ",
	[LOG_INFO] = "",
	[LOG_DEBUG] = "debug: ",
};

static void ring_write(const char *s, size_t len)
{
	u64 at = __atomic_fetch_add(&ring_end, len, __ATOMIC_RELAXED);

	for (size_t i = 0; i < len; i++)
		ring[(at + i) % RING_BYTES] = s[i];
}

void log_printf(enum log_level level, const char *fmt, ...)
{
	char line[LOG_LINE_MAX];
	size_t len = strlen(prefix[level]);
	va_list ap;

	memcpy(line, prefix[level], len);
	va_start(ap, fmt);
	len += format_va(line + len, sizeof(line) - len - 1, fmt, ap);
	va_end(ap);
	line[len++] = '\n';
	ring_write(line, len);
	if (level <= shown_level)
		console_write_line(line, len);
	else
		unshown = true;
}

bool log_unshown(void)
{
	return unshown;
}

void log_level_set(enum log_level level)
{
	shown_level = level;
}

enum log_level log_level_get(void)
{
	return shown_level;
}

void log_ring_read(size_t max_bytes, void (*write)(const char *s, size_t len))
{
	u64 end = __atomic_load_n(&ring_end, __ATOMIC_ACQUIRE);
	u64 kept = min(end, RING_BYTES), at = end - min(kept, (u64)max_bytes);

	/* A line whose beginning was cut off is skipped. */
	if (at)
		while (at < end && ring[at++ % RING_BYTES] != '\n')
			;
	while (at < end) {
		size_t run = min(end - at, RING_BYTES - at % RING_BYTES);

		write(&ring[at % RING_BYTES], run);
		at += run;
	}
}

static u64 level_get(void)
{
	return shown_level;
}

static int level_put(u64 level)
{
	shown_level = level;
	return 0;
}

SETTING_U64(log_level, "messages shown: 0 errors, 1 warnings, 2 information, 3 debug", LOG_ERR,
	    LOG_DEBUG, level_get, level_put);
