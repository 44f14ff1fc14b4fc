/*
 * mm_pressure.h - make memory short, for tests of reclaim.
 */
#ifndef TESTS_MM_PRESSURE_H
#define TESTS_MM_PRESSURE_H

struct ktest;

/*
 * t_hoard - take frames until only about @leave can be had before reclaim begins.
 *
 * The min watermark is 64 frames until t_hoard_release().
 */
void t_hoard(struct ktest *t, unsigned long leave);
void t_hoard_release(struct ktest *t);

#endif
