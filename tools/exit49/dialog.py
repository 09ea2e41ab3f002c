"""A conversation with a guest: wait for words, type others, look at what it says.

A step is (pattern, text): when the pattern has come, the text is typed. The patterns
are looked for in what was said since the last one matched, so each answer is the answer
to its own question.
"""
import re

from . import guest
from .machine import Machine


class Dialog:
    """One conversation; heard is all that was said, answers what each pattern met."""

    def __init__(self, steps):
        self.steps = [(re.compile(pattern.encode(), re.S), text.encode())
                      for pattern, text in steps]
        self.heard = b""
        self.from_here = 0
        self.answers = []
        self.machine = None

    def hear(self, data):
        """Take a piece of what the guest says."""
        self.heard += data
        while self.steps:
            pattern, text = self.steps[0]
            match = pattern.search(self.heard, self.from_here)
            if not match:
                return
            self.steps.pop(0)
            self.from_here = match.end()
            self.answers.append(match)
            self.machine.send(text)

    def missing(self):
        """Return the pattern that has not come, or ''."""
        return self.steps[0][0].pattern.decode() if self.steps else ""


def run(options, dialog):
    """Run a guest through the dialog; return its exit status, or raise a Problem."""
    def make(request, result, hear, tick):
        dialog.machine = Machine(request, result, hear, tick)
        return dialog.machine
    return guest.run(options, dialog.hear, make=make)
