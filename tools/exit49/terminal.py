"""The terminal of somebody who runs a guest: its keys, and a word while waiting."""
import contextlib
import os
import sys
import termios
import time
import tty

ESCAPE, LEAVE, HELP = b"\x01", b"x", b"h"
HINT = "Ctrl-A X ends the machine, Ctrl-A H tells more"
KEYS = """\
Ctrl-A X       ends the machine and leaves
Ctrl-A Ctrl-A  sends one Ctrl-A to the guest
Ctrl-A H       tells this
"""
PATIENCE = 2.0
COLOURS_OFF = "\x1b[0m"


def tell(text):
    """Say something on a terminal that may be raw."""
    sys.stderr.write(text.replace("\n", "\r\n"))
    sys.stderr.flush()


class Keys:
    """What is typed goes to the guest, but for what follows Ctrl-A."""

    def __init__(self, machine):
        self.machine, self.escaped = machine, False
        self.early = b""
        self.open = False

    def begin(self):
        """The machine has a serial port now; what was typed before goes there."""
        if not self.open:
            self.open = True
            self.machine.send(self.early)

    def feed(self, data):
        """Take what was typed. What comes in one piece goes on in one piece: a cursor
        key is several bytes."""
        typed = b""
        for byte in (data[i:i + 1] for i in range(len(data))):
            if byte == ESCAPE and not self.escaped:
                self.escaped = True
                continue
            if self.escaped and byte.lower() == LEAVE:
                tell("\n")
                self.machine.leave()
            elif self.escaped and byte.lower() == HELP:
                tell("\n" + KEYS)
            else:
                typed += byte
            self.escaped = False
        if not self.open:
            self.early += typed
        elif typed:
            self.machine.send(typed)


class Waiting:
    """Tells who waits that something is going on, until the guest speaks."""

    def __init__(self, name):
        self.name, self.began = name, time.monotonic()
        self.told = 0

    def tick(self):
        seconds = int(time.monotonic() - self.began)
        if self.name and seconds >= PATIENCE and seconds > self.told + 1:
            self.told = seconds
            tell(f"{self.name}: no word of the guest yet ({seconds} s)\n")

    def over(self):
        self.name = ""


@contextlib.contextmanager
def raw_terminal(fd, quiet=False):
    """Take each key as it comes, if fd is a terminal at all."""
    if fd is None or not os.isatty(fd):
        yield
        return
    if not quiet:
        tell(HINT + "\n")
    before = termios.tcgetattr(fd)
    try:
        tty.setraw(fd)
        yield
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)
        if sys.stdout.isatty():
            print(COLOURS_OFF, end="", flush=True)
