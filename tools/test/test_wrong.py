"""The exam of the grader: headers of patches, applying them, judging."""
import os
import unittest
from unittest import mock

from support import FolderCase
from exit49 import model, wrong
from exit49.model import LabGrade, TestGrade

PATCH = """Mistake: the level is off by one.
Fails: first second
Hint: Look at the level
--- a/solutions/lab1-ept-fault/ept_fault.c
+++ b/solutions/lab1-ept-fault/ept_fault.c
@@ -1 +1 @@
-int level = 1;
+int level = 2;
"""


class WrongTest(FolderCase):
    def setUp(self):
        super().setUp()
        self.lab = self.read_lab()

    def patch(self, text=PATCH):
        return wrong.read(self.write("solutions/lab1-ept-fault/wrong/off.patch", text),
                          self.lab)

    def test_header(self):
        found = self.patch()
        self.assertEqual((found.name, found.fails), ("off", ["first", "second"]))
        self.assert_problem("'Hint: ...' is missing", self.patch,
                            PATCH.replace("Hint", "Tip"))
        self.assert_problem("names fourth, which is no test", self.patch,
                            PATCH.replace("second", "fourth"))

    def test_another_right_way(self):
        path = self.write("solutions/lab1-ept-fault/right/other.patch",
                          "Change: by hand.\n" + PATCH.split("level\n")[1])
        right = wrong.read(path, self.lab, True)
        self.assertEqual((right.mistake, right.fails), ("by hand.", []))
        self.assert_problem("'Change: ...' is missing", wrong.read,
                            self.write("x.patch", PATCH), self.lab, True)
        verdicts = [model.PASSED, model.FAILED, model.PASSED]
        tests = [TestGrade(name, 1, verdict)
                 for name, verdict in zip(self.lab.points, verdicts)]
        grade = LabGrade("1", "t", "s", "qemu", 100, tests)
        self.assertEqual(wrong.judge(right, grade).faults, ["second failed"])

    def test_apply_touches_only_the_copy(self):
        source = self.write("solutions/lab1-ept-fault/ept_fault.c", "int level = 1;\n")
        with mock.patch.object(wrong, "ROOT", self.folder):
            folder = wrong.apply(self.patch(), self.lab, "build/x")
            with open(os.path.join(self.folder, folder, "ept_fault.c")) as file:
                self.assertEqual(file.read(), "int level = 2;\n")
            with open(source) as file:
                self.assertEqual(file.read(), "int level = 1;\n")
            self.write("solutions/lab1-ept-fault/ept_fault.c", "something else\n")
            self.assert_problem("does not apply", wrong.apply, self.patch(), self.lab,
                                "build/x")

    def judge(self, *verdicts, hint="Look at\nthe level"):
        tests = [TestGrade(name, points, verdict,
                           hint=hint if verdict != model.PASSED else "")
                 for (name, points), verdict in zip(self.lab.points.items(), verdicts)]
        return wrong.judge(self.patch(), LabGrade("1", "t", "s", "qemu", 100, tests))

    def test_judge(self):
        self.assertEqual(self.judge("failed", "hung", "passed").faults, [])
        self.assertEqual(self.judge("failed", "passed", "failed").faults,
                         ["second passed"])
        self.assertIn("hint was not shown",
                      self.judge("failed", "failed", "passed", hint="x").faults[0])
        self.assertEqual(len(self.judge(*[model.PASSED] * 3).faults), 4)


if __name__ == "__main__":
    unittest.main()
