/*
 * sites.h - what `sites` knows beside the sites there are.
 */
#ifndef KERNEL_SHELL_SITES_H
#define KERNEL_SHELL_SITES_H

/* Why @name, where Linux's fork can fail, cannot fail here; or NULL: it is no such place. */
const char *fork_site_absent(const char *name);

#endif
