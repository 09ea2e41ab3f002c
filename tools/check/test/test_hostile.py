"""The verdict on hostile guests can fail: harm, secrets, and too few steps."""
import os
import sys
import unittest

TOOLS = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(TOOLS, "check"), TOOLS]
import hostilelib  # noqa: E402
from exit49.tap import Reader  # noqa: E402

EXPECTED = hostilelib.parse_expected("""# a comment
stack_in_mmio | delivery
random_bytes  | ok triple-fault
a_secret_that_was_taken_is_found | secret
""")
FAILED = "not ok 1 - %s [1]\n  ---\n  stop: \"%s\"\n  ...\n"


def faults(text, normal=True, machine="qemu", cpus=2):
    reader = Reader("1")
    for line in ("TAP version 14\n1..1\n" + text).split("\n"):
        reader.feed(line)
    reader.finish()
    return list(hostilelib.faults(reader.results, normal, EXPECTED, machine, cpus))


class HostileTest(unittest.TestCase):
    def test_right_ends(self):
        self.assertEqual(faults("ok 1 - any_other [1]\n"), [])
        for name, stop in (("stack_in_mmio", "delivery"),
                           ("random_bytes_17", "triple-fault"),
                           ("a_secret_that_was_taken_is_found", "secret")):
            self.assertEqual(faults(FAILED % (name, stop)), [], name)

    def test_wrong_ends(self):
        for name in ("any_other", "stack_in_mmio", "random_bytes_17"):
            for stop in ("neighbour", "secret", "panic", "fault", "leak", "error"):
                found = faults(FAILED % (name, stop))
                self.assertEqual(len(found), 1, (name, stop))
                self.assertIn("ended with " + stop, found[0][1])

    def test_a_crash_of_the_hypervisor_is_never_right(self):
        EXPECTED["careless"] = ["ok", "panic"]
        self.assertEqual(len(faults(FAILED % ("careless", "panic"))), 1)

    def test_what_is_right_on_one_machine(self):
        EXPECTED["deviates"] = ["ok", "entry@bochs"]
        for machine, count in (("bochs", 0), ("qemu", 1)):
            found = faults(FAILED % ("deviates", "entry"), machine=machine)
            self.assertEqual(len(found), count, machine)

    def test_a_hang_is_right_for_the_guest_only(self):
        EXPECTED["endless"] = ["hang"]
        for message, count in (("the guest makes no progress at rip 0x1", 0),
                               ("the hypervisor is looping in f+0x1", 1)):
            text = FAILED.replace("  ...", '  message: "%s"\n  ...' % message)
            self.assertEqual(len(faults(text % ("endless", "hang"))), count, message)

    def test_a_test_that_should_have_been_stopped(self):
        self.assertEqual(faults("ok 1 - stack_in_mmio [1]\n"),
                         [("stack_in_mmio", "ended with ok, not delivery")])

    def test_only_a_race_may_be_skipped(self):
        skipped = "ok 1 - %s [1] # SKIP it needs a machine with three CPUs\n"
        self.assertEqual(faults(skipped % "race_for_it"), [])
        self.assertEqual(faults(skipped % "race_for_it", cpus=3)[0][0], "race_for_it")
        self.assertEqual(faults(skipped % "any_other")[0][0], "any_other")

    def test_a_run_that_breaks_off(self):
        for text, normal in (("", True), ("ok 1 - any_other [1]\n", False)):
            self.assertEqual(faults(text, normal)[0][0], "the run ends normally")

    def test_steps_are_counted_and_may_be_too_few(self):
        console = "x: hostile: steps +999\nmore\ny: hostile: steps +1\n"
        self.assertEqual(hostilelib.steps(console), 1000)
        self.assertEqual(hostilelib.too_few(1000, 1000), "")
        self.assertEqual(hostilelib.too_few(999, 1000), "999 steps, not 1000")
        self.assertEqual(hostilelib.steps(""), 0)


if __name__ == "__main__":
    unittest.main()
