"""console - an interactive machine: standard input to the guest's serial line and back.

Owns: raw mode and its restoration, the keys that leave, typed-ahead and piped input.
Idea: input waits until the guest shows its prompt, since a UART that is being set up drops bytes;
    the end of piped input types `poweroff`.
Invariant: the terminal is as it was found when run() returns or raises.
"""

import os
import re
import select
import sys
import termios
import time
import tty

CTRL_A = b"\x01"
LEAVE = b"\x1d"             # Ctrl-]
CTRL_A_SECONDS = 0.5        # how long Ctrl-A waits for an X before the guest gets it
QUIET_SECONDS = 1.5         # output, then silence: whatever it shows is a prompt
POLL_MS = 50
PROMPT = re.compile(rb"(?:^|[\r\n])mmlife> ?$")


class Keys:
    """Finds Ctrl-] and Ctrl-A X among typed bytes."""

    def __init__(self):
        self.held_since = None

    def filter(self, data):
        """(bytes for the guest, whether the user wants to leave)."""
        out = b""
        for i in range(len(data)):
            key = data[i:i + 1]
            if self.held_since is not None:
                self.held_since = None
                if key in b"xX":
                    return out, True
                out += CTRL_A if key == CTRL_A else CTRL_A + key
            elif key == CTRL_A:
                self.held_since = time.monotonic()
            elif key == LEAVE:
                return out, True
            else:
                out += key
        return out, False

    def release(self):
        """A Ctrl-A that nothing followed for a while belongs to the guest's line editor."""
        if self.held_since is None or time.monotonic() < self.held_since + CTRL_A_SECONDS:
            return b""
        self.held_since = None
        return CTRL_A


class Console:
    """Pumps bytes between the user and one machine."""

    def __init__(self):
        self.fd = sys.stdin.fileno() if sys.stdin is not None else -1
        self.is_terminal = self.fd >= 0 and os.isatty(self.fd)
        self.input_open = self.fd >= 0
        self.pending = b""          # not yet written to QEMU
        self.ready = False          # the guest listens
        self.tail = b""             # the end of the output, to find the prompt in
        self.last_output = None
        self.ends_line = True
        self.keys = Keys()

    def run(self, machine, output, watch):
        """Until QEMU ends, the user leaves or @watch expires; (status, text) or None."""
        if not self.is_terminal:
            if not self.input_open:
                self._type_poweroff()
            return self._pump(machine, output, watch)
        saved = termios.tcgetattr(self.fd)
        try:
            self._set_raw()
            print("(Ctrl-] or Ctrl-A X leaves)", flush=True)
            return self._pump(machine, output, watch)
        finally:
            termios.tcsetattr(self.fd, termios.TCSADRAIN, saved)
            print(flush=True)

    def _set_raw(self):
        tty.setraw(self.fd, termios.TCSADRAIN)
        mode = termios.tcgetattr(self.fd)
        # A bare line feed still starts at the left; CR LF is not harmed by it.
        mode[1] |= termios.OPOST | termios.ONLCR
        termios.tcsetattr(self.fd, termios.TCSADRAIN, mode)

    def _pump(self, machine, output, watch):
        to_guest = machine.process.stdin.fileno()
        from_guest = machine.process.stdout.fileno()
        os.set_blocking(to_guest, False)
        while True:
            poller = select.poll()
            poller.register(from_guest, select.POLLIN)
            if self.input_open and len(self.pending) < 4096:
                poller.register(self.fd, select.POLLIN)
            if self.pending and self.ready:
                poller.register(to_guest, select.POLLOUT)
            events = dict(poller.poll(POLL_MS))
            if from_guest in events and not self._from_guest(from_guest, output):
                machine.process.wait()
                return None
            if self.fd in events and self._from_user():
                return 0, None
            if to_guest in events:
                self._to_guest(to_guest)
            self.pending += self.keys.release()
            self._notice_silence()
            expired = watch.expired(output)
            if expired:
                return expired

    def _from_guest(self, fd, output):
        """Pass output on; False at its end."""
        data = os.read(fd, 1 << 16)
        if not data:
            return False
        output.feed(data)
        self.last_output = time.monotonic()
        self.tail = (self.tail + data)[-64:]
        if PROMPT.search(self.tail):
            self.ready = True
        return True

    def _notice_silence(self):
        if self.last_output and time.monotonic() > self.last_output + QUIET_SECONDS:
            self.ready = True

    def _from_user(self):
        """Take input; True when the user leaves."""
        data = os.read(self.fd, 4096)
        if self.is_terminal:
            data, leave = self.keys.filter(data) if data else (b"", True)
            self.pending += data
            return leave
        if data:
            # A terminal sends CR for Enter; so do we.
            self.ends_line = data.endswith(b"\n")
            self.pending += data.replace(b"\r\n", b"\n").replace(b"\n", b"\r")
        else:
            self._type_poweroff()
        return False

    def _type_poweroff(self):
        self.input_open = False
        self.pending += b"poweroff\r" if self.ends_line else b"\rpoweroff\r"

    def _to_guest(self, fd):
        try:
            self.pending = self.pending[os.write(fd, self.pending):]
        except BlockingIOError:
            pass
        except BrokenPipeError:
            self.pending = b""      # QEMU is ending; its output tells the rest
