"""Running emulators, with a shell script in QEMU's place."""
import os
import time
import unittest
from unittest import mock

from support import FolderCase
from exit49 import common, qemu
from exit49.machine import run_machine, typed_at_once
from exit49.request import Request

FAKE = """#!/bin/sh
[ "$1" = --version ] && { echo "QEMU emulator version %s (x)"; exit 0; }
%s
"""
END = 'echo "# exit49: end status=%d" >com2'


class TypingTest(unittest.TestCase):
    def test_a_key_that_begins_with_escape_is_sent_whole(self):
        for data, first in ((b"abc", b"ab"), (b"a\x1b[A", b"a"),
                            (b"\x1b[Axy", b"\x1b[A"), (b"\x1bOPx", b"\x1bOP"),
                            (b"\x1b[40;9Rxy", b"\x1b[40;9R"),
                            (b"\x1b", b"\x1b"), (b"\x1bxyz", b"\x1bx"), (b"x", b"x"),
                            (b"\x1b[1111111111111111111R", b"\x1b[")):
            self.assertEqual(typed_at_once(data, 2), first, data)


class MachineTest(FolderCase):
    def run_fake(self, body, version="7.2.0", **options):
        self.lines, self.console = [], b""
        fake = self.write("qemu", FAKE % (version, body))
        os.chmod(fake, 0o755)
        image = self.write("image.elf", "image")
        request = Request(image=image, **options)

        def console(data):
            self.console += data
        with mock.patch.dict(os.environ, {"QEMU": fake}):
            return run_machine(request, self.lines.append, console)

    def test_statuses_of_the_end_line(self):
        for status in (0, 1, 2):
            outcome = self.run_fake(END % status)
            self.assertEqual((outcome.status, outcome.ended), (status, True))
        self.assertIn("unknown status 7", self.run_fake(END % 7).sentence)

    def test_no_line_is_lost_at_the_end(self):
        outcome = self.run_fake("seq 1 20000 >com2; " + END % 0 + "; printf rest >com2;"
                                "printf people >com1; kill -9 $$")
        self.assertEqual(outcome.status, 0)
        self.assertEqual(self.lines[:20000], [str(n) for n in range(1, 20001)])
        self.assertEqual(self.lines[-1], "rest")
        self.assertEqual(self.console, b"people")

    def test_time_out_ends_all_processes(self):
        started = time.monotonic()
        outcome = self.run_fake(f"sleep 60 & echo $! >{self.folder}/pid; wait",
                                timeout=0.3)
        self.assertEqual(outcome.status, common.TIMED_OUT)
        self.assertLess(time.monotonic() - started, 5)
        with open(f"{self.folder}/pid", encoding="ascii") as file:
            child = int(file.read())
        # Only our own child is waited for; its child was killed in the same moment.
        while _runs(child) and time.monotonic() - started < 5:
            time.sleep(0.01)
        self.assertFalse(_runs(child))

    def test_no_word_for_too_long(self):
        outcome = self.run_fake("echo TAP >com2; sleep 60", idle=0.3)
        self.assertEqual(outcome.status, common.TIMED_OUT)
        self.assertIn("no word on COM2", outcome.sentence)

    def test_died_with_words(self):
        outcome = self.run_fake("echo 'qemu: warning: x' >&2; echo 'no such CPU' >&2;"
                                "echo more >&2; exit 1")
        self.assertEqual(outcome.status, common.NOT_STARTED)
        self.assertEqual(outcome.sentence, "the emulator died: no such CPU")

    def test_reset_without_an_end_line(self):
        outcome = self.run_fake("echo TAP >com2")
        self.assertEqual(outcome.status, common.PANICKED)
        self.assertIn("without its end line", outcome.sentence)

    def test_bail_out_is_the_sentence(self):
        outcome = self.run_fake("echo 'Bail out! no SVM' >com2;" + END % 2)
        self.assertEqual((outcome.status, outcome.sentence), (2, "no SVM"))

    def test_modules_are_named_by_their_file_name(self):
        module = self.write("deep/a b,c.elf", "module")
        self.run_fake('echo "$@" >com2; cat a_b_c.elf >com2;' + END % 0,
                      modules=[module])
        self.assertIn("-initrd a_b_c.elf", self.lines[0])
        self.assertTrue(self.lines[1].startswith("module"))

    def test_refusals(self):
        self.assert_problem("6.0.1 is too old", self.run_fake, "", "6.0.1")
        with self.assertRaises(common.Problem) as caught:
            self.run_fake("", modules=[f"{self.folder}/none.elf"])
        self.assertIn("none.elf does not exist", str(caught.exception))
        with self.assertRaises(common.Problem) as caught:
            self.run_fake("", mem=1)
        self.assertIn("1 MiB of memory", str(caught.exception))

    def test_missing_emulators(self):
        image = self.write("image.elf", "image")
        with mock.patch.dict(os.environ, {"PATH": self.folder}):
            for machine, part in (("qemu", "QEMU"), ("bochs", "Bochs")):
                self.assert_problem(f"{part}", run_machine,
                                    Request(image=image, machine=machine))

    def test_kvm_trouble(self):
        device = self.write("kvm", "")
        modules = os.path.join(self.folder, "modules")
        self.assertIn("there is no", qemu.kvm_trouble("/no/kvm"))
        self.write("modules/kvm_intel/parameters/nested", "N\n")
        self.assertIn("nested VMX is off", qemu.kvm_trouble(device, modules))
        self.write("modules/kvm_intel/parameters/nested", "Y\n")
        self.assertEqual(qemu.kvm_trouble(device, modules), "")

    def test_nothing_is_left_behind(self):
        os.mkdir(f"{self.folder}/t")
        with mock.patch("tempfile.tempdir", f"{self.folder}/t"):
            self.run_fake(END % 0)
            self.run_fake("sleep 60", timeout=0.2)
        self.assertEqual(os.listdir(f"{self.folder}/t"), [])


def _runs(pid):
    """Whether a process runs (one that only waits to be reaped does not)."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().split(")")[1].split()[0] != "Z"
    except OSError:
        return False


if __name__ == "__main__":
    unittest.main()
