"""lab.conf: what is read, and the sentence for each mistake in one."""
import struct
import unittest

from support import CONF, FolderCase
from exit49 import labs


def guest_elf(names, flags=0):
    """An ELF64 with nothing but records of tests."""
    records = b"".join(labs.RECORD.pack(name.encode(), 0, flags) for name in names)
    header = bytearray(64)
    header[:6] = b"\x7fELF\x02\x01"
    struct.pack_into("<Q", header, 32, 64)
    struct.pack_into("<HH", header, 54, 56, 1)
    program = struct.pack("<IIQQQQQQ", labs.PT_TEST_RECORDS, 4, 120, 0, 0, len(records),
                          len(records), 8)
    return bytes(header) + program + records


class LabConfTest(FolderCase):
    def test_good(self):
        lab = self.read_lab()
        self.assertEqual((lab.number, lab.folder), ("1", "lab1-ept-fault"))
        self.assertEqual(lab.points, {"first": 60, "second": 30, "third": 10})
        self.assertEqual(lab.hints["second"],
                         "Look at the entry; not at the slot (100% of the time).")
        self.assertEqual(lab.step_sentence("1.1"), "lab 1.1: ept_fault_walk() is not "
                         "written yet (see mmu/ept_fault.h)")

    def refuse(self, old, new, part):
        self.assert_problem(part, self.read_lab, CONF.replace(old, new))

    def test_modes(self):
        self.assertEqual(self.read_lab().modes, ("ept",))
        both = CONF.replace("[points]", "modes = ept shadow\n[points]")
        self.assertEqual(self.read_lab(both).modes, ("ept", "shadow"))
        self.assert_problem("must name each mode once", self.read_lab,
                            both.replace("shadow", "ept"))

    def test_mistakes(self):
        self.refuse("third = 10", "third = 11", "sum to 101, not 100")
        self.refuse("third = 10", "third = ten", "points of third must be")
        self.refuse("third = 10", "third = 0", "points of third must be")
        self.refuse("third = 10", "third = 10\nthird = 10", "already exists")
        self.refuse("guest = lab1.elf", "", "'guest = ...' is missing")
        self.refuse("[points]", "[marks]", "section [points] is missing")
        self.refuse("second = Look", "fourth = Look", "hint for fourth")
        self.refuse("[lab]", "lab", "no section headers")

    def test_choose(self):
        self.assert_problem("there is no lab 9; labs: none", labs.choose, "9",
                            self.folder)
        self.write_lab()
        problem = self.assert_problem("there is no lab 9; labs: 1", labs.choose, "9",
                                      self.folder)
        self.assertEqual(problem.status, 2)
        self.assert_problem("say which lab", labs.choose, "", self.folder)
        self.assertEqual(len(labs.choose("all", self.folder)), 1)

    def test_select(self):
        lab = self.read_lab()
        self.assertEqual(lab.select("*ir*"), ["first", "third"])
        self.assert_problem("no test of lab 1 matches 'x*'", lab.select, "x*")

    def test_guest_and_points_agree(self):
        lab = self.read_lab()
        good = self.write("good.elf", guest_elf(["third", "first", "second"]))
        self.assertEqual(labs.guest_tests(good), ["third", "first", "second"])
        labs.check_guest(lab, good)
        more = self.write("more.elf", guest_elf(["first", "second", "third", "extra"]))
        self.assert_problem("extra, which has no points", labs.check_guest, lab, more)
        less = self.write("less.elf", guest_elf(["first", "second"]))
        self.assert_problem("points to third, but", labs.check_guest, lab, less)

    def test_cpus(self):
        one = self.write("one.elf", guest_elf(["first"]))
        two = self.write("two.elf", guest_elf(["first"], labs.TEST_NEEDS_CPUS))
        self.assertEqual([labs.guest_cpus(path) for path in (one, two)], [1, 2])
        self.assertEqual(labs.guest_cpus(self.write("c.elf", b"hello")), 1)

    def test_corrupt_guest(self):
        lab = self.read_lab()
        self.assert_problem("not a 64-bit ELF", labs.check_guest, lab,
                            self.write("a.elf", b"hello"))
        self.assert_problem("truncated", labs.check_guest, lab,
                            self.write("b.elf", guest_elf(["a"])[:80]))


if __name__ == "__main__":
    unittest.main()
