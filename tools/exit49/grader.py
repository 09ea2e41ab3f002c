"""Grading one lab on one machine.

All tests run in one boot. What has no result after that (the machine went down or
stood still with some test) is run again, each test in a machine of its own: so
whatever one test does to the machine costs that test only, and it does not matter
which test the machine died of.

Which results count: lines on COM2 with this run's nonce, each test once.

A lab with several modes (modes.py) has all of this once a mode, at the same time if
there is a CPU for each of all vCPUs: two that wait for each other need milliseconds a
round where one of them has none. A test has passed if it passes in every mode in which
it is not skipped. Scenarios of the barrier bench (bench.py) need no machine; they run
beside all that.
"""
import concurrent.futures
import os
import secrets
import time
from dataclasses import dataclass, field, replace
from typing import Dict, List, Tuple

from . import bench, common, model, modes
from .common import Problem
from .labs import check_guest, guest_cpus
from .machine import run_machine
from .model import LabGrade, TestGrade
from .request import Request
from .tap import Reader

IDLE = 30.0
"""Wall-clock seconds without a word on COM2: the last resort, the hypervisor's own
watchdog is much quicker."""
ALONE_AT_ONCE = 4
SOURCES_OF_TEXT = ("rule", "seen", "expected", "at", "stop", "step", "message")


@dataclass
class Run:
    """What one boot told."""

    reader: Reader
    outcome: object
    seconds: Dict[str, float]

    def grades_of(self, name):
        return [result for result in self.reader.results if result.name == name]


def boot(request, pattern="", exits=False, on_result=None, on_tick=None):
    """Boot once with a fresh nonce and return a Run. pattern: test=, '' for all."""
    nonce = secrets.token_hex(8)
    words = [f"nonce={nonce}"] + ([f"test={pattern}"] if pattern else [])
    words += ["exits=1"] if exits else []
    seconds = {}
    last = [time.monotonic()]

    def timed(result):
        now = time.monotonic()
        seconds.setdefault(result.name, now - last[0])
        last[0] = now
        if on_result:
            on_result(result)

    reader = Reader(nonce, timed)

    def line(text):
        reader.feed(text)
        if text.startswith(("TAP version", "1..")):
            last[0] = time.monotonic()

    append = " ".join([request.append] + words).strip()
    outcome = run_machine(replace(request, append=append), line, on_tick=on_tick)
    reader.finish()
    return Run(reader, outcome, seconds)


def _require_boot(run):
    """A machine that did not come up is the environment's fault, not a test's."""
    outcome = run.outcome
    if outcome.status == common.USAGE or run.reader.bail_out:
        raise Problem(f"the hypervisor refused to run: "
                      f"{run.reader.bail_out or outcome.sentence}")
    if not run.reader.started and not run.reader.results:
        raise Problem("the hypervisor did not come up: "
                      f"{outcome.sentence or 'it printed no TAP on COM2'}")


def _grade_result(lab, result, seconds):
    """Turn one result line into a TestGrade."""
    grade = TestGrade(result.name, lab.points[result.name],
                      model.PASSED if result.ok else model.FAILED, seconds,
                      backtrace=result.items("backtrace"), fields=result.fields)
    for key in SOURCES_OF_TEXT:
        setattr(grade, key, result.text(key))
    if result.skipped:
        grade.verdict = model.SKIPPED
    if grade.verdict == model.FAILED:
        grade.hint = lab.hints.get(result.name, "")
        if grade.stop == "step":
            grade.verdict = model.UNWRITTEN
            grade.hint = ""
            if grade.step in lab.steps or not grade.message:
                grade.message = lab.step_sentence(grade.step)
    return grade


def _grade_missing(lab, name, outcome):
    """A test that got no result even in a machine of its own."""
    hung = outcome.status == common.TIMED_OUT
    words = outcome.sentence or "the machine ended without this test's result"
    return TestGrade(name, lab.points[name], model.HUNG if hung else model.CRASHED,
                     outcome.seconds, stop="machine", message=words,
                     hint=lab.hints.get(name, ""))


def _grade_one(lab, name, run):
    results = run.grades_of(name)
    if not results:
        return _grade_missing(lab, name, run.outcome)
    grade = _grade_result(lab, results[0], run.seconds.get(name, 0.0))
    if len(results) > 1:
        grade.verdict = model.DUPLICATE
        grade.message = (f"this test was reported {len(results)} times; "
                         "a test reports once")
    return grade


def _check_names(lab, run, wanted, whole_lab):
    """lab.conf and the guest must know the same tests."""
    seen = [result.name for result in run.reader.results]
    for name in seen:
        if name not in lab.points:
            raise Problem(f"{lab.guest} ran the test {name}, which has no points in "
                          f"labs/{lab.folder}/lab.conf")
    complete = run.outcome.status == common.RAN and run.reader.plan == len(set(seen))
    missing = [name for name in wanted if name not in seen]
    if complete and missing and (whole_lab or not seen):
        raise Problem(f"labs/{lab.folder}/lab.conf gives points to {missing[0]}, but "
                      f"{lab.guest} has no such test")
    return missing


def _patterns(wanted, options):
    """Return the test= values of the first boots for what is to be graded."""
    if options.names:
        return wanted
    if options.pattern in ("", "*"):
        return [""]
    # The hypervisor knows * and ?; other patterns are spelled out.
    return wanted if "[" in options.pattern else [options.pattern]


def _run_alone(lab, request, names, options):
    """Run each test in a machine of its own; return {name: Run}."""
    def alone(name):
        return boot(request, name, options.exits)
    count = min(ALONE_AT_ONCE, common.cpus_here())
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return dict(zip(names, pool.map(alone, names)))


@dataclass
class Options:
    """How to grade. names are the tests to run, each in a machine of its own; without
    them pattern selects. mode is one of modes.MODES, '' for those of the lab; idle in
    seconds without a result; cpus 0 for as many as the guest wants; x86: the barrier
    bench hides what x86 hides."""

    machine: str = "qemu"
    pattern: str = ""
    names: Tuple[str, ...] = ()
    mode: str = ""
    exits: bool = False
    idle: float = IDLE
    cpus: int = 0
    icount: bool = False
    x86: bool = False
    on_result: object = None
    on_tick: object = None


@dataclass
class Graded:
    """A grade and, if asked for, {test: [(reason, text)]} of its exits."""

    grade: LabGrade
    exits: Dict[str, list]


def _first_step(lab, tests):
    """The sentence about the earliest unwritten step, or ''."""
    def key(step):
        return [int(part) if part.isdigit() else 0 for part in step.split(".")]
    steps = sorted({test.step for test in tests if test.verdict == model.UNWRITTEN},
                   key=key)
    return next((test.message for test in tests
                 if steps and test.step == steps[0]), "")


@dataclass
class ModeGrade:
    """What one mode gave: a TestGrade for each wanted test, in their order."""

    tests: List[TestGrade]
    runs: List[Run]
    exits: Dict[str, list]
    deaths: List[str] = field(default_factory=list)


def _notes(graded: List[ModeGrade]):
    notes = []
    ignored = sum(len(run.reader.ignored) for one in graded for run in one.runs)
    if ignored:
        notes.append(f"{ignored} line{'s' * (ignored > 1)} looked like results but did "
                     "not come from the test driver; not counted")
    return notes + [f"{death}; the tests left were run one by one"
                    for one in graded for death in one.deaths]


def _grade_mode(lab, request, wanted, options):
    """Run all wanted tests in the mode that the request is for."""
    found, runs, deaths = {}, [], []
    for pattern in _patterns(wanted, options):
        run = boot(request, pattern, options.exits, options.on_result, options.on_tick)
        _require_boot(run)
        runs.append(run)
        if run.outcome.status != common.RAN:
            deaths.append(run.outcome.sentence)
        _check_names(lab, run, wanted, whole_lab=not pattern)
        for result in run.reader.results:
            found[result.name] = run
    missing = [name for name in wanted if name not in found]
    alone = _run_alone(lab, request, missing, options)
    found.update(alone)
    tests = [_grade_one(lab, name, found[name]) for name in wanted]
    exits = {name: found[name].reader.exits.get(name, []) for name in wanted}
    return ModeGrade(tests, runs + list(alone.values()), exits, deaths)


def _merge(names, grades):
    """One test in several modes: one TestGrade, None if it was skipped in all."""
    ran = {mode: one for mode, one in zip(names, grades)
           if one.verdict != model.SKIPPED}
    failed = {mode: one for mode, one in ran.items() if one.verdict != model.PASSED}
    if not ran:
        return None
    merged = next(iter((failed or ran).values()))
    merged.seconds = sum(one.seconds for one in ran.values())
    merged.mode = modes.sentence(list(failed), names) if failed else ""
    return merged


def _name_exits(names, graded):
    """{test: exits}; a test of a mode other than the first is called test@mode."""
    return {name + (f"@{mode}" if mode != names[0] else ""): taken
            for mode, one in zip(names, graded) for name, taken in one.exits.items()}


def _at_once(request, count):
    """How many of so many machines to run at the same time."""
    # Bochs has one thread for all its CPUs: they need not be there together.
    cpus = 1 if request.machine == "bochs" else request.cpus
    return count if cpus == 1 else max(1, min(count, common.cpus_here() // cpus))


def _grade_guests(lab, image, wanted, options):
    """Boot the guest program once a mode; return (TestGrades, exits, notes)."""
    if not wanted:
        return [], {}, []
    names = (options.mode,) if options.mode else lab.modes
    guest = image.guest(lab.guest)
    common.require_file(guest, "the guest program")
    check_guest(lab, guest)
    request = Request(machine=options.machine, image=image.path, modules=[guest],
                      idle=options.idle, cpus=options.cpus or guest_cpus(guest),
                      icount=options.icount)
    count = _at_once(request, len(names))
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        graded = list(pool.map(lambda mode: _grade_mode(
            lab, replace(request, append=modes.WORDS[mode]), wanted, options), names))
    merged = [_merge(names, grades) for grades in zip(*(one.tests for one in graded))]
    tests = [test for test in merged if test]
    return tests, _name_exits(names, graded), _notes(graded)


def grade_lab(lab, image, source, options, program=None):
    """Grade a built lab; return Graded. Raises Problem when nothing can be graded.

    image may be None if no guest test is wanted. Without a program (bench.Program)
    there are no scenarios.
    """
    started = time.monotonic()
    names = (options.mode,) if options.mode else lab.modes
    wanted = list(options.names) or lab.select(options.pattern or "*")
    scenarios = [name for name in wanted if name in lab.rules and program]
    guests = [name for name in wanted if name not in lab.rules]
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        benched = pool.submit(bench.run, lab, program, scenarios, options) \
            if scenarios else None
        tests, exits, notes = _grade_guests(lab, image, guests, options)
        tests += list(benched.result().values()) if benched else []
    tests = sorted(tests, key=lambda test: wanted.index(test.name))
    if not tests:
        raise Problem(f"none of these tests has a meaning with "
                      f"{' or '.join(modes.MODES[name] for name in names)}")
    grade = LabGrade(lab.number, lab.title, source, options.machine,
                     sum(lab.points.values()), tests, notes=notes,
                     first_step=_first_step(lab, tests), tests_in_lab=len(lab.points),
                     seconds=time.monotonic() - started, modes=names)
    return Graded(grade, exits)


def uncompiled(lab, source, machine, words):
    """The grade of a lab whose file does not compile."""
    return LabGrade(lab.number, lab.title, source, machine, sum(lab.points.values()),
                    build_error=words, tests_in_lab=len(lab.points))


def refused(lab, source, machine, words):
    """The grade of a lab whose file uses what no lab's file may."""
    return LabGrade(lab.number, lab.title, source, machine, sum(lab.points.values()),
                    refusal=words, tests_in_lab=len(lab.points))
