"""Debian's Linux: its initramfs, its root file system, and how it is fetched."""
import importlib.machinery
import importlib.util
import os
import stat
from unittest import mock

from support import TOOLS, FolderCase
from exit49 import linux, linux_files
from exit49.common import Problem


class ArchiveTest(FolderCase):
    def test_an_archive_is_aligned_and_ended(self):
        archive = linux.Archive()
        archive.add("a", linux.FILE, b"12345")
        archive.add("dev/console", linux.DEVICE, device=(5, 1))
        data = archive.finish()
        self.assertEqual(len(data) % 4, 0)
        self.assertEqual(data.count(b"070701"), 3)
        self.assertEqual(data[110:112], b"a\0")
        self.assertEqual(data[112:117], b"12345")
        self.assertIn(b"TRAILER!!!\0", data)
        # mode, and the device's numbers
        second = data[data.index(b"070701", 100):]
        self.assertEqual(second[14:22], b"%08X" % linux.DEVICE)
        self.assertEqual(second[78:94], b"0000000500000001")


class RootTest(FolderCase):
    def test_a_root_file_system_has_what_init_needs(self):
        texts = [(name, text.encode()) for name, text in linux_files.ROOT_FILES]
        linux._fill(self.folder, [("bin/busybox", b"x"), *texts])
        self.assertEqual(os.readlink(f"{self.folder}/sbin/init"), "/bin/busybox")
        self.assertEqual(os.readlink(f"{self.folder}/bin/sh"), "busybox")
        self.assertTrue(os.stat(f"{self.folder}/etc/rc").st_mode & stat.S_IXUSR)
        for name in ("dev", "proc", "sys", "etc/inittab", "etc/passwd"):
            self.assertTrue(os.path.exists(f"{self.folder}/{name}"), name)

    def test_drivers_are_loaded_by_the_names_of_their_files(self):
        tools = dict(linux_files.TOOLS)
        self.assertIn("exec load virtio_ring virtio virtio_mmio virtio_blk ",
                      tools["bin/disk"])
        self.assertTrue(tools["bin/disk"].endswith(" jbd2 ext4\n"))
        self.assertTrue(tools["bin/console"].endswith(" virtio_console\n"))

    def test_without_mke2fs_there_is_a_sentence(self):
        with mock.patch("shutil.which", return_value=None), \
                mock.patch("subprocess.run") as run, \
                self.assertRaisesRegex(Problem, "run tools/deps linux"):
            linux._mke2fs()
        run.assert_called_with([linux.DEPS, "--quiet", "linux"], check=False)


class FetchTest(FolderCase):
    """A world in which tools/deps is a script of the test's."""

    def setUp(self):
        super().setUp()
        self.deps = os.path.join(self.folder, "deps")
        for name, value in (("FOLDER", f"{self.folder}/linux"), ("DEPS", self.deps)):
            patch = mock.patch.object(linux, name, value)
            patch.start()
            self.addCleanup(patch.stop)

    def fetch(self, script):
        self.write("deps", "#!/bin/sh\n" + script)
        os.chmod(self.deps, 0o755)
        with mock.patch("builtins.print"):
            return linux.fetch()

    def test_no_network_is_one_sentence(self):
        with self.assertRaises(Problem) as end:
            self.fetch("echo 'tools/deps: apt-get could not fetch x' >&2; exit 2\n")
        self.assertEqual(str(end.exception), "apt-get could not fetch x: without "
                         "Debian's packages there is no Linux to run")
        self.assertEqual(os.listdir(f"{self.folder}/linux"), [])

    def test_a_broken_package_is_one_sentence_and_nothing_is_left(self):
        with self.assertRaisesRegex(Problem, "x.deb cannot be unpacked: |is not inst"):
            self.fetch('echo nonsense >"$2/x.deb"\n')
        self.assertFalse(linux.is_fetched())
        self.assertEqual(os.listdir(f"{self.folder}/linux"), [])

    def test_what_is_there_is_not_fetched_again(self):
        root = f"{self.folder}/linux/root"
        for name in ("boot/vmlinuz-6", "bin/busybox"):
            os.makedirs(os.path.dirname(f"{root}/{name}"))
            self.write(f"linux/root/{name}", "x")
        self.assertEqual(self.fetch("exit 1\n"),
                         (f"{root}/boot/vmlinuz-6", f"{root}/bin/busybox"))


class WordsTest(FolderCase):
    def test_consoles(self):
        self.assertEqual(linux.console_words("hvc0"), "console=hvc0")
        with self.assertRaisesRegex(Problem, "CONSOLE=tty0 is not known: say one of"):
            linux.console_words("tty0")


class CommandTest(FolderCase):
    """What tools/linux hands over to tools/run-guest."""

    def run_guest(self, *arguments, **environment):
        """Return run-guest's arguments, the kernel's words as a list."""
        loader = importlib.machinery.SourceFileLoader("linux_command",
                                                      os.path.join(TOOLS, "linux"))
        module = importlib.util.module_from_spec(
            importlib.util.spec_from_loader(loader.name, loader))
        loader.exec_module(module)
        names = dict.fromkeys(("ROOT", "CONSOLE", "DISK", "APPEND"), "")
        with mock.patch.dict(os.environ, {**names, **environment}), \
                mock.patch.object(linux, "prepare", return_value=("k", "i")), \
                mock.patch.object(linux, "root_disk", return_value="r"), \
                mock.patch("sys.stdout.isatty", return_value=False), \
                mock.patch("os.execv") as execv:
            module.main(list(arguments))
        runner, *rest = execv.call_args.args[1]
        self.assertEqual(os.path.basename(runner), "run-guest")
        self.assertEqual(rest[:4], ["k", "--initrd", "i", "--append"])
        return rest[4].split(), rest[5:]

    def test_a_shell_in_the_initramfs(self):
        self.assertEqual(self.run_guest("--quiet", APPEND="debug"),
                         (["console=ttyS0", "panic=-1", "debug"], ["--quiet"]))

    def test_a_root_on_the_disk(self):
        words, more = self.run_guest(ROOT="disk", CONSOLE="hvc0")
        self.assertEqual(words, ["console=hvc0", "panic=-1", "root=/dev/vda"])
        self.assertEqual(more, ["--disk", "r"])
        self.assertEqual(self.run_guest(ROOT="disk", DISK="mine")[1], [])
