/*
 * repeat.h - the same statement many times with next to no loop around it.
 */
#ifndef TESTS_BENCH_REPEAT_H
#define TESTS_BENCH_REPEAT_H

#define REPEAT_UNROLL 20

#define REPEAT_5(stmt) stmt; stmt; stmt; stmt; stmt
#define REPEAT_20(stmt) REPEAT_5(stmt); REPEAT_5(stmt); REPEAT_5(stmt); REPEAT_5(stmt)

/*
 * Run @stmt @rounds * REPEAT_UNROLL times. The loop costs two instructions a round, a tenth of one
 * per statement; the barrier in it keeps the compiler from moving work out.
 */
#define REPEAT(rounds, stmt)                                                                       \
	do {                                                                                       \
		for (unsigned round_ = (rounds); round_; round_--) {                               \
			barrier();                                                                 \
			REPEAT_20(stmt);                                                           \
		}                                                                                  \
	} while (0)

#endif
