"""From 'lab 1 of the student on Bochs' to a grade: choose, build, run."""
import concurrent.futures
import os

from . import bench, common, uses
from .build import BuildError, build
from .common import ROOT, Problem
from .grader import Graded, grade_lab, refused, uncompiled
from .machine import MACHINES

SOURCES = ("labs", "solutions")


def output_folder(lab, source):
    """Where a variant is linked, relative to the repository."""
    return os.environ.get("OUT") or f"build/grade/lab{lab}-{source}"


def check_words(source, machine):
    if source not in SOURCES:
        raise Problem(f"there is no source {source}; sources: {', '.join(SOURCES)}")
    if machine not in MACHINES:
        raise Problem(f"there is no machine {machine}; machines: {', '.join(MACHINES)}")


def lab_source(lab, source):
    """Return the path of the lab's file, having checked that it is there."""
    path = os.path.join(source, lab.folder, lab.file)
    if not os.path.isfile(os.path.join(ROOT, path)):
        raise Problem(f"{path} does not exist"
                      + ("; the solution was not handed out, say SRC=labs"
                         if source == "solutions" else ""))
    return path


def build_lab(lab, source, choose="", wanted=()):
    """Build what the wanted tests need, (): all of them; return an Image or None (may
    raise BuildError), and the bench's Program or None."""
    out = output_folder(choose or lab.number, source)
    folder = os.environ.get(f"LAB{lab.number}_DIR") or f"{source}/{lab.folder}"
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        program = pool.submit(bench.build, lab, f"{folder}/{lab.file}", out) \
            if lab.bench else None
        image = None
        if not wanted or set(wanted) - set(lab.rules):
            image = build(lab, source, out, choose=choose)
        return image, program.result() if program else None


def refusal(lab, image, path):
    """Why a student's file is not to be run, or ''."""
    words = uses.refusal(os.path.join(image.out, "lab", lab.folder), path) \
        if image else ""
    return words or (uses.evasion_refusal(path) if lab.bench else "")


def grade(lab, source, options, choose=""):
    """Build and grade one lab; return Graded, also when there is nothing to run."""
    path = lab_source(lab, source)
    try:
        image, program = build_lab(lab, source, choose, options.names)
    except BuildError as error:
        return Graded(uncompiled(lab, path, options.machine, str(error)), {})
    if image:
        common.require_file(image.path, "the image")
    elif program.words:
        return Graded(uncompiled(lab, path, options.machine, program.words), {})
    # Whoever takes the file from elsewhere (LABn_DIR) answers for it.
    if source == "labs" and not os.environ.get(f"LAB{lab.number}_DIR"):
        words = refusal(lab, image, path)
        if words:
            return Graded(refused(lab, path, options.machine, words), {})
    return grade_lab(lab, image, path, options, program)
