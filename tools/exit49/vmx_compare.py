"""Comparing two recorded runs exit by exit and field by field.

Exits are paired by reason and RIP, test by test and CPU by CPU; whatever has no
partner, and whatever field differs, must be allowed by a rule (vmx_rules.py).
"""
import difflib
from dataclasses import dataclass

from .vmx_records import tell

MASK64 = (1 << 64) - 1


@dataclass
class Difference:
    """One thing that no rule allows."""

    test: str
    cpu: int
    number: int     # of the exit, on the first machine that has it
    exit: dict
    sentence: str


@dataclass
class Side:
    """A run and the machine it is of."""

    machine: str
    tests: dict


class Comparison:
    """Compares two sides; what it finds is in its fields."""

    def __init__(self, rules, variant):
        self.rules, self.variant = rules, variant
        self.differences = []
        self.paired = self.unpaired = self.equal = 0
        self.reasons = set()    # compared
        self.alone = {}         # reason -> machines that have it without a partner
        self.bad = set()

    def compare(self, one, other, cpus=None):
        """Compare all tests. cpus: CPU of `one` -> CPU of `other`, default the same."""
        for test, cpu in sorted(set(one.tests) | set(other.tests)):
            if cpus is None:
                self._test(test, (one, cpu), (other, cpu))
            elif cpu in cpus:
                self._test(test, (one, cpu), (other, cpus[cpu]))

    def _complain(self, place, exit_, sentence):
        test, cpu, number = place
        self.bad.add((test, cpu))
        self.differences.append(Difference(test, cpu, number, exit_, sentence))

    def _test(self, test, one, other):
        rules = [rule for rule in self.rules if rule.is_for(test, self.variant)]
        (side, cpu), (other_side, other_cpu) = one, other
        exits = side.tests.get((test, cpu))
        others = other_side.tests.get((test, other_cpu))
        if exits is None or others is None:
            there = side if others is None else other_side
            self._complain((test, cpu, 0), None,
                           f"has records on {there.machine} only")
            return
        match = difflib.SequenceMatcher(None, _keys(exits), _keys(others), False)
        for tag, i, i_end, j, j_end in match.get_opcodes():
            if tag == "equal":
                for k in range(i_end - i):
                    self._pair(rules, (test, cpu, i + k),
                               (side.machine, exits[i + k]),
                               (other_side.machine, others[j + k]))
                continue
            self._alone(rules, (test, cpu, i), side.machine, exits[i:i_end])
            self._alone(rules, (test, cpu, j), other_side.machine, others[j:j_end])

    def _alone(self, rules, place, machine, exits):
        test, cpu, number = place
        for k, exit_ in enumerate(exits):
            self.unpaired += 1
            self.alone.setdefault(exit_["reason"], set()).add(machine)
            allowed = [rule for rule in rules if rule.special == "only-" + machine
                       and rule.holds({machine: exit_})]
            if allowed:
                allowed[0].used += 1
            else:
                self._complain((test, cpu, number + k), exit_,
                               f"comes on {machine} alone")

    def _pair(self, rules, place, one, other):
        (machine, exit_), (other_machine, other_exit) = one, other
        self.paired += 1
        self.reasons.add(exit_["reason"])
        fine = True
        for name in sorted(set(exit_) | set(other_exit)):
            value, other_value = exit_.get(name, 0), other_exit.get(name, 0)
            rest = (value ^ other_value) & ~self._allowed(
                rules, name, value ^ other_value,
                {machine: exit_, other_machine: other_exit}) & MASK64
            if rest:
                fine = False
                self._complain(place, exit_, f"{name} is {value:x} on {machine}, "
                                             f"{other_value:x} on {other_machine}")
        self.equal += fine

    def _allowed(self, rules, name, bits, exits):
        """The bits of a field that may differ; notes which rules were needed."""
        allowed = 0
        for rule in rules if bits else ():
            mask = rule.fields.get(name, 0)
            if bits & mask & ~allowed and rule.holds(exits):
                rule.used += 1
                allowed |= mask
        return allowed


def count_reasons(comparison):
    """One sentence: how many exit reasons were compared, and which could not be."""
    alone = [f"{tell({'reason': reason})} on {' and '.join(sorted(machines))}"
             for reason, machines in sorted(comparison.alone.items())
             if reason not in comparison.reasons]
    text = f"{len(comparison.reasons)} exit reasons compared"
    return text + (f", and recorded alone: {', '.join(alone)}" if alone else "")


def _keys(exits):
    return [(e["reason"], e.get("failed", 0), e.get("fail", 0), e.get("rip", 0))
            for e in exits]


def describe(difference, line_of):
    """One sentence. line_of(exit) gives the guest's source line."""
    place = f"{difference.test}"
    if difference.cpu:
        place += f" on CPU {difference.cpu}"
    if difference.exit is None:
        return f"{place} {difference.sentence}"
    return (f"{place}: exit {difference.number}, {tell(difference.exit)} at "
            f"{line_of(difference.exit)}: {difference.sentence}")
