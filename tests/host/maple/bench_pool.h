/*
 * bench_pool.h - the pool that the benches on the host take nodes from.
 */
#ifndef TESTS_HOST_MAPLE_BENCH_POOL_H
#define TESTS_HOST_MAPLE_BENCH_POOL_H

void pool_reserve(unsigned int nr);
unsigned long pool_nodes_in_use(void);

#endif
