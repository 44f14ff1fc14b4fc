"""errors - how a subcommand says that it cannot go on."""


class UsageError(Exception):
    """Bad words, a missing tool or file, unreadable input: one line for the user, status 2."""


class Stopped(Exception):
    """The launcher was told to stop by signal number args[0]."""


PASS = 0
FAIL = 1
USAGE = 2
PANIC = 3
SKIPPED = 4
DIED = 5
TIMEOUT = 124
