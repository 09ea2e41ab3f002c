"""Bochs' own debugger on exit49: what it needs beside what tools/run gives Bochs.

Debian's Bochs is a debugger build, and its VMX is real: a second pair of eyes where
softvmx is in doubt. tools/run hides the debugger; here it gets the terminal:

    symbols    of hypervisor and guest in one file, for `ldsym`
    commands   load them, and stop at each VM exit (`vmexitbp`)
    display    one that does not want the terminal for itself
    COM1, 2    into files
"""
import glob
import os
import signal
import subprocess

from exit49 import bochs
from exit49.common import Problem
from exit49.request import Request

PLUGINS = ("/usr/lib/*/bochs/plugins", "/usr/lib*/bochs/plugins",
           "/usr/local/lib/bochs/plugins", "/opt/homebrew/lib/bochs/plugins")
# Neither opens a window. rfb is a VNC server; nobody needs to look at it.
DISPLAYS = (("nogui", ""), ("rfb", ', options="timeout=0"'))
COMMANDS = 'ldsym global "symbols"\nvmexitbp\n'


def display():
    """Return the words of bochsrc that choose a display."""
    for name, options in DISPLAYS:
        for folder in PLUGINS:
            if glob.glob(f"{folder}/libbx_{name}*"):
                return f"display_library: {name}{options}"
    raise Problem("this Bochs has neither the display nogui nor rfb; the terminal is "
                  "the debugger's, so `term` will not do")


def symbols_of(path):
    """Return [(address, name)] of an ELF file's code and data."""
    try:
        done = subprocess.run(["nm", path], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise Problem("nm is missing: run tools/deps build") from None
    rows = [line.split() for line in done.stdout.splitlines()]
    return [(row[0], row[2]) for row in rows if len(row) == 3 and row[1] in "tTdDbBrR"]


def write(folder, name, text):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        file.write(text)


def prepare(request, symbols, folder):
    """Write all files into a folder; return Bochs' command line."""
    machine = bochs.Bochs(request)
    machine.prepare(folder, "com1.txt", "com2.txt")
    with open(os.path.join(folder, "bochsrc"), encoding="ascii") as file:
        config = file.read()
    if "display_library: term" not in config:
        raise Problem("tools/exit49/bochs.py has no `display_library: term` any more")
    write(folder, "bochsrc", config.replace("display_library: term", display()))
    write(folder, "commands", COMMANDS)
    rows = [row for path in symbols for row in symbols_of(path)]
    write(folder, "symbols", "".join("%s %s\n" % row for row in sorted(rows)))
    return machine.argv


def start(image, guests, words, out):
    """Run Bochs to its end. `out` is where image and symbols were built."""
    folder = os.path.join(out, "bochs-debug")
    os.makedirs(folder, exist_ok=True)
    request = Request(machine="bochs", image=image, modules=guests, append=words)
    request.check(("bochs",))
    symbols = [os.path.join(out, "exit49.sym.elf")] + guests[:1]
    argv = prepare(request, symbols, folder)
    print("Bochs' debugger: it stops at each VM exit; `c` goes on, `q` ends, `help` "
          "tells more (docs/bochs-debugger.md).\nCOM1 and COM2 go to %s and com2.txt."
          % os.path.relpath(os.path.join(folder, "com1.txt")), flush=True)
    # Ctrl-C is Bochs' own. Its status says only how it was left, not what has run.
    signal.signal(signal.SIGINT, lambda number, frame: None)
    subprocess.call(argv, cwd=folder)
