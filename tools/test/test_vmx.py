"""Comparing recorded exits: lines, rules, pairs and sentences."""
import unittest

from support import FolderCase
from exit49.vmx_compare import Comparison, Side, count_reasons, describe
from exit49.vmx_records import Records, parse_exit
from exit49.vmx_rules import read_rules

NONCE = "49"
HEAD = "TAP version 14\n1..1\n# vmxtest a cpu=0 exits=2\n"
ONE = "# x 0 0 reason=48 qual=181 gpa=5000 rip=100\n"
TWO = "# x 0 1 reason=12 len=1 rip=103\n"
TAIL = "ok 1 - a [49]\n"


def records(text):
    found = Records(NONCE)
    for line in text.splitlines():
        found.feed(line)
    found.finish()
    return found


class RecordsTest(FolderCase):
    def test_lines(self):
        found = records(HEAD + ONE + TWO + TAIL)
        self.assertEqual(found.tests[("a", 0)][0],
                         {"reason": 48, "qual": 0x181, "gpa": 0x5000, "rip": 0x100})
        self.assertTrue(found.results.results[0].ok)

    def test_entry_failure_is_split(self):
        self.assertEqual(parse_exit("reason=2147483681 qual=4"),
                         {"reason": 33, "failed": 1, "qual": 4})

    def test_lost_lines_show(self):
        self.assert_problem("announced 2 exits and printed 1", records, HEAD + ONE)

    def test_skip(self):
        found = records(HEAD + ONE + TWO + "ok 1 - a [49] # SKIP cannot\n")
        self.assertTrue(found.results.results[0].skipped)
        self.assertFalse(found.results.results[0].ok)


class CompareTest(FolderCase):
    def compare(self, one, other, allowed="", variant=""):
        rules = read_rules(self.write("allowed", allowed))
        comparison = Comparison(rules, variant)
        comparison.compare(Side("qemu", records(HEAD + one + TAIL).tests),
                           Side("bochs", records(HEAD + other + TAIL).tests))
        self.rules, self.comparison = rules, comparison
        return [describe(d, lambda exit_: "x.c:1") for d in comparison.differences]

    def test_equal(self):
        self.assertEqual(self.compare(ONE + TWO, ONE + TWO), [])

    def test_field_is_named_with_both_values(self):
        self.assertEqual(
            self.compare(ONE + TWO, ONE.replace("181", "182") + TWO),
            ["a: exit 0, EPT violation (48) at x.c:1: qual is 181 on qemu, "
             "182 on bochs"])

    def test_what_is_left_out_is_zero(self):
        self.assertEqual(len(self.compare(ONE + TWO, ONE + TWO.replace("len=1 ", ""))),
                         1)

    def test_exit_without_a_partner(self):
        sentences = self.compare(ONE + TWO, ONE + TWO.replace("=12", "=10"))
        self.assertIn("a: exit 1, HLT (12) at x.c:1: comes on qemu alone", sentences)
        self.assertIn("a: exit 1, CPUID (10) at x.c:1: comes on bochs alone", sentences)

    def test_reasons_are_counted(self):
        self.compare(ONE + TWO, ONE + TWO)
        self.assertEqual(count_reasons(self.comparison), "2 exit reasons compared")
        self.compare(ONE + TWO, ONE + TWO.replace("=12", "=10"))
        self.assertEqual(count_reasons(self.comparison), "1 exit reasons compared, and "
                         "recorded alone: CPUID (10) on bochs, HLT (12) on qemu")

    def test_rule_with_mask(self):
        other = ONE.replace("181", "183") + TWO
        self.assertEqual(self.compare(ONE + TWO, other,
                                      "* | qual&2 | reason=48 | SDM 1.2: why"), [])
        self.assertEqual(self.rules[0].used, 1)
        self.assertEqual(len(self.compare(ONE + TWO, other,
                                          "* | qual&4 | reason=48 | SDM 1.2: why")), 1)
        self.assertEqual(self.rules[0].used, 0)

    def test_conditions(self):
        other = ONE.replace("181", "183") + TWO
        for text, count in (("reason=49", 1), ("reason!=49", 0), ("gpa=5000", 0),
                            ("gpa&f000=5000", 0), ("gpa&f000=4000", 1),
                            ("qemu.qual=181 bochs.qual=183", 0),
                            ("qemu.qual=183", 1), ("reason=47,48", 0)):
            rule = f"* | qual | {text} | Bochs 2.7: why"
            self.assertEqual(len(self.compare(ONE + TWO, other, rule)), count, text)

    def test_exit_alone_can_be_allowed(self):
        other = ONE + TWO.replace("=12", "=10")
        rules = ("a | only-qemu | reason=12 | QEMU 7.2: why\n"
                 "a | only-bochs | reason=10 | QEMU 7.2: why\n")
        self.assertEqual(self.compare(ONE + TWO, other, rules), [])
        rules = rules.replace("a |", "b |")
        self.assertEqual(len(self.compare(ONE + TWO, other, rules)), 2)

    def test_variants(self):
        other = ONE.replace("181", "183") + TWO
        rule = "noept:* | qual | | SDM 1.2: why"
        self.assertEqual(len(self.compare(ONE + TWO, other, rule)), 1)
        self.assertEqual(self.compare(ONE + TWO, other, rule, "noept"), [])

    def test_bad_rules(self):
        for text in ("nonsense", "* | len | | because", "* | len | reason=x | SDM 1: a",
                     "* | | | SDM 1: a", "* | len | reason | SDM 1: a",
                     "* | len | | SDM: undefined", "* | len | | Bochs 2.7"):
            self.assert_problem("allowed:1: expected", self.compare, ONE + TWO,
                                ONE + TWO, text)
        self.assert_problem("cannot read", read_rules, "/no/file")


if __name__ == "__main__":
    unittest.main()
