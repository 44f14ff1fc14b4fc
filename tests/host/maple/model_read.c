/*
 * model_read.c - the reads of a state, each beside its prediction.
 *
 * Idea: a state wanders: a call may begin where the last one ended, with a limit that lies just
 *       before, on, or just behind the piece it stands on.
 */
#include "tests/host/maple/model.h"

typedef void (*read_call)(struct model *m, int k, unsigned long limit);

static void answer(struct model *m, int k, const void *got, const void *want)
{
	m->trace[m->step % MODEL_TRACE].entry = got;
	model_same_entry(m, got, want);
	model_same_state(m, k);
}

static void call_walk(struct model *m, int k, unsigned long limit)
{
	(void)limit;
	model_note(m, "mas_walk", m->os[k].index, k);
	answer(m, k, mas_walk(&m->mas[k]), os_walk(&m->o, &m->os[k]));
}

#define READ_CALL(call, predict, skip)                                                         \
	static void call_##call(struct model *m, int k, unsigned long limit)                   \
	{                                                                                      \
		model_note(m, #call, limit, k);                                                \
		answer(m, k, call(&m->mas[k], limit), predict(&m->o, &m->os[k], limit, skip)); \
	}

READ_CALL(mas_next, os_next, true)
READ_CALL(mas_next_range, os_next, false)
READ_CALL(mas_prev, os_prev, true)
READ_CALL(mas_prev_range, os_prev, false)
READ_CALL(mas_find, os_find, true)
READ_CALL(mas_find_range, os_find, false)
READ_CALL(mas_find_rev, os_find_rev, true)
READ_CALL(mas_find_range_rev, os_find_rev, false)

static void call_set(struct model *m, int k, unsigned long limit)
{
	(void)limit;
	model_place(m, k);
	model_note(m, "mas_set_range", m->os[k].index, m->os[k].last);
	model_same_state(m, k);
}

static void call_reset(struct model *m, int k, unsigned long limit)
{
	(void)limit;
	model_note(m, "mas_reset", k, 0);
	mas_reset(&m->mas[k]);
	os_reset(&m->os[k]);
	model_same_state(m, k);
}

static void call_pause(struct model *m, int k, unsigned long limit)
{
	(void)limit;
	model_note(m, "mas_pause", k, 0);
	mas_pause(&m->mas[k]);
	os_pause(&m->os[k]);
	model_same_state(m, k);
}

/* Move index and last inside the piece the state stands on; the place is kept. */
static void call_set_inside(struct model *m, int k, unsigned long limit)
{
	struct piece at = oracle_piece(&m->o, m->os[k].index);

	if (m->os[k].status != ma_active)
		return;
	if (limit < at.first || limit > at.last)
		limit = at.first;
	at.last = model_one_in(m, 4) ? at.last : limit;
	model_note(m, "__mas_set_range", limit, at.last);
	__mas_set_range(&m->mas[k], limit, at.last);
	m->os[k].index = limit;
	m->os[k].last = at.last;
	model_same_state(m, k);
}

static const read_call calls[] = {
	call_walk,     call_mas_next,	    call_mas_next,	 call_mas_next_range,
	call_mas_prev, call_mas_prev,	    call_mas_prev_range, call_mas_find,
	call_mas_find, call_mas_find_range, call_mas_find_rev,	 call_mas_find_range_rev,
	call_set,      call_reset,	    call_pause,		 call_set_inside,
};

static unsigned long limit_for(struct model *m, int k)
{
	struct ostate *os = &m->os[k];

	switch (model_below(m, 8)) {
	case 0: return os->last;
	case 1: return os->index;
	case 2: return os->last + 1;
	case 3: return os->index - 1;
	case 4: return 0;
	case 5: return ULONG_MAX;
	default: return model_index(m);
	}
}

void model_read(struct model *m)
{
	int k = model_ready(m);

	rcu_read_lock();
	model_lock(m);
	calls[model_below(m, ARRAY_SIZE(calls))](m, k, limit_for(m, k));
	model_unlock(m);
	rcu_read_unlock();
}
