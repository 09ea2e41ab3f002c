"""Comparing exits: what is compared, what is not, and the sentences."""
import unittest

from support import FolderCase
from exit49 import exits

ONE = """lab1/a
lab1/a 48 gpa=0xd0000000 qual=0x181 rip=0x1 len=3
lab1/a 12 gpa=0x0 qual=0x0 rip=0x2 len=1
lab1/b
"""


class ExitsTest(FolderCase):
    def sides(self, other):
        return (exits.read_exits(self.write("one", ONE)),
                exits.read_exits(self.write("two", other)))

    def compare(self, other, allowed=""):
        rules = exits.read_allowed(self.write("allowed", allowed))
        return exits.compare(*self.sides(other), ("qemu", "bochs"), rules)

    def test_equal(self):
        self.assertEqual(self.compare(ONE), [])

    def test_undefined_fields_do_not_count(self):
        self.assertEqual(self.compare(
            ONE.replace("len=3", "len=5").replace("0x181", "0x1c1")
            .replace("12 gpa=0x0 qual=0x0", "12 gpa=0x77 qual=0x5")), [])

    def test_differences_are_sentences(self):
        self.assertEqual(self.compare(ONE.replace("0xd0000000", "0xd0001000")), [
            "lab1/a: exit 1 is EPT violation (48) at 0xd0000000 qualification 0x181 on "
            "qemu, EPT violation (48) at 0xd0001000 qualification 0x181 on bochs"])
        self.assertIn("exit 2 is HLT (12) on qemu, CPUID (10)",
                      self.compare(ONE.replace(" 12 ", " 10 "))[0])
        more = ONE.replace("lab1/b\n", "lab1/a 12 x\nlab1/b\n")
        self.assertIn("bochs has 3 exits, qemu 2; the first one more is HLT",
                      self.compare(more)[0])
        self.assertEqual(self.compare(ONE.replace("lab1/b\n", "")),
                         ["lab1/b: ran on qemu, not on bochs"])

    def test_allowed(self):
        timer = ONE.replace("lab1/b\n", "lab1/b\nlab1/b 1 gpa=0\n")
        self.assertEqual(len(self.compare(timer)), 1)
        self.assertEqual(self.compare(timer, "* | skip 1 | time"), [])
        other = ONE.replace("0x181", "0x180")
        self.assertEqual(self.compare(other, "lab1/a | qual 48 0x1 | because"), [])
        self.assertEqual(len(self.compare(other, "lab1/b | qual 48 0x1 | because")), 1)
        self.assertEqual(len(self.compare(other, "lab1/a | qual 48 0x2 | because")), 1)
        self.assertEqual(self.compare(ONE.replace("0xd0000000", "0x1"),
                                      "lab1/a | gpa 48 | because"), [])

    def test_bad_files(self):
        self.assert_problem("allowed:1: expected", self.compare, ONE, "nonsense")
        self.assert_problem("has no tests", self.compare, "")
        self.assert_problem("cannot read", exits.read_exits, "/no/file")


if __name__ == "__main__":
    unittest.main()
