/*
 * log.h (host) - messages go to standard error.
 */
#ifndef TESTS_HOST_MM_INCLUDE_KERNEL_CORE_LOG_H
#define TESTS_HOST_MM_INCLUDE_KERNEL_CORE_LOG_H

#include <stdio.h>

#define pr_err(...)  (fprintf(stderr, __VA_ARGS__), fputc('\n', stderr))
#define pr_info(...) pr_err(__VA_ARGS__)

#endif
