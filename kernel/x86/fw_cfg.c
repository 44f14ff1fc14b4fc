/*
 * fw_cfg.c - files from QEMU. See fw_cfg.h.
 */
#include "kernel/x86/fw_cfg.h"

#include <errno.h>
#include <string.h>
#include "kernel/x86/io.h"

#define FW_CFG_SELECT	 0x510
#define FW_CFG_DATA	 0x511
#define FW_CFG_SIGNATURE 0x00
#define FW_CFG_DIRECTORY 0x19
#define FW_CFG_FILES_MAX 4096 /* more is not a directory */

/* Big-endian, as the device sends it. */
struct fw_cfg_file {
	u32 size;
	u16 select;
	u16 reserved;
	char name[56];
};

bool fw_cfg_present(void)
{
	char signature[4];

	outw(FW_CFG_SELECT, FW_CFG_SIGNATURE);
	insb(FW_CFG_DATA, signature, sizeof(signature));
	return memcmp(signature, "QEMU", sizeof(signature)) == 0;
}

long fw_cfg_read(const char *name, void *buf, size_t size)
{
	u32 count = 0;

	if (!fw_cfg_present())
		return -ENOENT;
	outw(FW_CFG_SELECT, FW_CFG_DIRECTORY);
	insb(FW_CFG_DATA, &count, sizeof(count));
	count = __builtin_bswap32(count);
	if (count > FW_CFG_FILES_MAX)
		return -ENOENT;

	while (count--) {
		struct fw_cfg_file file = {0};
		u32 len;

		insb(FW_CFG_DATA, &file, sizeof(file));
		if (strncmp(file.name, name, sizeof(file.name)))
			continue;
		len = __builtin_bswap32(file.size);
		outw(FW_CFG_SELECT, __builtin_bswap16(file.select));
		insb(FW_CFG_DATA, buf, min((size_t)len, size));
		return len;
	}
	return -ENOENT;
}
