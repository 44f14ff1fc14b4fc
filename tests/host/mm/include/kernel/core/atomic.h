/*
 * atomic.h (host) - the kernel's own, on the host's once.h.
 */
#include "kernel/core/once.h"
#include "kernel/core/point.h"
#include "../../../../../../kernel/core/atomic.h"
