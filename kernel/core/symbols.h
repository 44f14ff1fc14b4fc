/*
 * symbols.h - names of addresses in the kernel image, and which build it is.
 */
#ifndef KERNEL_CORE_SYMBOLS_H
#define KERNEL_CORE_SYMBOLS_H

#include "kernel/base/compiler.h"

/*
 * symbol_lookup - the function that @address lies in.
 *
 * @offset:  how far in
 * Returns:  its name, or NULL: not code of the image, or an image without a table. Any context
 */
const char *symbol_lookup(const volatile void *address, unsigned long *offset);

/* Hash of what was linked: equal for equal sources and tools. */
const char *build_id(void);

#endif
