"""The grader on canned machines: good, forged, dying and silent ones."""
import unittest

from support import RAN, GraderCase
from exit49 import common, model
from exit49.request import Outcome

HEAD = ["TAP version 14", "1..3"]
GOOD = HEAD + ["ok 1 - first [@]", "ok 2 - second [@]", "ok 3 - third [@]"]
PANICKED = Outcome(common.PANICKED, "the hypervisor panicked outside a test")
SILENT = Outcome(common.TIMED_OUT, "no word on COM2 for 30 s")


class GraderTest(GraderCase):
    def test_full_marks(self):
        grade = self.grade(lambda words: (GOOD, RAN))
        self.assertEqual((grade.score, grade.max, grade.is_full), (100, 100, True))
        self.assertEqual(self.boots, [""])

    def test_failure_carries_reason_and_hint(self):
        lines = HEAD + ["ok 1 - first [@]", "not ok 2 - second [@]", "  ---",
                        '  rule: "the rule"', '  stop: "check"', "  ...",
                        "ok 3 - third [@]"]
        grade = self.grade(lambda words: (lines, RAN))
        second = grade.tests[1]
        self.assertEqual(grade.score, 70)
        self.assertEqual((second.verdict, second.rule, second.points),
                         (model.FAILED, "the rule", 0))
        self.assertTrue(second.hint.startswith("Look at the entry"))

    def test_unwritten_steps_name_the_first(self):
        def lines(step, name, number):
            return [f"not ok {number} - {name} [@]", "  ---", '  stop: "step"',
                    f'  step: "{step}"', "  ..."]
        told = (HEAD + lines("1.10", "first", 1) + lines("1.2", "second", 2)
                + lines("1.10", "third", 3))
        grade = self.grade(lambda words: (told, RAN))
        self.assertEqual(grade.score, 0)
        self.assertEqual(self.verdicts(grade), [model.UNWRITTEN] * 3)
        self.assertIn("lab 1.2: ept_fault_map()", grade.first_step)

    def test_without_the_nonce_nothing_counts(self):
        forged = [line.replace("@", "00000000") for line in GOOD]
        grade = self.grade(lambda words: (forged, RAN))
        self.assertEqual(grade.score, 0)
        self.assertIn("not counted", grade.notes[0])

    def test_duplicate_fails_that_test(self):
        grade = self.grade(lambda words: (GOOD + ["ok 2 - second [@]"], RAN))
        self.assertEqual(grade.score, 70)
        self.assertEqual(grade.tests[1].verdict, model.DUPLICATE)

    def test_death_costs_one_test_only(self):
        def answer(words):
            name = words.get("test", "")
            if name == "third":
                return HEAD[:1] + ["1..1", "ok 1 - third [@]"], RAN
            return GOOD[:3] if not name else HEAD[:1], PANICKED
        grade = self.grade(answer)
        self.assertEqual(self.verdicts(grade),
                         [model.PASSED, model.CRASHED, model.PASSED])
        self.assertEqual(grade.score, 70)
        self.assertEqual(self.boots[0], "")
        self.assertEqual(sorted(self.boots[1:]), ["second", "third"])
        self.assertIn("panicked", grade.tests[1].message)

    def test_named_tests_run_alone(self):
        def answer(words):
            return HEAD[:1] + ["1..1", f"ok 1 - {words['test']} [@]"], RAN
        grade = self.grade(answer, names=("third", "first"))
        self.assertEqual([test.name for test in grade.tests], ["third", "first"])
        self.assertEqual(self.boots, ["third", "first"])

    def test_standstill_is_a_hang(self):
        def answer(words):
            return (GOOD[:4], SILENT) if "test" not in words else (HEAD[:1], SILENT)
        grade = self.grade(answer)
        self.assertEqual(grade.tests[2].verdict, model.HUNG)
        self.assertEqual(grade.score, 90)

    def test_truncated_but_orderly_end_is_no_pass(self):
        grade = self.grade(lambda words: (GOOD[:4] if "test" not in words else HEAD[:1],
                                          RAN))
        self.assertEqual(grade.tests[2].verdict, model.CRASHED)

    def test_only_the_chosen_tests(self):
        grade = self.grade(lambda words: (HEAD[:1] + ["1..1", "ok 1 - third [@]"], RAN),
                           pattern="th*")
        self.assertEqual((grade.score, grade.max, self.boots), (10, 10, ["th*"]))

    def test_bracket_pattern_is_spelled_out(self):
        def answer(words):
            return HEAD[:1] + ["1..1", f"ok 1 - {words['test']} [@]"], RAN
        grade = self.grade(answer, pattern="[ft]*")
        self.assertEqual((grade.score, self.boots), (70, ["first", "third"]))

    def grade_modes(self, ept, shadow, **options):
        """Grade in two modes, each with its own lines."""
        self.lab.modes = ("ept", "shadow")
        return self.grade(lambda words: (shadow if words.get("ept") == "0" else ept,
                                         RAN), **options)

    def test_a_test_must_pass_in_each_mode(self):
        failed = HEAD + GOOD[2:3] + ["not ok 2 - second [@]"] + GOOD[4:]
        grade = self.grade_modes(GOOD, failed)
        self.assertEqual((grade.score, grade.max, len(self.boots)), (70, 100, 2))
        self.assertEqual(grade.tests[1].mode,
                         "shadow paging (ept=0); with EPT it passes")
        grade = self.grade_modes(failed, failed)
        self.assertEqual(grade.tests[1].mode, "EPT and shadow paging (ept=0)")
        grade = self.grade_modes(GOOD, failed, mode="ept")
        self.assertEqual((grade.score, self.boots, grade.modes), (100, [""], ("ept",)))

    def test_a_mode_may_skip_a_test(self):
        skips = HEAD + ["ok 1 - first [@] # SKIP needs shadow paging"] + GOOD[3:]
        grade = self.grade_modes(skips, GOOD)
        self.assertEqual((grade.score, grade.max, grade.is_full), (100, 100, True))
        grade = self.grade_modes(skips, GOOD, mode="ept")
        self.assertEqual((grade.score, grade.max, len(grade.tests)), (40, 40, 2))
        grade = self.grade_modes(skips, HEAD + ["not ok 1 - first [@]"] + GOOD[3:])
        self.assertEqual((grade.score, grade.max), (40, 100))
        self.assert_problem("has a meaning with EPT", lambda: self.grade_modes(
            ["TAP version 14", "1..1", skips[2]], GOOD, mode="ept", pattern="first"))

    def test_points_for_a_test_that_is_not_there(self):
        lines = ["TAP version 14", "1..2"] + GOOD[2:4]
        self.assert_problem("gives points to third, but lab1.elf has no such test",
                            self.grade, lambda words: (lines, RAN))

    def test_a_test_without_points(self):
        lines = GOOD + ["ok 4 - extra [@]"]
        self.assert_problem("extra, which has no points",
                            self.grade, lambda words: (lines, RAN))

    def test_bail_out(self):
        problem = self.assert_problem(
            "refused to run: no VMX and no SVM", self.grade,
            lambda words: (["TAP version 14", "Bail out! no VMX and no SVM"],
                           Outcome(common.USAGE, "no VMX and no SVM")))
        self.assertEqual(problem.status, 2)

    def test_a_machine_that_does_not_come_up(self):
        self.assert_problem("did not come up: the emulator died", self.grade,
                            lambda words: ([], Outcome(common.NOT_STARTED,
                                                       "the emulator died: no")))

    def test_missing_guest(self):
        self.lab.guest = "other.elf"
        self.assert_problem("other.elf does not exist", self.grade,
                            lambda words: (GOOD, RAN))


if __name__ == "__main__":
    unittest.main()
