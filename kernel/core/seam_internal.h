/*
 * seam_internal.h - what the files of the seam say to each other.
 */
#ifndef KERNEL_CORE_SEAM_INTERNAL_H
#define KERNEL_CORE_SEAM_INTERNAL_H

/* Recomputes points_key from its two listeners. Context: as static_key_set(). */
void points_key_update(void);

#endif
