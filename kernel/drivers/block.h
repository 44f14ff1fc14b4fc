/*
 * block.h - a device that keeps numbered blocks of 512 bytes.
 *
 * Owns: the interface between those who store pages and the drivers, the list of devices found.
 * Not here: the drivers (virtio_blk.h; RAM devices are mm/block_ram.h), what is stored (swap.h).
 * Idea: one call moves whole pages and returns when they have been moved; drivers sleep meanwhile.
 */
#ifndef KERNEL_DRIVERS_BLOCK_H
#define KERNEL_DRIVERS_BLOCK_H

#include <errno.h>

#include "kernel/base/compiler.h"
#include "kernel/x86/layout.h"

#define SECTOR_SHIFT	 9
#define SECTORS_PER_PAGE (PAGE_SIZE >> SECTOR_SHIFT)
#define BLOCK_NAME_MAX	 12
#define BLOCK_PAGES_MAX	 16u /* of one transfer */

struct block_device;

struct block_ops {
	/*
	 * Move @nr frames (1..BLOCK_PAGES_MAX) to or from @sector and those that follow. 0, or -EIO
	 * with any part of them moved. May sleep.
	 */
	int (*transfer)(struct block_device *bdev, u64 sector, const phys_t *frames, unsigned nr,
			bool write);
};

/* Field key: [I] set by its driver */
struct block_device {
	char name[BLOCK_NAME_MAX];   /* [I] */
	u64 nr_sectors;		     /* [I] */
	const struct block_ops *ops; /* [I] */
	void *private;		     /* [I] */
};

/*
 * block_transfer - move @nr pages between @frames and the sectors from @sector on.
 *
 * Context:  may sleep
 * Returns:  0; -EINVAL (beyond the end; nothing moved), -EIO
 */
static inline int __must_check block_transfer(struct block_device *bdev, u64 sector,
					      const phys_t *frames, unsigned nr, bool write)
{
	if (!nr || nr > BLOCK_PAGES_MAX || sector > bdev->nr_sectors ||
	    nr * SECTORS_PER_PAGE > bdev->nr_sectors - sector)
		return -EINVAL;
	return bdev->ops->transfer(bdev, sector, frames, nr, write);
}

/* A driver found @bdev, which stays for good. Boot only, one CPU. False: too many. */
bool block_register(struct block_device *bdev);

/* The @i-th device that a driver found, or NULL. */
struct block_device *block_at(unsigned i);

#endif
