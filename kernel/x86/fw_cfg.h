/*
 * fw_cfg.h - files QEMU hands to the guest (`-fw_cfg name=opt/...`).
 *
 * Context of all: any, but one caller at a time (the device has one cursor).
 */
#ifndef KERNEL_X86_FW_CFG_H
#define KERNEL_X86_FW_CFG_H

#include "kernel/base/compiler.h"

/* Is there such a device? */
bool fw_cfg_present(void);

/*
 * fw_cfg_read - the file @name into @buf.
 *
 * Returns:  its length, which may exceed @size (then the first @size bytes were read); -ENOENT if
 *           there is no such file or no device
 */
long fw_cfg_read(const char *name, void *buf, size_t size);

#endif
