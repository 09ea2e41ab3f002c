"""A line on the terminal that says how far it is, when it takes longer than 2 s."""
import sys
import time

PATIENCE = 2.0


class Progress:
    """Shows 'n of total' on stderr if that is a terminal; silent otherwise."""

    def __init__(self, total, stream=None):
        self.stream = stream or sys.stderr
        self.total, self.done, self.name = total, 0, ""
        self.started = time.monotonic()
        self.shown = False

    def result(self, result):
        self.done, self.name = self.done + 1, result.name

    def tick(self):
        seconds = time.monotonic() - self.started
        if not self.stream.isatty() or seconds < PATIENCE:
            return
        last = f", last: {self.name}" if self.name else ""
        self.stream.write(f"\r\033[K{self.done} of {self.total} tests, "
                          f"{seconds:.0f} s{last}")
        self.stream.flush()
        self.shown = True

    def clear(self):
        if self.shown:
            self.stream.write("\r\033[K")
            self.stream.flush()
