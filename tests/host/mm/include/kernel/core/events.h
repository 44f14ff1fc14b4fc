/*
 * events.h (host) - nobody counts.
 */
#ifndef TESTS_HOST_MM_INCLUDE_KERNEL_CORE_EVENTS_H
#define TESTS_HOST_MM_INCLUDE_KERNEL_CORE_EVENTS_H

#define event_count(ev, n) ((void)(n))

#endif
