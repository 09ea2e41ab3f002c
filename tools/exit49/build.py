"""Building an image by calling make, one call at a time.

Several graders may run at once and share build/obj, so each call holds a lock. OUT
keeps what they link apart.
"""
import fcntl
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass

from .common import ROOT, Problem, cpus_here

# On a Mac `make` is one of 2006, and GNU Make is called gmake.
MAKE = "gmake" if sys.platform == "darwin" else "make"
MISSING = re.compile(r"undefined reference to `(\w+)'")
NOISE = re.compile(r"g?make|  [A-Z]+ +\S+$|\S*ld: .* in function `")


class BuildError(Exception):
    """The sources do not compile; str() is the compiler's output."""


@dataclass
class Image:
    """What a build leaves."""

    out: str
    path: str
    guests: str

    def guest(self, name):
        return os.path.join(self.guests, name)


def clean_environment():
    """The environment of a make that we start."""
    # Called from a Makefile, we must not hand its variables on (LAB=, SRC= ...).
    return {name: value for name, value in os.environ.items()
            if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "LAB",
                            "SRC", "OUT", "TEST", "MACHINE", "MODE", "V", "JSON")}


def _require_tools():
    cross = os.environ.get("CROSS", "")
    compiler = (os.environ.get("CC") or cross + "gcc").split()[0]
    for tool in (MAKE, compiler, cross + "ld"):
        if not shutil.which(tool):
            raise Problem(f"{tool} is not installed: run tools/deps build")


def _locked_make(arguments):
    os.makedirs(os.path.join(ROOT, "build"), exist_ok=True)
    with open(os.path.join(ROOT, "build", ".lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return subprocess.run(
            [MAKE, "-s", "--no-print-directory", f"-j{cpus_here()}",
             *arguments],
            cwd=ROOT, env=clean_environment(), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace", check=False)


def _explain_missing(line, lab, told):
    """Say once for each function which no file defines who should."""
    name = MISSING.search(line).group(1)
    if name in told:
        return ""
    told.add(name)
    if name.startswith(f"{lab.stem}_"):
        return (f"undefined reference to `{name}': {lab.file} must define it, see "
                f"{lab.header}")
    place = re.match(r"(?:\S*ld: )?(\S+:\d+: )?", line).group(1) or ""
    return (f"{place}undefined reference to `{name}': there is no such function in the "
            "hypervisor")


def _words(output, lab):
    """The compiler's and the linker's words, without what make says around them."""
    lines, told = [], set()
    for line in output.replace(ROOT + os.sep, "").splitlines():
        if MISSING.search(line):
            line = _explain_missing(line, lab, told)
        if line.strip() and not NOISE.match(line):
            lines.append(line)
    return "\n".join(lines)


def is_labs_fault(output, lab):
    """Whether a failed build speaks of the lab's own file or its functions."""
    return f"{lab.stem}.c" in output or f"{lab.stem}_" in output


def build(lab, source, out, lab_folder="", choose="", guests="build/guest-tests",
          words=()):
    """Link the image with one lab's file and return an Image.

    source is 'labs' or 'solutions'; lab_folder overrides where the lab's file lies;
    choose is the LAB= given to make (default: this lab); words are more of make's.
    Raises BuildError when the lab's file does not compile, a Problem when anything else
    fails.
    """
    _require_tools()
    arguments = ["image", "guests", f"LAB={choose or lab.number}", f"SRC={source}",
                 f"OUT={out}", *words]
    if lab_folder:
        arguments.append(f"LAB{lab.number}_DIR={lab_folder}")
    done = _locked_make(arguments)
    if done.returncode:
        told = _words(done.stdout, lab)
        if is_labs_fault(told, lab):
            raise BuildError(told)
        raise Problem("the image does not build:\n" + (told or done.stdout.strip()))
    folder = os.path.join(ROOT, out)
    flavour = os.environ.get("CC")
    if flavour and flavour != os.environ.get("CROSS", "") + "gcc":
        guests = f"build/{os.path.basename(flavour)}/guest-tests"
    return Image(out, os.path.join(folder, "exit49.elf"), os.path.join(ROOT, guests))
