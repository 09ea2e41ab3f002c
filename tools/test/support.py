"""Shared by the tests: a folder each, a lab, canned machines."""
import os
import sys
import tempfile
import unittest

TOOLS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, TOOLS)

from exit49 import common, grader, labs  # noqa: E402
from exit49.build import Image  # noqa: E402
from exit49.request import Outcome  # noqa: E402

CONF = """\
[lab]
title = EPT faulting
file = ept_fault.c
header = mmu/ept_fault.h
guest = lab1.elf
[points]                ; sum is 100
first = 60
second = 30             ; a comment
third = 10
[hints]
second = Look at
    the entry; not at the slot (100% of the time).
[steps]
1.1 = ept_fault_walk
1.2 = ept_fault_map
1.10 = ept_fault_last
"""


class FolderCase(unittest.TestCase):
    """A test case with an empty folder of its own, self.folder."""

    def setUp(self):
        keeper = tempfile.TemporaryDirectory()
        self.addCleanup(keeper.cleanup)
        self.folder = keeper.name

    def write(self, name, content):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb" if isinstance(content, bytes) else "w") as file:
            file.write(content)
        return path

    def write_lab(self, text=CONF):
        return self.write("labs/lab1-ept-fault/lab.conf", text)

    def read_lab(self, text=CONF):
        return labs.read(self.write_lab(text))

    def assert_problem(self, part, call, *arguments):
        with self.assertRaises(common.Problem) as caught:
            call(*arguments)
        self.assertIn(part, str(caught.exception))
        return caught.exception


class CannedMachine:
    """Stands in for run_machine(): answers each boot from a function.

    answer(words) gets the command line's words as a dict and returns (lines, Outcome);
    "@" in a line stands for the run's nonce.
    """

    def __init__(self, answer):
        self.answer, self.boots = answer, []

    def __call__(self, request, on_result, on_console=None, on_tick=None):
        words = dict(word.partition("=")[::2] for word in request.append.split())
        self.boots.append(words.get("test", ""))
        lines, outcome = self.answer(words)
        for line in lines:
            on_result(line.replace("@", words["nonce"]))
        return outcome


RAN = Outcome(common.RAN, ended=True)


class GraderCase(FolderCase):
    """Grades a lab on canned machines."""

    def setUp(self):
        super().setUp()
        # An ELF64 without records of tests.
        header = bytearray(64)
        header[:6] = b"\x7fELF\x02\x01"
        header[54:58] = b"\x38\0\0\0"
        self.write("guests/lab1.elf", bytes(header))
        self.image = Image("out", self.write("exit49.elf", "x"),
                           os.path.join(self.folder, "guests"))
        self.lab = self.read_lab()

    def grade(self, answer, **options):
        machine = CannedMachine(answer)
        real, grader.run_machine = grader.run_machine, machine
        try:
            graded = grader.grade_lab(self.lab, self.image, "labs/x.c",
                                      grader.Options(**options))
        finally:
            grader.run_machine = real
        self.boots = machine.boots
        return graded.grade

    def verdicts(self, grade):
        return [test.verdict for test in grade.tests]
