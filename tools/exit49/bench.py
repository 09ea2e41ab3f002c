"""The barrier bench as part of a lab: each scenario of a program is a test.

The student's file is compiled against bus/bench/ and runs on this computer, a process
a scenario. What the program says is read here: PASS, or FAIL with the reason, the
simplest execution that goes wrong, why, and what mends it.
"""
import concurrent.futures
import fcntl
import os
import re
import subprocess
import time
from dataclasses import dataclass

from . import common, model
from .build import MAKE, clean_environment
from .common import ROOT, Problem
from .model import Event, TestGrade

FOLDER = "bus/bench/test/"
LIMIT = 10
"""Seconds that a scenario may take; the reference needs less than one."""
UNWRITTEN = re.compile(r"lab (\d\w*\.\d+): .* is not written yet")
EVENT = re.compile(r" {6}\s*(\d+)  (.{9})  (\S*) +(.*)$")
STEP = re.compile(r"\bstep (\d+)\b")
ABOUT_MEMORY = re.compile(r"\bstep \d|deadlock|endless|never ends|invalid address|"
                          "uninitialised|leaked|free|out of bounds|section|"
                          "all CPUs share")
NO_BARRIER = ("no step reads an old value, so this is no matter of barriers: look at "
              "the tests in the VM first, or at `make host`")
BELOW = " " * 41


@dataclass
class Program:
    """A lab's scenarios with the file to grade in them."""

    path: str
    words: str = ""
    """The compiler's, if it did not make the program."""


def _make(*goals):
    compiler = os.environ.get("HOSTCC") or "gcc"
    return subprocess.run(
        [MAKE, "-s", "--no-print-directory", f"-j{common.cpus_here()}", "-f",
         "bus/bench/build.mk", f"BENCHCC={compiler}", *goals],
        cwd=ROOT, env=clean_environment(), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        errors="replace", check=False)


def build(lab, source, out):
    """Make the lab's program with the file `source`, below the folder `out`."""
    os.makedirs(os.path.join(ROOT, "build"), exist_ok=True)
    path = os.path.join(ROOT, "build", ".bench.lock")
    with open(path, "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = _make("bench")
    if done.returncode:
        raise Problem("the barrier bench does not build:\n" + done.stdout.strip())
    to = os.path.join(out, "bench")
    path = os.path.join(to, FOLDER, lab.bench)
    done = _make(f"TO={to}", f"SWAP=solutions/{lab.folder}/{lab.file}={source}", path)
    words = done.stdout.replace(ROOT + os.sep, "").strip() if done.returncode else ""
    if words and lab.file not in words:
        raise Problem(f"{FOLDER}{lab.bench}.c does not build:\n{words}")
    return Program(os.path.join(ROOT, path), words)


def check(lab, program):
    """Raise a Problem unless lab.conf and the program know the same scenarios."""
    if program.words:
        return
    names = subprocess.run([program.path, "--list"], capture_output=True, text=True,
                           check=False).stdout.split()
    conf = f"labs/{lab.folder}/lab.conf"
    for name in names:
        if name not in lab.rules:
            raise Problem(f"{FOLDER}{lab.bench}.c has the scenario {name}, which has "
                          f"no rule in {conf}")
    for name in lab.rules:
        if name not in names:
            raise Problem(f"{conf} has a rule for {name}, but {FOLDER}{lab.bench}.c "
                          "has no such scenario")


def _events(lines):
    """The trace of an execution, as Events."""
    events = []
    for line in lines:
        match = EVENT.match(line)
        if match:
            number, thread, where, effect = match.groups()
            events.append(Event(int(number), thread.strip(), where, effect))
        elif events and line.startswith(BELOW + "| "):
            events[-1].source = line[len(BELOW) + 2:]
        elif events and line.startswith(BELOW + "^ "):
            events[-1].note = line[len(BELOW) + 2:]
    return events


def _sentences(lines, label):
    """What follows `label:`, lines that go on with it included."""
    found, inside = [], False
    for line in lines:
        start = re.match(r" {6}(\w+): (.*)$", line)
        if start:
            inside = start.group(1) == label
            if inside:
                found.append(start.group(2))
        elif inside and line.startswith(" " * 11):
            found[-1] += " " + line.strip()
        else:
            inside = False
    return found


def _renumber(grade):
    """Steps count from 1, and nobody misses those that are not shown."""
    new = {event.step: number for number, event in enumerate(grade.execution, 1)}

    def again(text):
        return STEP.sub(lambda match: "step %d" % new.get(int(match.group(1)), 0), text)
    for event in grade.execution:
        event.step, event.note = new[event.step], again(event.note)
    grade.seen, grade.why = again(grade.seen), again(grade.why)


def _explain(grade):
    """Say so when the order of memory has nothing to do with it: no step reads an old
    value, and what is said to be wrong is what the device has answered."""
    if not (grade.why or grade.fix or ABOUT_MEMORY.search(grade.seen)
            or any(event.note for event in grade.execution)):
        grade.why = NO_BARRIER


def _mark(grade):
    """Which events the reason, the notes and the verdict speak of."""
    told = " ".join([grade.seen, grade.why] + [event.note for event in grade.execution])
    named = {int(number) for number in STEP.findall(told)}
    for event in grade.execution:
        event.matters = bool(event.note) or event.step in named
    for event in grade.execution[-1 if named else -3:]:
        event.matters = True


def read_failure(grade, text):
    """Fill a TestGrade with what the program says below FAIL."""
    lines = text.splitlines()
    head = lines[0].split("  ", 2)[-1] if lines else ""
    if len(lines) < 2:
        grade.seen = head
        return
    grade.seen = re.sub("^alone: ", "with no other thread: ", lines[1].strip(" ;"))
    grade.execution = _events(lines[2:])
    grade.why = " ".join(_sentences(lines[2:], "why"))
    grade.fix = " ".join(_sentences(lines[2:], "try"))
    written = UNWRITTEN.search(grade.seen)
    if written:
        grade.verdict, grade.stop = model.UNWRITTEN, "step"
        grade.step, grade.message = written.group(1), written.group(0)
    _renumber(grade)
    _explain(grade)
    _mark(grade)


def _judge(grade, done):
    """Read what the process of one scenario has left."""
    text = done.stdout.strip()
    if done.returncode == 0 and text.startswith("PASS"):
        grade.verdict = model.PASSED
    elif done.returncode == 1 and text.startswith("FAIL"):
        read_failure(grade, text)
    else:
        grade.verdict, grade.stop = model.CRASHED, "bench"
        ends = text.splitlines()[-1:] or ["not a word"]
        grade.message = (f"the scenario's process ended with status {done.returncode}; "
                         f"its last words: {ends[0]}")


def _hint(lab, grade):
    """What is to be done about the reason, else about this scenario."""
    return next((hint for words, hint in lab.reasons.items() if words in grade.seen),
                lab.hints.get(grade.name, ""))


def _run_one(lab, program, name, words):
    grade = TestGrade(name, lab.points[name], model.FAILED, rule=lab.rules[name])
    started = time.monotonic()
    try:
        done = subprocess.run(
            [program.path, "--try", f"--limit={LIMIT}", *words, name],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, errors="replace", timeout=3 * LIMIT, check=False, cwd=ROOT)
        _judge(grade, done)
    except subprocess.TimeoutExpired:
        grade.verdict, grade.stop = model.HUNG, "bench"
        grade.message = f"not finished after {3 * LIMIT} s"
    grade.seconds = time.monotonic() - started
    if grade.verdict not in (model.PASSED, model.UNWRITTEN) \
            and grade.why != NO_BARRIER:
        grade.hint = _hint(lab, grade)
    if grade.verdict == model.UNWRITTEN:
        grade.seen, grade.execution = "", []
        grade.message = lab.step_sentence(grade.step)
    return grade


def _uncompiled(lab, program, name):
    words = ("the file compiles for the image, but not for this computer: "
             + program.words.splitlines()[0])
    return TestGrade(name, lab.points[name], model.FAILED, stop="bench", message=words,
                     rule=lab.rules[name])


def run(lab, program, names, options):
    """Run these scenarios as grader.Options say; return {name: TestGrade}."""
    if program.words:
        return {name: _uncompiled(lab, program, name) for name in names}
    check(lab, program)

    def one(name):
        grade = _run_one(lab, program, name, ["--x86"] if options.x86 else [])
        if options.on_result:
            options.on_result(grade)
        return grade
    with concurrent.futures.ThreadPoolExecutor(common.cpus_here()) as pool:
        return dict(zip(names, pool.map(one, names)))
