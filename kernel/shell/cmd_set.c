/*
 * cmd_set.c - `set`: switches and numbers.
 *
 * Owns: the command. Not here: the settings, which each layer declares for itself
 * (kernel/core/setting.h).
 */
#include "kernel/shell/shell.h"

#include <errno.h>

#include "kernel/core/setting.h"
#include "kernel/shell/out.h"

static void show(const struct setting *s)
{
	char value[SETTING_TEXT_MAX];

	setting_show(s, value);
	out("  %-18s %-12s %s\n", s->name, value, s->help);
}

static int change(const struct setting *s, const char *value)
{
	char accepts[SETTING_TEXT_MAX];
	int err = setting_parse(s, value);

	if (!err)
		return SHELL_OK;
	if (err != -EINVAL)
		return shell_error("set", "%s could not be set to %s: error %d", s->name, value,
				   -err);
	setting_accepts(s, accepts);
	return shell_error("set", "%s=\"%s\": accepted is %s", s->name, value, accepts);
}

static int cmd_set(int argc, char **argv)
{
	char accepts[SETTING_TEXT_MAX];
	const struct setting *s;

	if (argc > 3)
		return shell_error("set", "NAME VALUE are accepted, \"%s\" is too many", argv[3]);
	if (argc == 1) {
		for_each_registered(setting, s)
			show(s);
		return SHELL_OK;
	}
	s = setting_find(argv[1]);
	if (!s)
		return shell_error("set", "unknown setting \"%s\": `set` lists them", argv[1]);
	if (argc == 3)
		return change(s, argv[2]);
	show(s);
	setting_accepts(s, accepts);
	out("  accepted: %s\n", accepts);
	return SHELL_OK;
}

static const char *setting_names(unsigned i)
{
	const struct setting *s;

	for_each_registered(setting, s) {
		if (i-- == 0)
			return s->name;
	}
	return NULL;
}

SHELL_CMD_WORDS(set, "set [NAME [VALUE]]: settings; change one", cmd_set, setting_names);
