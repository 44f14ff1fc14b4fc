/*
 * symbols.h - names of addresses in the kernel image, and which build it is.
 */
#ifndef KERNEL_CORE_SYMBOLS_H
#define KERNEL_CORE_SYMBOLS_H

#include "kernel/base/compiler.h"

/*
 * symbol_lookup - the function or object that @address lies in.
 *
 * @offset, @size: how far in, and how long it is (0 = not known)
 * Returns:        its name, or NULL: not in the image, or an image without a table. Any context
 */
const char *symbol_lookup(const volatile void *address, unsigned long *offset, unsigned long *size);

/* Hash of what was linked: equal for equal sources and tools. */
const char *build_id(void);

#endif
