"""The writers: what a student sees, and the JSON that other programs read."""
import io
import json
import unittest

import support  # noqa: F401
from exit49 import model
from exit49.model import LabGrade, TestGrade
from exit49.writers import Terminal, to_json


def make_grade():
    tests = [TestGrade("first", 60, model.PASSED, 0.012, fields={"exits": "3"}),
             TestGrade("second", 30, model.FAILED, 0.5, rule="the rule", seen="2 exits",
                       expected="1 exit", at="guest-tests/lab1/x.c:41", hint="Look.",
                       stop="panic", message="it went wrong",
                       backtrace=["ept_walk+0x12 labs/x.c:88"]),
             TestGrade("third", 10, model.UNWRITTEN, step="1.1", stop="step",
                       message="lab 1.1: f() is not written yet (see f.h)")]
    return LabGrade("1", "EPT faulting", "labs/x.c", "qemu", 100, tests,
                    first_step="lab 1.1: f() is not written yet (see f.h)",
                    tests_in_lab=3)


def show(grade, **options):
    stream = io.StringIO()
    Terminal(stream, **options).write(grade)
    return stream.getvalue()


class TerminalTest(unittest.TestCase):
    def test_all_that_helps_is_shown(self):
        text = show(make_grade())
        for part in ("60/60", "0/30", "the rule", "2 exits", "1 exit", "Look.",
                     "panic: it went wrong", "guest-tests/lab1/x.c:41",
                     "ept_walk+0x12 labs/x.c:88", "lab 1.1: f() is not written"):
            self.assertIn(part, text)
        self.assertTrue(text.endswith("Score: 60/100\n"))
        self.assertNotIn("\033", text)
        self.assertNotIn("exits", text.split("second")[0])

    def test_long_stacks_are_cut(self):
        grade = make_grade()
        grade.tests[1].backtrace = [f"frame{number}" for number in range(9)]
        text = show(grade)
        self.assertIn("frame4", text)
        self.assertNotIn("frame5", text)
        self.assertIn("... 4 more with V=1", text)
        self.assertIn("frame8", show(grade, verbose=True))

    def test_a_step_is_told_once(self):
        grade = make_grade()
        grade.tests.append(grade.tests[2])
        grade.first_step = ""
        self.assertEqual(show(grade).count("lab 1.1: f() is not written"), 1)

    def test_the_same_stop_is_told_once(self):
        grade = make_grade()
        again = make_grade().tests[1]
        again.name = "fourth"
        grade.tests.append(again)
        text = show(grade)
        self.assertEqual(text.count("panic: it went wrong"), 1)
        self.assertIn("stopped    as in second", text)
        self.assertEqual(text.count("Look."), 2)

    def test_columns_line_up(self):
        lines = [line for line in show(make_grade()).splitlines()
                 if line.endswith(" s")]
        self.assertEqual(len({line.index("/") for line in lines}), 1)
        self.assertEqual(len({len(line) for line in lines}), 1)

    def test_verbose_and_colour(self):
        text = show(make_grade(), verbose=True, colour=True)
        self.assertIn("exits", text)
        self.assertIn("\033[32mok", text)

    def test_build_error(self):
        grade = LabGrade("1", "EPT", "labs/x.c", "qemu", 100,
                         build_error="x.c:1: error")
        text = show(grade)
        self.assertIn("x.c:1: error", text)
        self.assertTrue(text.endswith("Score: 0/100\n"))
        self.assertFalse(grade.is_full)

    def test_part_of_the_tests(self):
        grade = make_grade()
        grade.tests = grade.tests[:1]
        self.assertTrue(show(grade).endswith("Score: 60/60 (1 of 3 tests)\n"))


class JsonTest(unittest.TestCase):
    def test_one_lab(self):
        value = json.loads(to_json([make_grade()]))
        self.assertEqual((value["lab"], value["score"], value["max"]), ("1", 60, 100))
        self.assertEqual(value["machine"], "qemu")
        second = value["tests"][1]
        self.assertEqual(second["verdict"], "failed")
        self.assertEqual(second["backtrace"], ["ept_walk+0x12 labs/x.c:88"])
        for key in ("name", "points", "max", "seconds", "rule", "seen", "expected",
                    "at", "hint", "stop", "message"):
            self.assertIn(key, second)

    def test_several_labs(self):
        value = json.loads(to_json([make_grade(), make_grade()]))
        self.assertEqual((value["lab"], value["score"], value["max"]),
                         ("all", 120, 200))
        self.assertEqual(len(value["labs"]), 2)


if __name__ == "__main__":
    unittest.main()
