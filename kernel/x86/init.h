/*
 * init.h - code and data that only boot uses; their memory is given back by boot_release_init().
 */
#ifndef KERNEL_X86_INIT_H
#define KERNEL_X86_INIT_H

#include "kernel/base/compiler.h"

#ifdef HOST_TEST
#define __init
#define __initdata
#else
#define __init	   __section(".init.text") noinline
#define __initdata __section(".init.data")
#endif

#endif
