/*
 * lru.c - joining and leaving the lists that reclaim scans.
 *
 * Owns: the lists; release of many pages at once is page_release.c's, under the same lock.
 */
#include "mm/lru.h"

#include <errno.h>
#include "kernel/core/ledger.h"
#include "kernel/core/log.h"
#include "mm/page_alloc.h"

DEFINE_PER_CPU(struct lruvec, lruvec);

const char *const lru_list_name[NR_LRU_LISTS] = {
	[LRU_INACTIVE_ANON] = "inactive anon",
	[LRU_ACTIVE_ANON] = "active anon",
	[LRU_INACTIVE_FILE] = "inactive file",
	[LRU_ACTIVE_FILE] = "active file",
};

void lru_world_init(unsigned nr_cpus)
{
	for (unsigned cpu = 0; cpu < nr_cpus; cpu++) {
		struct lruvec *lv = per_cpu_ptr(lruvec, cpu);

		*lv = (struct lruvec){.place = LRU_PLACE_ON | cpu};
		spin_lock_init(&lv->lock, LC_LRU);
		for (unsigned i = 0; i < NR_LRU_LISTS; i++)
			INIT_LIST_HEAD(&lv->lists[i]);
	}
}

static void lruvec_del(struct lruvec *lv, struct page *head) REQUIRES(lv->lock)
{
	lv->nr[LRU_PLACE_LIST(head->aux)] -= 1ul << head->order;
	list_del(&head->lru);
	WRITE_ONCE(head->aux, 0);
}

struct lruvec *folio_lruvec_lock(struct page *head) NO_LOCK_ANALYSIS
{
	u32 place;

	while ((place = READ_ONCE(head->aux)) & LRU_PLACE_ON) {
		struct lruvec *lv = lruvec_of(place);

		spin_lock(&lv->lock);
		if (likely(READ_ONCE_NOPOINT(head->aux) == place))
			return lv;
		spin_unlock(&lv->lock);
	}
	return NULL;
}

void folio_add_lru(struct page *head)
{
	folio_add_lru_to(head, folio_lru_inactive(head), 1ul << head->order);
}

bool folio_isolate_lru(struct page *head) NO_LOCK_ANALYSIS
{
	struct lruvec *lv = folio_lruvec_lock(head);

	if (!lv)
		return false;
	get_page(head);
	lruvec_del(lv, head);
	spin_unlock(&lv->lock);
	return true;
}

void folio_putback_lru(struct page *head, enum lru_list lru)
{
	lruvec_putback(this_cpu_ptr(lruvec), lru, head);
}

void lruvec_putback(struct lruvec *lv, enum lru_list lru, struct page *head)
{
	spin_lock(&lv->lock);
	lruvec_add(lv, lru, head, 1ul << head->order);
	spin_unlock(&lv->lock);
	put_page(head);
}

unsigned lruvec_isolate(struct lruvec *lv, enum lru_list lru, unsigned scan, struct page **out,
			unsigned max)
{
	struct list_head *list = &lv->lists[lru];
	unsigned nr = 0;

	spin_lock(&lv->lock);
	while (scan-- && nr < max && !list_empty(list)) {
		struct page *head = list_last_entry(list, struct page, lru);

		if (get_page_unless_zero(head)) {
			lruvec_del(lv, head);
			out[nr++] = head;
		} else {
			list_move(&head->lru, list); /* somebody frees it, as soon as we let him */
		}
	}
	spin_unlock(&lv->lock);
	return nr;
}

void lru_remove_dead(struct page *head) NO_LOCK_ANALYSIS
{
	struct lruvec *lv = folio_lruvec_lock(head);

	if (lv) {
		lruvec_del(lv, head);
		spin_unlock(&lv->lock);
	}
}

unsigned long lru_size(enum lru_list lru)
{
	unsigned long nr = 0;
	unsigned cpu;

	for_each_vcpu(cpu)
		nr += READ_ONCE_NOPOINT(per_cpu_ptr(lruvec, cpu)->nr[lru]);
	return nr;
}

/* ---- checking ---- */

static int check_list(struct lruvec *lv, enum lru_list lru)
{
	u32 place = lv->place | lru << LRU_PLACE_LIST_SHIFT;
	unsigned kind = lru & LRU_FILE ? FK_FILE : FK_ANON;
	unsigned long nr = 0;
	struct page *head;

	list_for_each_entry(head, &lv->lists[lru], lru) {
		if (head->aux != place || head->kind != kind || head->tail ||
		    atomic_read_nopoint(&head->_refcount) <= 0) {
			pr_err("lru: frame %#lx on %s, vCPU %u: place %#x, state %#x, %d "
			       "references",
			       page_to_pfn(head), lru_list_name[lru], LRU_PLACE_VCPU(place),
			       head->aux, head->state, atomic_read_nopoint(&head->_refcount));
			return -EINVAL;
		}
		nr += 1ul << head->order;
	}
	if (nr != lv->nr[lru]) {
		pr_err("lru: %s, vCPU %u: %lu pages listed, %lu counted", lru_list_name[lru],
		       LRU_PLACE_VCPU(place), nr, lv->nr[lru]);
		return -EINVAL;
	}
	return 0;
}

int lru_check(void)
{
	unsigned cpu;

	for_each_vcpu(cpu) {
		for (unsigned lru = 0; lru < NR_LRU_LISTS; lru++) {
			if (check_list(per_cpu_ptr(lruvec, cpu), lru))
				return -EINVAL;
		}
	}
	return 0;
}

static long lru_live(void)
{
	long nr = 0;

	for (unsigned lru = 0; lru < NR_LRU_LISTS; lru++)
		nr += (long)lru_size(lru);
	return nr;
}
LEDGER_KIND(lru_pages, lru_live, NULL);
