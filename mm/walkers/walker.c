/*
 * walker.c - finding a check by name, and the hook of who counts.
 */
#include "mm/walkers/walker.h"

void (*walker_reach_hook)(const struct walker *walker, struct mm_struct *mm,
			  enum walker_depth depth, const struct vm_area_struct *vma) __host_data;

struct walker_check *walker_check_find(const char *name)
{
	return registry_find(walker_check, name);
}
