/*
 * test_record.c - JSON Lines records, compared as text.
 */
#include "kernel/shell/record.h"
#include "tests/host/htest.h"

#include <string.h>

static struct record r;

HTEST(record_fields_and_objects)
{
	record_begin(&r, "bench");
	record_str(&r, "name", "zap");
	record_open(&r, "params");
	record_u64(&r, "pages", 512);
	record_close(&r);
	record_open(&r, "events");
	record_close(&r);
	record_u64(&r, "n", ~0ul);
	record_raw(&r, "raw", "1e3");
	h_expect_str(record_end(&r), "{\"mmlife\":1,\"type\":\"bench\",\"name\":\"zap\","
				     "\"params\":{\"pages\":512},\"events\":{},"
				     "\"n\":18446744073709551615,\"raw\":1e3}");
}

HTEST(record_escapes)
{
	record_begin(&r, "env");
	record_str(&r, "s", "a\"b\\c\n\x01z");
	h_expect_str(record_end(&r),
		     "{\"mmlife\":1,\"type\":\"env\",\"s\":\"a\\\"b\\\\c\\u000a\\u0001z\"}");
}

HTEST(record_ratios_are_rounded_exactly)
{
	record_begin(&r, "t");
	record_ratio(&r, "a", 11, 2, 3);
	record_ratio(&r, "b", 2, 3, 3);
	record_ratio(&r, "c", -2, 3, 2);
	record_ratio(&r, "d", -1, 1000, 2);
	record_ratio(&r, "e", 1999, 1000, 0);
	record_ratio(&r, "f", 5, 100, 3);
	record_ratio(&r, "g", 19999, 10000, 3);
	record_ratio(&r, "h", 1L << 62, 3000000000, 3);
	h_expect_str(record_end(&r), "{\"mmlife\":1,\"type\":\"t\",\"a\":5.500,\"b\":0.667,"
				     "\"c\":-0.67,\"d\":0.00,\"e\":2,\"f\":0.050,"
				     "\"g\":2.000,\"h\":1537228672.809}");
}

HTEST(record_never_gives_out_a_cut_one)
{
	record_begin(&r, "t");
	for (unsigned i = 0; i < 200; i++)
		record_u64(&r, "key", i);
	h_expect(record_end(&r) == NULL);
	record_begin(&r, "t"); /* and recovers */
	h_expect_str(record_end(&r), "{\"mmlife\":1,\"type\":\"t\"}");
}
