/*
 * cmd_swap.c - `swapon DEV`, `swapoff DEV`, and what `free` says of swap.
 *
 * Owns: names of devices as people write them: ram0 to ram3, made when they are swapped to and gone
 *       after swapoff; disks by the name their driver gave them.
 */
#include "kernel/shell/cmd_swap.h"

#include <errno.h>
#include <string.h>

#include "kernel/base/err.h"
#include "kernel/core/kv.h"
#include "kernel/drivers/block.h"
#include "kernel/shell/out.h"
#include "kernel/shell/shell.h"
#include "mm/block_ram.h"
#include "mm/swap.h"

#define RAM_DEFAULT (16ul << 20)
#define RAM_MIN	    ((u64)SWAP_MIN_SLOTS * PAGE_SIZE)
#define RAM_MAX	    (1ul << 40)

static struct block_device *disk_find(const char *name)
{
	struct block_device *bdev;

	for (unsigned i = 0; (bdev = block_at(i)); i++) {
		if (!strcmp(bdev->name, name))
			return bdev;
	}
	return NULL;
}

/* "ram0" .. "ram3": its number; else -1. */
static int ram_id(const char *name)
{
	if (strncmp(name, "ram", 3) || name[3] < '0' || name[3] >= (char)('0' + BLOCK_RAM_MAX) ||
	    name[4])
		return -1;
	return name[3] - '0';
}

static int unknown_device(const char *cmd, const char *name)
{
	char disks[64] = "";

	for (unsigned i = 0; block_at(i) && strlen(disks) < 48; i++) {
		strlcat(disks, ", ", sizeof(disks));
		strlcat(disks, block_at(i)->name, sizeof(disks));
	}
	return shell_error(cmd, "no device \"%s\": there are ram0 to ram%u%s%s", name,
			   BLOCK_RAM_MAX - 1, disks,
			   block_at(0) ? "" : ", and no disk (--disk FILE gives one)");
}

/* ---- swapon ---- */

static int swapon_failed(const struct block_device *bdev, int err)
{
	switch (err) {
	case -EBUSY: return shell_error("swapon", "%s: swapped to already", bdev->name);
	case -ENOSPC:
		return shell_error("swapon", "%s: %u devices are swapped to, no more are possible",
				   bdev->name, MAX_SWAPFILES);
	case -EINVAL:
		return shell_error("swapon", "%s: %lu bytes, at least %lu are needed", bdev->name,
				   bdev->nr_sectors << SECTOR_SHIFT, RAM_MIN);
	default: return shell_error("swapon", "%s: no memory", bdev->name);
	}
}

static int swapon_ram(const char *name, u64 bytes)
{
	struct block_device *bdev;
	int err;

	if (bytes % PAGE_SIZE)
		return shell_error("swapon", "%s: size=%lu is no multiple of %lu", name, bytes,
				   PAGE_SIZE);
	bdev = block_ram_create(ram_id(name), bytes / PAGE_SIZE);
	switch (IS_ERR(bdev) ? PTR_ERR(bdev) : 0) {
	case 0: break;
	case -EBUSY: return shell_error("swapon", "%s: swapped to already", name);
	case -EINVAL: return shell_error("swapon", "%s: size=%lu is too large", name, bytes);
	default: return shell_error("swapon", "%s: no memory for %lu bytes", name, bytes);
	}
	err = swapon(bdev);
	if (err >= 0)
		return SHELL_OK;
	swapon_failed(bdev, err);
	block_ram_destroy(bdev);
	return SHELL_FAIL;
}

static int swapon_disk(struct block_device *bdev)
{
	int err;

	if (!bdev->nr_sectors)
		return shell_error("swapon", "%s: it is empty", bdev->name);
	if (bdev->nr_sectors % SECTORS_PER_PAGE)
		return shell_error("swapon", "%s: its %lu bytes are no multiple of %lu",
				   bdev->name, bdev->nr_sectors << SECTOR_SHIFT, PAGE_SIZE);
	err = swapon(bdev);
	return err < 0 ? swapon_failed(bdev, err) : SHELL_OK;
}

static int cmd_swapon(int argc, char **argv)
{
	u64 bytes = RAM_DEFAULT;
	struct block_device *disk;
	static struct kv kv;

	if (argc < 2)
		return shell_error("swapon", "a device is wanted: ram0 to ram%u, or a disk",
				   BLOCK_RAM_MAX - 1);
	disk = disk_find(argv[1]);
	if (!disk && ram_id(argv[1]) < 0)
		return unknown_device("swapon", argv[1]);
	kv_parse_words(&kv, argc - 2, argv + 2);
	if (!disk)
		kv_size(&kv, "size", RAM_MIN, RAM_MAX, &bytes);
	if (kv_done(&kv))
		return shell_error("swapon", "%s", kv.error);
	return disk ? swapon_disk(disk) : swapon_ram(argv[1], bytes);
}

static const char *device_words(unsigned i)
{
	static const char *const rams[] = {"ram0", "ram1", "ram2", "ram3"};

	_Static_assert(ARRAY_SIZE(rams) == BLOCK_RAM_MAX, "each has a name");
	if (i < ARRAY_SIZE(rams))
		return rams[i];
	i -= ARRAY_SIZE(rams);
	return block_at(i) ? block_at(i)->name : NULL;
}

SHELL_CMD_WORDS(swapon,
		"swapon DEV [size=BYTES]: swap to a RAM device (ram0..ram3) or a disk (vda)\n"
		"  size=16M   of a RAM device, which takes that much memory at once",
		cmd_swapon, device_words);

/* ---- swapoff ---- */

static int cmd_swapoff(int argc, char **argv)
{
	struct block_device *bdev;
	int id, err;

	if (argc != 2)
		return shell_error("swapoff", "one device is wanted, as swapon took it");
	id = ram_id(argv[1]);
	bdev = id >= 0 ? block_ram_find(id) : disk_find(argv[1]);
	if (!bdev && id < 0)
		return unknown_device("swapoff", argv[1]);
	err = bdev ? swapoff(bdev) : -EINVAL;
	switch (err) {
	case 0: break;
	case -EINVAL: return shell_error("swapoff", "%s: not swapped to", argv[1]);
	case -EBUSY: return shell_error("swapoff", "%s: it is going already", argv[1]);
	case -EINTR: return shell_error("swapoff", "%s: interrupted, it is on still", argv[1]);
	default:
		return shell_error("swapoff", "%s: no memory for what is on it, it is on still",
				   argv[1]);
	}
	if (id >= 0)
		block_ram_destroy(bdev);
	return SHELL_OK;
}

SHELL_CMD_WORDS(swapoff, "swapoff DEV: bring everything on a swap device back into memory",
		cmd_swapoff, device_words);

/* ---- free ---- */

void swap_out_table(void)
{
	struct swap_stats s;
	bool any = false;

	for (unsigned type = 0; type < MAX_SWAPFILES; type++) {
		if (!swap_stats(type, &s))
			continue;
		if (!any)
			out("  %-16s %10s %10s %10s\n", "swap", "pages", "used", "free");
		any = true;
		out("  %-16s %10lu %10lu %10lu\n", s.name, s.nr_slots, s.nr_used,
		    s.nr_slots - s.nr_used);
	}
	if (any)
		out("  %-16s %10ld\n", "swap cache", atomic_long_read(&nr_swapcache_pages));
}
