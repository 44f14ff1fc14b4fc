/*
 * glob.h - does a name match a filter. Pure.
 */
#ifndef TESTS_GLOB_H
#define TESTS_GLOB_H

#include "kernel/base/compiler.h"

/*
 * glob_match - true if the whole of @name matches @pattern: `*` is any run of characters (none
 * included), `?` any one character, everything else itself. Linear in the product of the lengths.
 */
bool glob_match(const char *pattern, const char *name);

#endif
