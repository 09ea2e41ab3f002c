"""The commands as they are called: help, bad input, tools/deps on an empty machine."""
import os
import subprocess
import unittest

from support import TOOLS, FolderCase

COMMANDS = ("run", "grade", "wrong", "repeat", "compare-exits", "mkiso", "doctor",
            "deps")


def call(name, *arguments, **environment):
    done = subprocess.run([os.path.join(TOOLS, name), *arguments], text=True,
                          capture_output=True, env={**os.environ, **environment},
                          stdin=subprocess.DEVNULL, check=False)
    return done.returncode, done.stdout, done.stderr


class CommandTest(FolderCase):
    def refuse(self, part, name, *arguments, **environment):
        status, _, told = call(name, *arguments, **environment)
        self.assertEqual(status, 2, told)
        self.assertIn(part, told)
        self.assertNotIn("Traceback", told)

    def test_help(self):
        for name in COMMANDS:
            status, told, _ = call(name, "--help")
            self.assertEqual(status, 0, name)
            self.assertIn("usage:", told)

    def test_bad_words(self):
        self.refuse("there is no lab 9", "grade", "--lab", "9")
        self.refuse("no source x", "grade", "--lab", "1", "--src", "x")
        self.refuse("no machine vax", "grade", LAB="1", MACHINE="vax")
        self.refuse("does not exist", "run", "--image", "/no/image")
        self.refuse("invalid choice", "run", "--machine", "vax")
        self.refuse("cannot read /no/a", "compare-exits", "/no/a", "/no/b")
        self.refuse("no group or option 'x'", "deps", "x")
        self.refuse("ROOT=x is not known: say ROOT=disk", "linux", ROOT="x")
        self.refuse("CONSOLE=x is not known: say one of ttyS0", "linux", CONSOLE="x")

    def test_iso_without_an_image(self):
        self.refuse("the image /no/image does not exist", "mkiso",
                    f"{self.folder}/x.iso", "/no/image")


class DepsTest(FolderCase):
    """tools/deps in a world where only sh exists."""

    def setUp(self):
        super().setUp()
        os.mkdir(f"{self.folder}/bin")
        for name in ("sh", "cat", "id"):
            for place in ("/bin", "/usr/bin"):
                if os.path.exists(f"{place}/{name}"):
                    os.symlink(f"{place}/{name}", f"{self.folder}/bin/{name}")
                    break
        self.world = {"PATH": f"{self.folder}/bin", "DEPS_ROOT": self.folder}

    def test_check_names_what_is_missing(self):
        status, told, _ = call("deps", "--check", "qemu", "test", **self.world)
        self.assertEqual(status, 1)
        self.assertEqual(told, "tools/deps: missing: qemu-system-x86 libcmocka-dev "
                         "libzydis-dev clang libclang-rt-dev clang-format git "
                         "universal-ctags\n")

    def test_without_apt_the_commands_are_printed(self):
        status, _, told = call("deps", "build", **self.world)
        self.assertEqual(status, 2)
        for manager in ("apt-get install", "dnf install gcc", "pacman -S gcc",
                        "zypper install", "brew install"):
            self.assertIn(manager, told)

    def test_the_manager_at_home_is_enough(self):
        os.chmod(self.write("bin/dnf", "#!/bin/sh\n"), 0o755)
        status, _, told = call("deps", "qemu", **self.world)
        self.assertEqual((status, told), (
            2, "tools/deps: something is missing.  Install it with\n"
            "  sudo dnf install qemu-system-x86-core\n"))

    def test_a_compiler_for_x86(self):
        for machine, package in (("Darwin arm64", "brew install x86_64-elf-gcc make"),
                                 ("Linux aarch64", "gcc-x86-64-linux-gnu make")):
            os.chmod(self.write("bin/uname", f"#!/bin/sh\necho {machine}\n"), 0o755)
            os.chmod(self.write("bin/gcc", "#!/bin/sh\n"), 0o755)
            self.assertIn(package, call("deps", "build", **self.world)[2])

    def test_what_is_there_is_not_named(self):
        self.write("usr/include/cmocka.h", "")
        self.write("usr/include/Zydis/Zydis.h", "")
        self.write("usr/lib/clang/17/lib/linux/libclang_rt.asan-x86_64.a", "")
        for name in ("clang", "clang-format", "ctags", "git"):
            os.chmod(self.write(f"bin/{name}", "#!/bin/sh\n"), 0o755)
        status, told, _ = call("deps", "test", **self.world)
        self.assertEqual((status, told), (0, "tools/deps: nothing is missing\n"))
        self.assertEqual(call("deps", "--quiet", "test", **self.world)[:2], (0, ""))

    def fake_apt(self, body):
        os.chmod(self.write("bin/apt-get", "#!/bin/sh\n" + body), 0o755)
        os.chmod(self.write("bin/id", "#!/bin/sh\necho 0\n"), 0o755)
        for name in ("env", "mktemp", "rm", "tail", "touch", "chmod"):
            if not os.path.exists(f"{self.folder}/bin/{name}"):
                os.symlink(f"/usr/bin/{name}", f"{self.folder}/bin/{name}")
        os.chmod(self.write("bin/sleep", "#!/bin/sh\n"), 0o755)

    def setUpLinks(self):
        os.unlink(f"{self.folder}/bin/id")

    def test_installs_with_apt(self):
        self.setUpLinks()
        self.fake_apt(f'echo "$@" >>{self.folder}/log\n'
                      f"case $* in *install*) echo >{self.folder}/bin/gdb;"
                      f"chmod +x {self.folder}/bin/gdb;; esac\n")
        status, told, error = call("deps", "--quiet", "gdb", **self.world)
        self.assertEqual((status, told), (0, "tools/deps: installing gdb\n"), error)
        with open(f"{self.folder}/log") as file:
            self.assertEqual(file.read(), "-q update\n-q install -y --no-upgrade "
                             "--no-install-recommends gdb\n")

    def test_retries_once(self):
        self.setUpLinks()
        self.fake_apt(f'echo x >>{self.folder}/log; echo "no mirror"; exit 100\n')
        status, _, told = call("deps", "--quiet", "gdb", **self.world)
        self.assertEqual(status, 2)
        self.assertIn("no mirror", told)
        self.assertIn("could not install gdb", told)
        with open(f"{self.folder}/log") as file:
            self.assertEqual(len(file.read().split()), 2)


if __name__ == "__main__":
    unittest.main()
