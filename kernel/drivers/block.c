/*
 * block.c - the devices that were found, and what every transfer is checked for.
 */
#include "kernel/drivers/block.h"

#include <errno.h>

#define BLOCK_DEVICES_MAX 8

static struct block_device *devices[BLOCK_DEVICES_MAX];
static unsigned nr_devices;

bool block_register(struct block_device *bdev)
{
	if (nr_devices == BLOCK_DEVICES_MAX)
		return false;
	devices[nr_devices++] = bdev;
	return true;
}

struct block_device *block_at(unsigned i)
{
	return i < nr_devices ? devices[i] : NULL;
}

int block_transfer(struct block_device *bdev, u64 sector, const phys_t *frames, unsigned nr,
		   bool write)
{
	if (!nr || nr > BLOCK_PAGES_MAX || sector > bdev->nr_sectors ||
	    nr * SECTORS_PER_PAGE > bdev->nr_sectors - sector)
		return -EINVAL;
	return bdev->ops->transfer(bdev, sector, frames, nr, write);
}
