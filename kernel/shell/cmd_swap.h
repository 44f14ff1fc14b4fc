/*
 * cmd_swap.h - the part of `free` that tells of swap devices; nothing if there are none.
 */
#ifndef KERNEL_SHELL_CMD_SWAP_H
#define KERNEL_SHELL_CMD_SWAP_H

void swap_out_table(void);

#endif
