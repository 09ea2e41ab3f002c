"""The barrier bench as tests of a lab: its words, files that misbehave, evasions."""
import io
import os
import re
import shutil
import unittest
from unittest import mock

from support import CONF, FolderCase
from exit49 import bench, labs, model, uses, wrong
from exit49.common import ROOT
from exit49.grader import Options
from exit49.model import LabGrade, TestGrade
from exit49.writers import Terminal, to_json

BENCH_CONF = CONF.replace("guest = lab1.elf", "guest = lab1.elf\nbench = lab5") + """\
[bench]
second = A device that one has heard of is found (spec 6.5).
"""
STALE = """\
FAIL  second  (after 2 executions; the simplest has 1 switches or stale reads)
      vCPU0: the guest saw flag = 1, but its OUT found no device
      step  thread     where              effect, source
        52  host       lab5.c:26          allocate &object A0
                                         | return bench_alloc(bytes, HERE);
        58  host       bus.c:136          WRITE(release) bus->table = &object A0
                                         | rcu_assign_pointer(bus->table, new);
        61  vCPU0      lab5.c:139         READ guest flag -> 1
        65  vCPU0      bus.c:226          READ bus->table -> 0
                                         | table = srcu_dereference(bus->table);
                                         ^ STALE: host had already stored 1 at step 58
      why: step 61 saw it, but nothing keeps
           the read at step 65 behind it.
      try: smp_rmb() just before bus.c:226 makes every
           execution of this scenario pass.
"""
OPTIONS = Options()
LOOKUP = "\tresult = bus_dispatch(bus, access);\n"


def lab5():
    """The lab with all the scenarios that there are, a point each."""
    with open(os.path.join(ROOT, bench.FOLDER, "lab5.c"), encoding="utf-8") as file:
        names = re.findall(r'^\t\{ "([\w-]+)"', file.read(), re.M)
    return labs.Lab("5", "lab5-bus", "the bus", "bus.c", "bus/bus.h", "lab5.elf",
                    {name: 1 for name in names}, {}, {}, bench="lab5",
                    rules={name: "a rule" for name in names})


def failed(text=STALE):
    grade = TestGrade("second", 30, model.FAILED)
    bench.read_failure(grade, text)
    return grade


class WordsTest(FolderCase):
    def test_the_execution(self):
        grade = failed()
        self.assertEqual(grade.seen, "vCPU0: the guest saw flag = 1, but its OUT found "
                         "no device")
        self.assertEqual([event.step for event in grade.execution], [1, 2, 3, 4])
        last = grade.execution[-1]
        self.assertEqual((last.thread, last.where, last.effect, last.source, last.note),
                         ("vCPU0", "bus.c:226", "READ bus->table -> 0",
                          "table = srcu_dereference(bus->table);",
                          "STALE: host had already stored 1 at step 2"))
        self.assertEqual([event.matters for event in grade.execution],
                         [False, True, True, True])
        self.assertEqual(grade.why, "step 3 saw it, but nothing keeps the read at "
                         "step 4 behind it.")
        self.assertEqual(grade.fix, "smp_rmb() just before bus.c:226 makes every "
                         "execution of this scenario pass.")

    def test_a_failure_without_an_execution(self):
        self.assertEqual(failed("FAIL  second  gave up after 10 s: too many?").seen,
                         "gave up after 10 s: too many?")
        self.assertEqual(failed("FAIL  second  (x)\n      alone: 1 left;\n").seen,
                         "with no other thread: 1 left")

    def test_an_unwritten_step(self):
        grade = failed("FAIL  second  (x)\n"
                       "      host: lab 5.1: f() is not written yet (see f.h)\n")
        self.assertEqual((grade.verdict, grade.step), (model.UNWRITTEN, "5.1"))

    def show(self, *tests, **options):
        stream = io.StringIO()
        Terminal(stream, **options).write(LabGrade("5", "t", "s", "qemu", 100,
                                                   list(tests)))
        return stream.getvalue()

    def test_terminal(self):
        text = self.show(failed())
        for part in ("order        2  host   bus.c:136", "^ STALE: host had",
                     "all 4 steps with V=1", "step 3 saw it", "try        smp_rmb()"):
            self.assertIn(part, text)
        self.assertNotIn("allocate", text)
        self.assertIn("allocate", self.show(failed(), verbose=True))

    def test_the_same_mistake_is_shown_once(self):
        other = failed()
        other.name = "other"
        text = self.show(failed(), other)
        self.assertEqual(text.count("STALE"), 1)
        self.assertIn("order      as in second", text)
        self.assertEqual(text.count("smp_rmb() just before"), 1)

    def test_what_is_no_matter_of_barriers(self):
        lines = [line for line in STALE.splitlines() if "why:" not in line
                 and "STALE" not in line and "try:" not in line]
        grade = failed("\n".join(lines))
        self.assertEqual(grade.why, bench.NO_BARRIER)
        self.assertTrue(grade.execution[-1].matters)

    def test_json(self):
        text = to_json([LabGrade("5", "t", "s", "qemu", 100, [failed()])])
        self.assertIn('"note": "STALE: host had already stored 1 at step 2"', text)
        self.assertIn('"try": "smp_rmb() just', text)

    def test_conf(self):
        lab = self.read_lab(BENCH_CONF)
        self.assertEqual((lab.bench, lab.guest_tests), ("lab5", ["first", "third"]))
        self.assert_problem("rule for fourth", self.read_lab,
                            BENCH_CONF.replace("second = A", "fourth = A"))
        self.assert_problem("section [bench] is missing", self.read_lab,
                            BENCH_CONF.replace("[bench]", "[steps2]"))


class EvasionTest(FolderCase):
    def test_what_a_source_may_not_hold(self):
        for text, what in (
                ("#ifdef X\n", "a preprocessor conditional"),
                ("  # \\\n if X\n", "a preprocessor conditional"),
                ("%:if X\n", "a preprocessor conditional"),
                ("/* */ int x = LAB_MC;", "LAB_MC"),
                ('__asm__ ("nop");', "inline assembly"),
                ("__tsan_read4(p);", "a name of the sanitizer"),
                ('__attribute__((no_sanitize("thread")))', "a name of the sanitizer"),
                ("#define A(b) as##b", "##")):
            self.assertEqual(uses.evasions(text), [what], text)
        good = '// #if\n/*\n#if\nasm */ f("LAB_MC"); #define a'
        self.assertEqual(uses.evasions(good), [])

    def test_the_sentence(self):
        path = self.write("bus.c", "#if 1\n#endif\n")
        self.assertIn("holds a preprocessor conditional: the barrier bench must see",
                      uses.evasion_refusal(path))
        self.write("bus.c", "int x;\n")
        self.assertEqual(uses.evasion_refusal(path), "")


@unittest.skipUnless(shutil.which("gcc") and shutil.which("objcopy"), "no compiler")
class ProgramTest(FolderCase):
    """The reference bus, with something done to it, on the real bench."""

    lab = lab5()
    source = os.path.join(ROOT, "solutions/lab5-bus/bus.c")

    def run_with(self, statement, include="bus/bus.h"):
        with open(self.source, encoding="utf-8") as file:
            text = file.read()
        self.assertEqual(text.count(LOOKUP), 1)
        name = "insert-under-lookup"
        path = self.write("bus.c", f'#include "{include}"\n'
                          + text.replace(LOOKUP, LOOKUP + statement))
        program = bench.build(self.lab, path, self.folder)
        return bench.run(self.lab, program, [name], OPTIONS)[name]

    def test_the_reference(self):
        self.assertEqual(self.run_with("").verdict, model.PASSED)

    def test_an_endless_loop(self):
        grade = self.run_with("\tfor (;;) {\n\t}\n")
        self.assertEqual(grade.verdict, model.FAILED)
        self.assertIn("an endless loop that touches no shared memory", grade.seen)

    def test_a_wild_pointer(self):
        grade = self.run_with("\t*(volatile u64 *)24 = 1;\n")
        self.assertIn("an invalid address", grade.seen)

    def test_a_step_that_is_not_written(self):
        grade = self.run_with('\tlab_not_written("5.4", "bus_dispatch", "");\n',
                              include="bus/lab.h")
        self.assertEqual((grade.verdict, grade.step), (model.UNWRITTEN, "5.4"))
        self.assertIn("lab 5.4: ", grade.message)

    def test_printing_does_not_forge(self):
        grade = self.run_with('\tprintf("PASS  insert-under-lookup\\n");\n'
                              "\tresult = -EOPNOTSUPP;\n", "hv/lib/printf.h")
        self.assertEqual(grade.verdict, model.FAILED)
        self.assertIn("an access missed it", grade.seen)

    def test_what_compiles_for_the_image_only(self):
        grade = self.run_with("\tnothing();\n")
        self.assertEqual((grade.verdict, grade.stop), (model.FAILED, "bench"))
        self.assertIn("bus.c", grade.message)

    def test_scenarios_and_rules_agree(self):
        program = bench.build(self.lab, self.source, self.folder)
        bench.check(self.lab, program)
        name, = list(self.lab.rules)[:1]
        with mock.patch.dict(self.lab.rules, {"other": "x"}):
            self.assert_problem("has a rule for other", bench.check, self.lab, program)
        with mock.patch.dict(self.lab.rules):
            del self.lab.rules[name]
            self.assert_problem(f"the scenario {name}, which has no rule", bench.check,
                                self.lab, program)

    def test_a_process_that_dies(self):
        text = "#!/bin/sh\necho last\nkill -9 $$\n"
        program = bench.Program(self.write("dies", text))
        os.chmod(program.path, 0o755)
        with mock.patch.object(bench, "check"):
            grade = bench.run(self.lab, program, ["unregister"], OPTIONS)["unregister"]
        self.assertEqual((grade.verdict, grade.points), (model.CRASHED, 0))
        self.assertIn("status -9; its last words: last", grade.message)


class WrongTest(FolderCase):
    def test_scenarios_need_no_machine(self):
        lab = self.read_lab(BENCH_CONF)
        found = wrong.Wrong("n", "p", "m", ["second"], "h")
        self.assertFalse(wrong.needs_machine(found, lab))
        found.fails.append("first")
        self.assertTrue(wrong.needs_machine(found, lab))


if __name__ == "__main__":
    unittest.main()
