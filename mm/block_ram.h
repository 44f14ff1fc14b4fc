/*
 * block_ram.h - block devices whose blocks are frames.
 *
 * Idea: all frames are taken when the device is made: writing to it needs no memory, since it is
 *       written to when there is none. Its contents belong to the world.
 */
#ifndef MM_BLOCK_RAM_H
#define MM_BLOCK_RAM_H

#include "kernel/drivers/block.h"

#define BLOCK_RAM_MAX 4u /* devices at a time */

/*
 * block_ram_create - a device called "ram@id" with @nr_pages pages of zeros.
 *
 * Context:  may sleep
 * Returns:  it, or an error pointer: -EBUSY (there is one of that name), -EINVAL (@id or @nr_pages
 *           out of range), -ENOMEM
 */
struct block_device *__must_check block_ram_create(unsigned id, unsigned long nr_pages);

/* Nobody uses @bdev: its frames go back. */
void block_ram_destroy(struct block_device *bdev);

/* The device "ram@id", or NULL. */
struct block_device *block_ram_find(unsigned id);

/* Is it one of these? */
bool block_is_ram(const struct block_device *bdev);

#endif
