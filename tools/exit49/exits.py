"""Comparing two machines by their VM exits, test by test.

Bochs' VMX was written by other people than softvmx; where both make a guest exit for
the same reason, at the same address, with the same qualification, both are most likely
right. Compared is what the SDM defines (SDM 3C 28.2.1): the guest-physical address of
EPT violations and misconfigurations, and the exit qualification's defined bits.

A file of exits is what `tools/grade --exits FILE` writes: lines of
    lab1/first_touch 48 gpa=0xd0000000 qual=0x181 rip=0x401000 len=3
"""
import fnmatch
import re
from dataclasses import dataclass
from typing import Dict, Optional, Tuple

from .common import Problem

ALL_BITS = (1 << 64) - 1
# Exit reason -> the bits of the exit qualification which are defined for it. Reasons
# that are not listed have none.
QUALIFICATION = {
    1: 0, 3: 0,
    0: ALL_BITS,                        # page fault address, DR6 bits of #DB
    4: 0xff,                            # SIPI vector
    9: 0xc000ffff,                      # task switch
    14: ALL_BITS, 58: ALL_BITS,         # INVLPG, INVPCID
    28: 0xffff0f7f,                     # control-register access
    29: 0xf17,                          # MOV DR
    30: 0xffff007f,                     # I/O instruction
    48: 0x11bf,                         # EPT violation: not 6 (MBEC), 9-11
}
EPT_VIOLATION, EPT_MISCONFIG = 48, 49
GLA_VALID, NOT_PAGE_WALK = 1 << 7, 1 << 8
NAMES = {0: "exception or NMI", 1: "external interrupt", 2: "triple fault",
         7: "interrupt window", 10: "CPUID", 12: "HLT", 18: "VMCALL",
         28: "control-register access", 30: "I/O instruction", 31: "RDMSR", 32: "WRMSR",
         48: "EPT violation", 49: "EPT misconfiguration"}


@dataclass(frozen=True)
class Exit:
    """What of an exit can be compared; None where the SDM defines nothing."""

    reason: int
    gpa: Optional[int]
    qualification: int
    text: str = ""

    def key(self):
        return self.reason, self.gpa, self.qualification


@dataclass(frozen=True)
class Allowed:
    """One line of the file of allowed differences."""

    tests: str
    what: str       # skip, gpa or qual
    reason: int
    mask: int
    because: str


def _number(text, words):
    match = re.search(rf"\b{text}=(0x[0-9a-fA-F]+|\d+)", words)
    return int(match.group(1), 0) if match else 0


def parse_exit(reason, words):
    """Make an Exit of a reason and 'gpa=0x... qual=0x... rip=... len=...'."""
    qualification = _number("qual", words) & QUALIFICATION.get(reason, 0)
    if reason == EPT_VIOLATION and not qualification & GLA_VALID:
        qualification &= ~NOT_PAGE_WALK     # bit 8 says something only with bit 7
    gpa = _number("gpa", words) if reason in (EPT_VIOLATION, EPT_MISCONFIG) else None
    return Exit(reason, gpa, qualification, words)


def write_exits(stream, lab, exits):
    """Write {test: [(reason, words)]} as lines."""
    for name, taken in exits.items():
        # Also a test without exits is told, so that a missing test shows.
        stream.write(f"lab{lab}/{name}\n")
        for reason, words in taken:
            stream.write(f"lab{lab}/{name} {reason} {words}\n")


def read_exits_of(lab, exits):
    """The same as what write_exits() and read_exits() would give."""
    return {f"lab{lab}/{name}": [parse_exit(*one) for one in taken]
            for name, taken in exits.items()}


def _read_lines(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().splitlines()
    except OSError as error:
        raise Problem(f"cannot read {path}: {error.strerror}") from None


def read_exits(path) -> Dict[str, list]:
    """Read a file of exits into {test: [Exit]}."""
    tests = {}
    for number, line in enumerate(_read_lines(path), 1):
        match = re.match(r"(\S+)(?: (\d+)\b(.*))?$", line)
        if not match:
            raise Problem(f"{path}:{number}: this is not a line of exits: {line}")
        taken = tests.setdefault(match.group(1), [])
        if match.group(2):
            taken.append(parse_exit(int(match.group(2)), match.group(3).strip()))
    if not tests:
        raise Problem(f"{path} has no tests in it")
    return tests


def read_allowed(path):
    """Read the allowed differences: 'TESTS | WHAT REASON [MASK] | because'."""
    allowed = []
    for number, line in enumerate(_read_lines(path), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = re.match(r"(\S+)\s*\|\s*(skip|gpa|qual)\s+(\d+)(?:\s+(0x[0-9a-f]+))?"
                         r"\s*\|\s*(\S.*)$", line)
        if not match:
            raise Problem(f"{path}:{number}: expected 'TESTS | skip|gpa|qual REASON "
                          "[MASK] | because'")
        tests, what, reason, mask, because = match.groups()
        allowed.append(Allowed(tests, what, int(reason), int(mask or "-1", 0),
                               because))
    return allowed


def _apply(name, taken, allowed):
    """Return the comparable keys of a test's exits."""
    rules = [rule for rule in allowed if fnmatch.fnmatchcase(name, rule.tests)]
    kept = []
    for one in taken:
        mine = [rule for rule in rules if rule.reason == one.reason]
        if any(rule.what == "skip" for rule in mine):
            continue
        gpa, qualification = one.gpa, one.qualification
        for rule in mine:
            gpa = None if rule.what == "gpa" else gpa
            qualification &= ~rule.mask if rule.what == "qual" else ALL_BITS
        kept.append(Exit(one.reason, gpa, qualification, one.text))
    return kept


def _tell(one):
    name = NAMES.get(one.reason, "exit")
    words = f"{name} ({one.reason})"
    if one.gpa is not None:
        words += f" at {one.gpa:#x}"
    if one.qualification:
        words += f" qualification {one.qualification:#x}"
    return words


def compare(first, second, names: Tuple[str, str], allowed=()):
    """Compare two {test: [Exit]}; return a sentence for each test that differs."""
    sentences = []
    for test in sorted(set(first) | set(second)):
        if test not in first or test not in second:
            there, not_there = names if test in first else names[::-1]
            sentences.append(f"{test}: ran on {there}, not on {not_there}")
            continue
        ours = _apply(test, first[test], allowed)
        theirs = _apply(test, second[test], allowed)
        sentence = _first_difference(ours, theirs, names)
        if sentence:
            sentences.append(f"{test}: {sentence}")
    return sentences


def _first_difference(ours, theirs, names):
    for number, (one, other) in enumerate(zip(ours, theirs), 1):
        if one.key() != other.key():
            return (f"exit {number} is {_tell(one)} on {names[0]}, "
                    f"{_tell(other)} on {names[1]}")
    if len(ours) == len(theirs):
        return ""
    more, less = (ours, theirs) if len(ours) > len(theirs) else (theirs, ours)
    which = names if len(ours) > len(theirs) else names[::-1]
    return (f"{which[0]} has {len(more)} exits, {which[1]} {len(less)}; the first one "
            f"more is {_tell(more[len(less)])}")
