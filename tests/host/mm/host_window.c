/*
 * host_window.c - there is no window on the host: nothing can be mapped in it.
 */
#include "mm/window.h"

#include "kernel/core/bug.h"

void window_world_init(void)
{
}

void *window_map(struct page *page, unsigned tag)
{
	return NULL;
}

void window_unmap(void *va, void *ip)
{
	BUG();
}

struct window_entry window_lookup(unsigned long va)
{
	return (struct window_entry){.mapped = false};
}

void window_settle(void)
{
}
