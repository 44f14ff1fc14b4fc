/*
 * virtio_blk.h - the disk that --disk gives the machine, as block device "vda".
 *
 * Owns: finding it at boot. Everything else goes through block.h.
 */
#ifndef KERNEL_DRIVERS_VIRTIO_BLK_H
#define KERNEL_DRIVERS_VIRTIO_BLK_H

/*
 * virtio_blk_init - look for a disk and make it ready.
 *
 * Context:  boot, on the first CPU, interrupts off, while device registers can still be mapped
 * Returns:  NULL: ready, or there is none; else a line about a disk that cannot be used
 */
const char *virtio_blk_init(void);

#endif
