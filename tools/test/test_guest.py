"""Running kernels of others: what is handed over, keys, and conversations."""
import gzip
import os
from unittest import mock

from support import FolderCase
from exit49 import guest
from exit49.common import Problem
from exit49.dialog import Dialog


class Options:
    """What tools/run-guest would have parsed."""

    machine, cpus, words, mem = "qemu", "2", "guestlog", "64M"
    append, dev, disk, image = "a 'b'", "", None, "image"
    keep, quiet, timeout, gdb = False, True, 5, None
    initrd = ()


class SizeTest(FolderCase):
    def test_sizes(self):
        for text, size in (("128", 128), ("128M", 128), ("1G", 1024), ("2g", 2048)):
            self.assertEqual(guest.parse_size(text), size)
        for text in ("", "M", "12K", "-1", "1.5G", "0x80"):
            with self.assertRaisesRegex(Problem, "is not a size"):
                guest.parse_size(text)

    def test_times(self):
        self.assertEqual(guest.parse_time("951825600"), 951825600)
        with mock.patch("time.time", return_value=1234567890.9):
            self.assertEqual(guest.parse_time(""), 1234567890)
        for text in ("now", "-5", "1", "4294967296", "1.5", "12345678901"):
            with self.assertRaisesRegex(Problem, "is no time"):
                guest.parse_time(text)

    def test_the_machine_has_room_for_hypervisor_and_files(self):
        path = self.write("initrd", "x" * (5 << 20))
        self.assertGreaterEqual(guest.machine_memory(128, [path]), 128 + 5 + 16)
        self.assertGreaterEqual(guest.machine_memory(2, []), 32)
        with self.assertRaisesRegex(Problem, "MEM=3072M is too much"):
            guest.machine_memory(3072, [])
        os.truncate(path, 4 << 30)
        with self.assertRaisesRegex(Problem, "disk are too large: with MEM=128M that"):
            guest.machine_memory(128, [path])

    def test_a_disk_has_whole_sectors(self):
        guest.require_disk(self.write("disk", "x" * 1024))
        for text, words in (("x" * 1000, "has 488 bytes behind its last sector"),
                            ("", "the disk .* is empty")):
            with self.assertRaisesRegex(Problem, words):
                guest.require_disk(self.write("disk", text))
        with self.assertRaisesRegex(Problem, "MEM=1M is too little"):
            guest.machine_memory(1, [])


class RequestTest(FolderCase):
    def request(self, **changes):
        options = Options()
        options.guest = self.write("kernel", "not packed")
        for name, value in changes.items():
            setattr(options, name, value)
        return guest.Guest(options).request(self.folder)

    def test_kernel_first_then_command_line_then_initrds(self):
        request = self.request(initrd=[self.write("in itrd", "x")],
                               disk=self.write("d", "x" * 512))
        self.assertEqual(request.names,
                         ["kernel", "exit49-append", "in_itrd", "exit49-disk"])
        with open(request.modules[1], "rb") as file:
            self.assertEqual(file.read(), b"a 'b'\0")
        self.assertEqual(request.append, "run=1 mem=64 cpus=2 guestlog")
        self.assertTrue(request.terminal)

    def test_a_module_has_words_behind_its_file(self):
        linux_file, ramdisk = self.write("l", "x"), self.write("r d", "x")
        request = self.request(initrd=[linux_file + " console=hvc0 ro", ramdisk])
        self.assertEqual(request.names[2:], ["l", "r_d", "exit49-words"])
        with open(request.modules[4], "rb") as file:
            self.assertEqual(file.read(), b"console=hvc0 ro\n\0")
        with self.assertRaisesRegex(Problem, "words .* longer than 4095"):
            self.request(initrd=[linux_file + " " + "x" * 4096])
        self.assertEqual(guest.split_initrds("a b"), ["a", "b"])
        self.assertEqual(guest.split_initrds(""), [])
        self.assertEqual(guest.split_initrds("a x=1,,2 y, b"), ["a x=1,2 y", "b"])

    def test_a_packed_kernel_is_unpacked(self):
        os.makedirs(os.path.join(self.folder, "k"))
        path = os.path.join(self.folder, "k", "kernel.gz")
        with gzip.open(path, "wb") as file:
            file.write(b"kernel")
        request = self.request(guest=path)
        with open(request.modules[0], "rb") as file:
            self.assertEqual(file.read(), b"kernel")
        with open(path, "wb") as file:
            file.write(b"\x1f\x8bnothing")
        with self.assertRaisesRegex(Problem, "cannot be unpacked"):
            self.request(guest=path)

    def test_how_it_ends(self):
        outcome = mock.Mock(status=0)
        one = guest.Guest(Options())
        self.assertEqual(one.status(outcome), 0)
        one.result("# guest: end=exited code=7: the guest has ended with code 7")
        self.assertEqual(one.status(outcome), 7)
        one.result("# guest: end=crashed code=0: triple fault")
        with self.assertRaisesRegex(Problem, "the guest crashed: triple fault") as end:
            one.status(outcome)
        self.assertEqual(end.exception.status, guest.CRASHED)
        for kind, status in (("reset", 6), ("halted", 7)):
            one.result(f"# guest: end={kind} code=0: the guest has {kind}")
            with self.assertRaisesRegex(Problem, f"^the guest has {kind}$") as end:
                one.status(outcome)
            self.assertEqual(end.exception.status, status)
        one.result("# guest: end=powered-off code=0: the guest has powered off")
        self.assertEqual(one.status(outcome), 0)
        one.result("# guest: end=unwritten code=0: lab 1.1: not written yet")
        with self.assertRaisesRegex(Problem, "^lab 1.1: not written yet$") as end:
            one.status(outcome)
        self.assertEqual(end.exception.status, 2)


class DialogTest(FolderCase):
    def test_each_answer_is_to_its_own_question(self):
        talk = Dialog([("[$] ", "one\r"), ("[$] ", "two\r"), ("end", "")])
        talk.machine = mock.Mock()
        talk.hear(b"boot\n$")
        talk.machine.send.assert_not_called()
        talk.hear(b" ")
        talk.machine.send.assert_called_once_with(b"one\r")
        talk.hear(b"one\r\n$ two\r\n")
        self.assertEqual(talk.machine.send.call_count, 2)
        self.assertEqual(talk.missing(), "end")
        talk.hear(b"the end")
        self.assertEqual((talk.missing(), len(talk.answers)), ("", 3))
