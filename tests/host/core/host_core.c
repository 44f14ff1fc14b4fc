/*
 * host_core.c - what the pure files call that is the machine's: formatting and fw_cfg.
 */
#include "tests/host/core/host_core.h"

#include <stdio.h>
#include "kernel/core/format.h"
#include "kernel/x86/fw_cfg.h"

const char *host_fw_cfg_text;

size_t format_va(char *buf, size_t size, const char *fmt, va_list ap)
{
	int len = vsnprintf(buf, size, fmt, ap);

	return (size_t)len < size ? (size_t)len : size - 1;
}

size_t format(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	size_t len;

	va_start(ap, fmt);
	len = format_va(buf, size, fmt, ap);
	va_end(ap);
	return len;
}

long fw_cfg_read(const char *name, void *buf, size_t size)
{
	size_t len;

	if (!host_fw_cfg_text || strcmp(name, "opt/mmlife/cmdline"))
		return -2;
	len = strlen(host_fw_cfg_text);
	memcpy(buf, host_fw_cfg_text, len < size ? len : size);
	return len;
}
