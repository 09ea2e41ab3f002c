"""The one result model: what grading found out, without a word about how it looks.

Verdicts:
    passed      the guest's own checks all held; no execution of the scenario is wrong
    failed      a check, or the hypervisor, stopped the test; `stop` says how
    unwritten   it ran into a step of the lab that is not written yet
    crashed     the whole machine went down with it, also when it ran alone
    hung        the whole machine stood still, also when it ran alone
    duplicate   it was reported more than once: something is forging results
    skipped     it has no meaning in this mode: never seen in a finished grade
"""
from dataclasses import dataclass, field
from typing import Dict, List, Tuple

PASSED, FAILED, UNWRITTEN, CRASHED, HUNG, DUPLICATE, SKIPPED = (
    "passed", "failed", "unwritten", "crashed", "hung", "duplicate", "skipped")


@dataclass
class Event:
    """One step of an execution on the barrier bench. source is its line of C; note says
    what is wrong with it; matters: the reason speaks of it."""

    step: int
    thread: str
    where: str
    effect: str
    source: str = ""
    note: str = ""
    matters: bool = False


@dataclass
class TestGrade:
    """One test. seconds are of the wall clock, for people; nothing depends on them."""

    name: str
    max: int
    verdict: str
    seconds: float = 0.0
    rule: str = ""
    seen: str = ""
    expected: str = ""
    at: str = ""
    hint: str = ""
    stop: str = ""
    step: str = ""
    message: str = ""
    backtrace: List[str] = field(default_factory=list)
    fields: Dict[str, object] = field(default_factory=dict)
    """Every field of the result, as the guest told it."""
    mode: str = ""
    """In which of the lab's modes it failed, as a clause; '' if it has just one."""
    execution: List[Event] = field(default_factory=list)
    """A scenario's: the simplest way in which it goes wrong."""
    why: str = ""
    fix: str = ""

    @property
    def points(self):
        return self.max if self.verdict == PASSED else 0


@dataclass
class LabGrade:
    """One lab on one machine."""

    lab: str
    title: str
    source: str
    machine: str
    full: int
    tests: List[TestGrade] = field(default_factory=list)
    build_error: str = ""
    """The compiler's words when the lab's file does not compile."""
    refusal: str = ""
    """Why the lab's file was not run although it compiles."""
    notes: List[str] = field(default_factory=list)
    first_step: str = ""
    """The sentence for the first step that is not written yet."""
    tests_in_lab: int = 0
    seconds: float = 0.0
    modes: Tuple[str, ...] = ()

    @property
    def score(self):
        return sum(test.points for test in self.tests)

    @property
    def max(self):
        """What could be reached: all points, or those of the chosen tests."""
        return sum(test.max for test in self.tests) if self.tests else self.full

    @property
    def is_full(self):
        return bool(self.tests) and self.score == self.max

    def verdicts(self):
        """What must be equal from run to run: everything but the times."""
        return [(test.name, test.verdict, test.stop, test.seen, test.expected, test.at,
                 test.mode) for test in self.tests]
