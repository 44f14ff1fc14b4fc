/*
 * test_cmdline.c - the boot line in the forms the two loaders and fw_cfg give it.
 */
#include "tests/host/htest.h"

#include <errno.h>
#include "kernel/core/cmdline.h"
#include "tests/host/core/host_core.h"

static const char *error;

static int parse(const char *line)
{
	static char text[256];

	error = NULL;
	strcpy(text, line);
	return cmdline_parse(text, &error);
}

HTEST(cmdline_words_and_script)
{
	h_expect_eq(parse("mmlife.elf32 clock=insn accel=tcg -- help; test *\nledger"), 0);
	h_expect_str(cmdline_get("clock"), "insn");
	h_expect_str(cmdline_script(), "help; test *\nledger");
	h_expect_str(cmdline_unused(0), "accel");
	h_expect(cmdline_unused(1) == NULL);
	h_expect_str(cmdline_get("accel"), "tcg");
	h_expect(cmdline_unused(0) == NULL);
	h_expect(cmdline_get("absent") == NULL);
}

HTEST(cmdline_interactive)
{
	h_expect_eq(parse(""), 0);
	h_expect(cmdline_script() == NULL);
	h_expect_eq(parse("/boot/mmlife.elf"), 0);
	h_expect(cmdline_script() == NULL);
	h_expect(cmdline_unused(0) == NULL);
	h_expect_eq(parse("clock=tsc"), 0);
	h_expect(cmdline_script() == NULL);
}

HTEST(cmdline_separator)
{
	h_expect_eq(parse("a=x--y b=1 -- scenario a=-- b"), 0);
	h_expect_str(cmdline_get("a"), "x--y");
	h_expect_str(cmdline_script(), "scenario a=-- b");
	h_expect_eq(parse("-- help"), 0);
	h_expect_str(cmdline_script(), "help");
	h_expect_eq(parse("a=1 --"), 0);
	h_expect_str(cmdline_script(), "");
	h_expect_eq(parse("a=1 --\nhelp"), 0);
	h_expect_str(cmdline_script(), "help");
}

HTEST(cmdline_errors)
{
	h_expect_eq(parse("a=1 junk -- x"), (uint64_t)-EINVAL);
	h_expect_str(error, "junk: not a name=value word");
	h_expect_eq(parse("a=1 a=2"), (uint64_t)-EINVAL);
	h_expect_str(error, "a: given twice");
}

HTEST(cmdline_sources)
{
	static char huge[70000];

	host_fw_cfg_text = "from=fwcfg -- one";
	h_expect_eq(cmdline_init("from=loader", &error), 0);
	h_expect_str(cmdline_get("from"), "fwcfg");
	host_fw_cfg_text = NULL;
	h_expect_eq(cmdline_init("file from=loader -- two", &error), 0);
	h_expect_str(cmdline_get("from"), "loader");
	h_expect_str(cmdline_script(), "two");
	memset(huge, 'x', sizeof(huge) - 1);
	h_expect_eq(cmdline_init(huge, &error), (uint64_t)-EINVAL);
	h_expect_str(error, "the loader's command line is longer than 65535 bytes");
	host_fw_cfg_text = huge;
	h_expect_eq(cmdline_init("", &error), (uint64_t)-EINVAL);
	h_expect_str(error, "the command line is longer than 65535 bytes");
}
