/*
 * cmdline.h - what the machine was told at boot: words and a script.
 *
 * Form: `name=value name=value ... -- script`. The script is shell commands, one a line. Without `
 * -- ` the shell is interactive. Words without `=` before the first word with one are the loader's
 * (QEMU puts the file name there).
 */
#ifndef KERNEL_CORE_CMDLINE_H
#define KERNEL_CORE_CMDLINE_H

#include "kernel/base/compiler.h"

/*
 * cmdline_init - take fw_cfg's command line, or the loader's if there is none.
 *
 * Returns: 0, or -EINVAL with a clear line in *@error (a malformed or repeated word). Boot, once
 */
int __must_check cmdline_init(const char *loader_cmdline, const char **error);

/* The same for a given text, which must stay: the pure part. */
int __must_check cmdline_parse(char *text, const char **error);

/* Value of word @name, or NULL. */
const char *cmdline_get(const char *name);

/*
 * Names that were given but never asked for: the i-th, or NULL. For one clear error at the end of
 * boot.
 */
const char *cmdline_unused(unsigned i);

/* Text after ` -- `, or NULL: interactive. */
const char *cmdline_script(void);

#endif
