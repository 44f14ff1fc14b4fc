/*
 * block.c - the devices that were found.
 */
#include "kernel/drivers/block.h"

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
