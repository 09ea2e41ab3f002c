"""How parts are counted, and what the last line says."""
import importlib.machinery
import importlib.util
import io
import os
import shutil
import sys
import tempfile
import unittest
from unittest import mock

CHECKS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, CHECKS)


def load(name):
    path = os.path.join(CHECKS, name)
    loader = importlib.machinery.SourceFileLoader(name + "_check", path)
    module = importlib.util.module_from_spec(
        importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


class CountTest(unittest.TestCase):
    def test_a_part_counts_as_its_last_line_says(self):
        run = load("run")
        for text, wrong, counts in (
                ("words\n", "", (1, 0, 0)),
                ("words\n", "exit status 1", (0, 1, 0)),
                ("# passed=7 failed=0\n", "", (7, 0, 0)),
                ("# passed=7 failed=2\n", "exit status 1", (7, 2, 0)),
                ("# passed=7 failed=0\n", "not finished after 5 s", (7, 1, 0)),
                ("no apt-get\n# passed=1 failed=0 skipped=3\n", "", (1, 0, 3)),
                ("# passed=1 failed=0\nmore\n", "", (1, 0, 0))):
            self.assertEqual(run.count(text, wrong), counts, text)

    def test_the_last_line_names_skipped_cases_only_if_there_are_any(self):
        run = load("run")
        self.assertEqual(run.summary(3, 0, 0), "3 passed, 0 failed")
        self.assertEqual(run.summary(3, 1, 2), "3 passed, 1 failed, 2 skipped")


class LinuxTest(unittest.TestCase):
    """tools/check/linux where nothing was fetched yet."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.linux = load("linux")
        self.bin = os.path.join(folder.name, "bin")
        os.mkdir(self.bin)
        for name in ("sh", "id", "sed", "head", "mkdir", "cat"):
            os.symlink(shutil.which(name), os.path.join(self.bin, name))
        for patch in (mock.patch.dict(os.environ, PATH=self.bin),
                      mock.patch.object(self.linux.linux, "FOLDER",
                                        os.path.join(folder.name, "linux"))):
            patch.start()
            self.addCleanup(patch.stop)

    def end(self):
        """Return (exit status, what was said)."""
        with mock.patch("sys.stdout", io.StringIO()) as out:
            with self.assertRaises(SystemExit) as end:
                self.linux.fetch()
        return end.exception.code, out.getvalue()

    def test_where_there_is_no_apt_it_is_skipped_and_counted(self):
        self.assertEqual(self.end(), (
            0, "skipped: there is no apt-get to fetch Debian's packages with\n"
            "# passed=0 failed=0 skipped=1\n"))

    def test_where_apt_cannot_fetch_it_fails_with_a_sentence(self):
        for name in ("apt-get", "apt-cache"):
            path = os.path.join(self.bin, name)
            with open(path, "w", encoding="ascii") as file:
                file.write("#!/bin/sh\nexit 100\n")
            os.chmod(path, 0o755)
        status, told = self.end()
        self.assertEqual(status, "tools/check/linux: apt-get could not fetch "
                         "linux-image-amd64: without Debian's packages there is no "
                         "Linux to run")
        self.assertNotIn("skipped", told)


if __name__ == "__main__":
    unittest.main()
