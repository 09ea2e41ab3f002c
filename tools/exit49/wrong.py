"""The grader's own exam: typical mistakes, applied to the solution, must be caught.

solutions/labN-*/wrong/NAME.patch starts with
    Mistake: one sentence
    Fails: test [test ...]
    Hint: words that the student must be shown
and goes on with a unified diff (patch -p1 from the repository). The solution is patched
in a copy below build/; the work tree is never touched.

solutions/labN-*/right/NAME.patch is another way to do it, which must have full marks:
    Change: one sentence
"""
import glob
import io
import os
import re
import shutil
import subprocess
from dataclasses import dataclass, replace
from typing import List

from . import bench, model
from .build import BuildError, build
from .common import ROOT, Problem
from .grader import grade_lab
from .writers import Terminal


@dataclass
class Wrong:
    """One wrong solution; or a right one, of which nothing may fail."""

    name: str
    path: str
    mistake: str
    fails: List[str]
    hint: str
    right: bool = False


@dataclass
class Finding:
    """What the grader made of it: `faults` is empty when it was caught as it must."""

    wrong: Wrong
    faults: List[str]
    summary: str = ""
    text: str = ""


def _fields(path, known):
    """The header of a patch: {key: words}."""
    fields = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.startswith(("--- ", "diff ")):
                break
            match = re.match(r"(\w+):\s*(\S.*)$", line.rstrip())
            if match and match.group(1) in known:
                fields[match.group(1)] = match.group(2)
    return fields


def read(path, lab, right=False):
    """Read a patch's header and check it against the lab."""
    keys = ("Change",) if right else ("Mistake", "Fails", "Hint")
    fields = _fields(path, keys)
    for key in keys:
        if key not in fields:
            raise Problem(f"{path}: the line '{key}: ...' is missing")
    fails = fields.get("Fails", "").replace(",", " ").split()
    for test in fails:
        if test not in lab.points:
            raise Problem(f"{path}: Fails: names {test}, which is no test of lab "
                          f"{lab.number}")
    name = os.path.splitext(os.path.basename(path))[0]
    return Wrong(name, path, fields[keys[0]], fails, fields.get("Hint", ""), right)


def find(lab, root=ROOT, right=False):
    """Return the lab's wrong solutions, or those that are right another way."""
    kind = "right" if right else "wrong"
    pattern = os.path.join(root, "solutions", lab.folder, kind, "*.patch")
    return [read(path, lab, right) for path in sorted(glob.glob(pattern))]


def apply(wrong, lab, out):
    """Copy the solution below out, patch it, return the folder of the copy."""
    tree = os.path.join(ROOT, out, "tree")
    shutil.rmtree(tree, ignore_errors=True)
    folder = os.path.join(tree, "solutions", lab.folder)
    os.makedirs(folder)
    for path in glob.glob(os.path.join(ROOT, "solutions", lab.folder, "*.[ch]")):
        shutil.copy(path, folder)
    with open(wrong.path, encoding="utf-8") as file:
        try:
            done = subprocess.run(["patch", "-p1", "-s", "--no-backup-if-mismatch",
                                   "-F0", "-d", tree], stdin=file, text=True,
                                  capture_output=True, check=False)
        except FileNotFoundError:
            raise Problem("patch is not installed: run tools/deps build") from None
    if done.returncode:
        told = (done.stdout + done.stderr).strip().splitlines() or ["no reason given"]
        raise Problem(f"it does not apply to solutions/{lab.folder}: {told[0]}")
    return os.path.relpath(folder, ROOT)


def _squeeze(text):
    return " ".join(text.split())


def judge(wrong, grade):
    """Hold a grade against what the patch's header demands; return a Finding."""
    stream = io.StringIO()
    Terminal(stream, colour=False).write(grade)
    text = stream.getvalue()
    passed = {test.name for test in grade.tests if test.verdict == model.PASSED}
    faults = [f"{test} passed" for test in wrong.fails if test in passed]
    if wrong.right:
        faults += [f"{test.name} failed" for test in grade.tests
                   if test.name not in passed]
    elif grade.score >= grade.max:
        faults.append(f"the score is {grade.score}/{grade.max}")
    if _squeeze(wrong.hint) not in _squeeze(text):
        faults.append(f"the hint was not shown: {wrong.hint}")
    failed = [test.name for test in grade.tests if test.verdict != model.PASSED]
    return Finding(wrong, faults, f"{grade.score}/{grade.max}, failed: "
                   f"{' '.join(failed)}", text)


def needs_machine(wrong, lab):
    """Whether it names a guest test, not only scenarios of the bench."""
    return any(test not in lab.rules for test in wrong.fails)


def _tests(wrong, lab, options, named):
    """What to run, () for the whole lab, and what that must show."""
    if wrong.right:
        return (), wrong
    guests = [test for test in wrong.fails if test not in lab.rules]
    if options.machine != "qemu" and guests != wrong.fails:
        # Its hint is a scenario's, which is not run here.
        wrong = replace(wrong, fails=guests, hint="")
    return tuple(wrong.fails) if named or lab.bench else (), wrong


def examine(wrong, lab, options, named=False):
    """Patch, build and grade one wrong solution; return a Finding.

    named: run only the tests that must fail, not all of the lab, and link without the
    table of symbols. The tests alone are also enough for a lab with scenarios of the
    bench; what names no other tests is not booted.
    """
    out = f"build/{'right' if wrong.right else 'wrong'}/lab{lab.number}/{wrong.name}"
    try:
        names, wrong = _tests(wrong, lab, options, named)
        folder = apply(wrong, lab, out)
        image = build(lab, "solutions", out, lab_folder=folder,
                      words=("SYMBOLS=0",) if named else ()) \
            if wrong.right or needs_machine(wrong, lab) else None
        program = bench.build(lab, os.path.join(folder, lab.file), out) \
            if lab.bench and (not names or set(names) & set(lab.rules)) else None
        graded = grade_lab(lab, image, os.path.relpath(wrong.path, ROOT),
                           replace(options, names=names), program)
    except BuildError as error:
        return Finding(wrong, ["it does not compile"], text=str(error))
    except Problem as problem:
        return Finding(wrong, [str(problem)])
    return judge(wrong, graded.grade)


def choose(lab, names, right=False):
    """Return the wrong (or right) solutions by name, all of them without names."""
    found = find(lab, right=right)
    if not names:
        return found
    by_name = {wrong.name: wrong for wrong in found}
    for name in names:
        if name not in by_name:
            raise Problem(f"lab {lab.number} has no such solution {name}; there are: "
                          f"{', '.join(by_name) or 'none'}")
    return [by_name[name] for name in names]
