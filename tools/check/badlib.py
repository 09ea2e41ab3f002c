"""What the checks of bad input share: a case, scratch files, and the verdict on it.

A case is a command that cannot do what it is asked for. Whatever was wrong, it has to
end by itself within its limit, with the right exit status, and with one sentence that
says what to do; a traceback is a bug of ours whatever else it says.
"""
import concurrent.futures
import os
import re
import shutil
import signal
import subprocess
from dataclasses import dataclass, field
from typing import Dict, List, Optional

AT_ONCE = 2
# What make adds about itself to the words of the command that it called.
MAKES_OWN = re.compile(r"make(\[\d+\])?: ")


@dataclass
class Case:
    """One command. words: a regular expression for what it must say, blanks squeezed;
    lines: how many lines it may write on stderr (None: any); console: the file that
    COM1 goes to, where the words must stand too; limit: seconds."""

    name: str
    command: List[str]
    status: int
    words: str
    environment: Dict[str, str] = field(default_factory=dict)
    lines: Optional[int] = 1
    console: str = ""
    limit: float = 60.0


@dataclass
class End:
    """How a command ended; status None: it had to be ended."""

    status: Optional[int]
    out: str
    errors: str


class Scratch:
    """A folder for the files of one check, empty at the start."""

    def __init__(self, name):
        self.folder = os.path.abspath(os.path.join("build", "check", name))
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, data, mode=0o644):
        """Write text or bytes; return the file's path."""
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as stream:
            stream.write(data.encode() if isinstance(data, str) else data)
        os.chmod(path, mode)
        return path

    def script(self, name, text):
        return self.write(name, "#!/bin/sh\n" + text, 0o755)


def run(command, limit, environment=None):
    """Run a command and, when it does not end in time, end it with all it started."""
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, universal_newlines=True, errors="replace",
        start_new_session=True, env={**os.environ, **(environment or {})})
    try:
        out, errors = process.communicate(timeout=limit)
        return End(process.returncode, out, errors)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, errors = process.communicate()
        return End(None, out, errors)


def read(path):
    with open(path, encoding="utf-8", errors="replace") as stream:
        return stream.read()


def faults(case, end):
    """Everything that is wrong with how a case ended, as clauses."""
    said = " ".join((end.out + end.errors).split())
    if end.status is None:
        yield "did not end within %g s" % case.limit
    elif end.status != case.status:
        yield "exit status %d, not %d" % (end.status, case.status)
    if "Traceback" in said:
        yield "a traceback"
    if not re.search(case.words, said):
        yield "does not say `%s`" % case.words
    if case.console and not re.search(case.words, " ".join(read(case.console).split())):
        yield "does not say `%s` on COM1" % case.words
    lines = [line for line in end.errors.splitlines() if not MAKES_OWN.match(line)]
    if case.lines is not None and len(lines) > case.lines:
        yield "says %d lines on stderr, not %d" % (len(lines), case.lines)


def judge(report, cases):
    """Run all cases and report on them in their order."""
    cases = list(cases)
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        ends = list(pool.map(
            lambda case: run(case.command, case.limit, case.environment), cases))
    for case, end in zip(cases, ends):
        report.case(case.name)
        found = list(faults(case, end))
        for words in found:
            report.fault(case.name, words)
        if found:
            print("\n".join("    | " + line for line
                            in (end.out + end.errors).splitlines()[-20:]))
