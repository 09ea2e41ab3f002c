"""Which differences between two machines' exits are allowed: tools/vmx-allowed.txt.

    TESTS | FIELDS | CONDITIONS | because

TESTS is a glob over test names, with `noept:` or `smp:` before it when the rule holds
in that variant only. FIELDS are names, with `&MASK` (hexadecimal) for the bits that may
differ. CONDITIONS are words `NAME=V,V`, `NAME!=V,V` or `NAME&MASK=V,V`, all of which
must hold for both exits, or for one of them with `qemu.` or `bochs.` in front; `reason`
is decimal, everything else hexadecimal. In place of FIELDS may stand

    only-qemu, only-bochs   such an exit comes on that machine alone
    skip-qemu, skip-bochs   that machine skips the test

The last column begins with what permits it: a section of the SDM which leaves the
field undefined, or the machine that is known to be wrong.
"""
import fnmatch
import re
from dataclasses import dataclass, field
from typing import Dict, List, Tuple

from .common import Problem

ALL_BITS = (1 << 64) - 1
SPECIAL = re.compile(r"(only|skip)-(qemu|bochs)$")
CONDITION = re.compile(r"(?:(qemu|bochs)\.)?(\w+)(?:&([0-9a-f]+))?(!?=)([0-9a-f,]+)$")
PERMITS = re.compile(r"(SDM (\d[A-D] )?\d+(\.\d+)*|Bochs 2\.7|QEMU 7\.2): \S")


@dataclass
class Condition:
    """One word of the third column."""

    machine: str
    name: str
    mask: int
    wanted: bool
    values: Tuple[int, ...]

    def holds(self, exit_):
        value = exit_.get(self.name, 0) & self.mask
        return (value in self.values) == self.wanted


@dataclass
class Rule:
    """One line."""

    number: int
    variant: str
    tests: str
    special: str = ""
    fields: Dict[str, int] = field(default_factory=dict)
    conditions: List[Condition] = field(default_factory=list)
    because: str = ""
    used: int = 0

    def is_for(self, test, variant):
        return self.variant in ("", variant) and fnmatch.fnmatchcase(test, self.tests)

    def holds(self, exits):
        """exits: {machine: exit}; a machine that is not in it does not count."""
        for condition in self.conditions:
            for machine, exit_ in exits.items():
                if condition.machine in ("", machine) and not condition.holds(exit_):
                    return False
        return True


def _condition(word):
    match = CONDITION.match(word)
    if not match:
        return None
    machine, name, mask, operator, values = match.groups()
    base = 10 if name == "reason" else 16
    try:
        numbers = tuple(int(value, base) for value in values.split(","))
    except ValueError:
        return None
    return Condition(machine or "", name, int(mask, 16) if mask else ALL_BITS,
                     operator == "=", numbers)


def _fields(text):
    fields = {}
    for word in text.split():
        match = re.match(r"(\w+)(?:&([0-9a-f]+))?$", word)
        if not match:
            return None
        fields[match.group(1)] = int(match.group(2) or "f" * 16, 16)
    return fields


def parse_rule(number, line):
    """Make a Rule; None when the line is not one."""
    columns = [column.strip() for column in line.split("|")]
    if len(columns) != 4 or not PERMITS.match(columns[3]):
        return None
    match = re.match(r"(?:(noept|smp):)?(\S+)$", columns[0])
    conditions = [_condition(word) for word in columns[2].split()]
    if not match or None in conditions:
        return None
    rule = Rule(number, match.group(1) or "", match.group(2), conditions=conditions,
                because=columns[3])
    if SPECIAL.match(columns[1]):
        rule.special = columns[1]
    else:
        rule.fields = _fields(columns[1])
    return rule if rule.special or rule.fields else None


def read_rules(path):
    """Read the file; a Problem for a line that is none."""
    try:
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
    except OSError as error:
        raise Problem(f"cannot read {path}: {error.strerror}") from None
    rules = []
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        rule = parse_rule(number, line)
        if not rule:
            raise Problem(f"{path}:{number}: expected 'TESTS | FIELDS | CONDITIONS | "
                          "SDM section, or Bochs 2.7, or QEMU 7.2: because'")
        rules.append(rule)
    return rules
