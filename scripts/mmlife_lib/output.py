"""output - files that appear whole or not at all, and words common to the reading subcommands."""

import os
import tempfile

from .errors import UsageError


def write_whole(path, text):
    """Write @text to @path by way of a temporary file beside it."""
    folder = os.path.dirname(os.path.abspath(path))
    try:
        handle, temporary = tempfile.mkstemp(prefix=".mmlife-", dir=folder)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(text)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
        os.replace(temporary, path)
    except OSError as error:
        os.unlink(temporary)
        raise UsageError(f"cannot write {path}: {error.strerror}")
    except BaseException:
        os.unlink(temporary)
        raise


def split_words(command, words, needs_output):
    """(plain words, value of -o or None) of a subcommand's words."""
    plain, target = [], None
    rest = iter(words)
    for word in rest:
        if word == "-o" and needs_output:
            target = next(rest, None)
            if not target:
                raise UsageError(f"{command}: -o needs a file name")
        elif word.startswith("-") and word != "-":
            accepted = "-o FILE" if needs_output else "no options"
            raise UsageError(f"{command}: '{word}' is not an option; accepted: {accepted}")
        else:
            plain.append(word)
    if needs_output and target is None:
        raise UsageError(f"{command}: -o FILE is needed")
    return plain, target
