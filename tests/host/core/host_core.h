/*
 * host_core.h - the test's end of the machine: the text that fw_cfg answers with.
 */
#ifndef TESTS_HOST_CORE_HOST_CORE_H
#define TESTS_HOST_CORE_HOST_CORE_H

#include <string.h>

/* NULL: there is no such file. */
extern const char *host_fw_cfg_text;

#endif
