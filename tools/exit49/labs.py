"""Reading labs/labN-*/lab.conf: a lab's title and files, its points, hints, steps."""
import configparser
import fnmatch
import glob
import os
import re
import struct
from dataclasses import dataclass, field
from typing import Dict, Tuple

from . import modes
from .common import ROOT, Problem

FULL_SCORE = 100
# Where a guest program keeps its tests (hv/vmm/hypercall.h): a program header of this
# type over an array of { char name[64]; u64 function; u64 flags; }.
PT_TEST_RECORDS = 0x60000049
RECORD = struct.Struct("<64sQQ")
TEST_NEEDS_CPUS = 8
"""The flag of a test that needs a second CPU."""


@dataclass
class Lab:
    """One lab. points, hints: by test name; steps: '1.1' -> function. bench is a
    program of the barrier bench, '' for none; rules: of its scenarios, by name;
    reasons: words that it may say of any scenario -> hint."""

    number: str
    folder: str
    title: str
    file: str
    header: str
    guest: str
    points: Dict[str, int]
    hints: Dict[str, str]
    steps: Dict[str, str]
    modes: Tuple[str, ...] = modes.DEFAULT
    bench: str = ""
    rules: Dict[str, str] = field(default_factory=dict)
    reasons: Dict[str, str] = field(default_factory=dict)

    @property
    def stem(self):
        return os.path.splitext(self.file)[0]

    @property
    def guest_tests(self):
        """The tests that are not scenarios of the bench."""
        return [name for name in self.points if name not in self.rules]

    def select(self, pattern):
        """Return the tests whose name matches pattern, in lab.conf's order."""
        names = [name for name in self.points if fnmatch.fnmatchcase(name, pattern)]
        if not names:
            raise Problem(f"no test of lab {self.number} matches '{pattern}'; "
                          f"tests: {', '.join(self.points)}")
        return names

    def step_sentence(self, step):
        """Say that a step is not written yet."""
        function = self.steps.get(step)
        if not function and not step.startswith(self.number + "."):
            return f"lab {step} is not written yet, and this lab needs it"
        what = f"{function}()" if function else "this step"
        return f"lab {step}: {what} is not written yet (see {self.header})"


def _section(parser, path, name, required=True):
    if parser.has_section(name):
        return dict(parser.items(name))
    if required:
        raise Problem(f"{path}: section [{name}] is missing")
    return {}


def _points(path, section):
    points = {}
    for name, text in section.items():
        words = text.split(";")[0].split()
        if len(words) != 1 or not words[0].isdigit() or int(words[0]) == 0:
            raise Problem(f"{path}: the points of {name} must be a whole number "
                          f"above 0, not '{text}'")
        points[name] = int(words[0])
    total = sum(points.values())
    if total != FULL_SCORE:
        raise Problem(f"{path}: the points sum to {total}, not {FULL_SCORE}")
    return points


def _subset(path, section, kind, known):
    for name in section:
        if name not in known:
            raise Problem(f"{path}: there is a {kind} for {name}, which is no test "
                          "of this lab, or has no points")
    return {name: " ".join(text.split()) for name, text in section.items()}


def read(path):
    """Read one lab.conf and check it; a Problem names what is wrong."""
    parser = configparser.ConfigParser(interpolation=None, delimiters=("=",))
    parser.optionxform = str        # test names keep their case
    try:
        with open(path, encoding="utf-8") as file:
            parser.read_file(file)
    except OSError as error:
        raise Problem(f"{path}: {error.strerror}") from None
    except (configparser.Error, UnicodeDecodeError) as error:
        raise Problem(f"{path}: {str(error).splitlines()[0]}") from None
    lab = _section(parser, path, "lab")
    for key in ("title", "file", "header", "guest"):
        if not lab.get(key):
            raise Problem(f"{path}: '{key} = ...' is missing in [lab]")
    folder = os.path.basename(os.path.dirname(os.path.abspath(path)))
    number = re.match(r"lab(\w+?)-", folder)
    if not number:
        raise Problem(f"{path}: its folder must be called labN-name")
    points = _points(path, _section(parser, path, "points"))
    hints = _section(parser, path, "hints", required=False)
    rules = _section(parser, path, "bench", required=bool(lab.get("bench")))
    return Lab(number.group(1), folder, lab["title"], lab["file"], lab["header"],
               lab["guest"], points, _subset(path, hints, "hint", points),
               _section(parser, path, "steps", required=False),
               modes.parse(path, lab.get("modes", "")), lab.get("bench", ""),
               _subset(path, rules, "rule", points),
               _section(parser, path, "reasons", required=False))


def find(root=ROOT):
    """Return {number: path of lab.conf} of the labs that exist."""
    paths = sorted(glob.glob(os.path.join(root, "labs", "lab*-*", "lab.conf")))
    return {re.match(r"lab(\w+?)-", path.split(os.sep)[-2]).group(1): path
            for path in paths}


def choose(number, root=ROOT):
    """Return the labs for '1' or 'all', or say which there are."""
    paths = find(root)
    known = ", ".join(paths) or "none yet"
    if not number:
        raise Problem(f"say which lab, as in LAB=1; labs: {known}")
    if number == "all":
        if not paths:
            raise Problem("there are no labs yet")
        return [read(path) for path in paths.values()]
    if number not in paths:
        raise Problem(f"there is no lab {number}; labs: {known}")
    return [read(paths[number])]


def guest_tests(path):
    """Return the names of a guest program's tests, None if it keeps no records."""
    records = _records(path)
    return None if records is None else [
        name.split(b"\0")[0].decode("ascii", "replace") for name, _, _ in records]


def guest_cpus(path):
    """How many CPUs a guest program wants; 1 for what is none."""
    try:
        records = _records(path) or []
    except (OSError, Problem):
        return 1
    return 2 if any(flags & TEST_NEEDS_CPUS for _, _, flags in records) else 1


def _records(path):
    """The records of a guest program's tests: (name, function, flags)."""
    with open(path, "rb") as file:
        data = file.read()
    if data[:5] != b"\x7fELF\x02" or len(data) < 64:
        raise Problem(f"{path} is not a 64-bit ELF file")
    table, = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    if size < 56 or table + size * count > len(data):
        raise Problem(f"{path} is truncated: its program headers are missing")
    for index in range(count):
        kind, _, offset = struct.unpack_from("<IIQ", data, table + size * index)
        length, = struct.unpack_from("<Q", data, table + size * index + 32)
        if kind == PT_TEST_RECORDS:
            records = data[offset:offset + length]
            records = records[:len(records) // RECORD.size * RECORD.size]
            return list(RECORD.iter_unpack(records))
    return None


def check_guest(lab, path):
    """Raise a Problem unless lab.conf and the guest program know the same tests."""
    names = guest_tests(path)
    if names is None:
        return
    conf = f"labs/{lab.folder}/lab.conf"
    for name in names:
        if name not in lab.guest_tests:
            raise Problem(f"{lab.guest} has the test {name}, which has no points in "
                          f"{conf}")
    for name in lab.guest_tests:
        if name not in names:
            raise Problem(f"{conf} gives points to {name}, but {lab.guest} has no such "
                          "test")
