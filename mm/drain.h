/*
 * drain.h - doing something on every virtual CPU's own behalf.
 *
 * Idea: per-vCPU lists are touched by their vCPU alone, without locks. So whoever wants all of them
 *       emptied goes there, instead of making every fast path pay for being interrupted.
 */
#ifndef MM_DRAIN_H
#define MM_DRAIN_H

/*
 * on_each_vcpu - call @fn(@arg) once on every virtual CPU, moving the calling thread over them.
 *
 * Context:  a thread that may sleep; before there are threads, and on a single vCPU, just a call
 */
void on_each_vcpu(void (*fn)(void *arg), void *arg);

#endif
