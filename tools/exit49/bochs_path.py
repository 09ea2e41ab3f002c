"""How many instructions lie between two places in the hypervisor, by Bochs' debugger.

One of Bochs' ticks is one instruction, and its debugger tells the tick at each stop. So
two breakpoints measure a path without a single instruction added to it:

    vmx_entry_exit   the first instruction after a VM exit
    emulator_run     the emulator's first instruction
"""
import collections
import os
import re
import subprocess
import sys
import tempfile

from .common import ROOT, Problem
from .request import Request

sys.path.insert(0, os.path.join(ROOT, "tools", "gdb"))

FROM, TO = "vmx_entry_exit", "emulator_run"
STOPS = 1200
"""Stops to make; the first half, in which caches are filled, is not looked at."""
STOP = re.compile(r"Breakpoint (\d+), .*\r?\nNext at t=(\d+)")
TIMEOUT = 60


def places(symbols):
    """Return the addresses of FROM and TO."""
    found = {name: int(address, 16) for address, name in symbols}
    for name in (FROM, TO):
        if name not in found:
            raise Problem(f"the image has no function {name}")
    return found[FROM], found[TO]


def lengths(told):
    """Return the instructions of each path from FROM to TO, from what Bochs says."""
    stops = [(match.group(1), int(match.group(2))) for match in STOP.finditer(told)]
    stops = stops[len(stops) // 2:]
    return [later[1] - earlier[1] for earlier, later in zip(stops, stops[1:])
            if (earlier[0], later[0]) == ("1", "2")]


def measure(image, guest, append):
    """Run a row of the bench; return the most frequent length of its fault path."""
    import bochs_debug  # it stands beside GDB's commands
    request = Request(machine="bochs", image=image, modules=[guest], append=append)
    symbols = os.path.join(os.path.dirname(image), "exit49.sym.elf")
    with tempfile.TemporaryDirectory(prefix="exit49-path-") as folder:
        argv = bochs_debug.prepare(request, [], folder)
        breaks = "".join(f"lb {address:#x}\n"
                         for address in places(bochs_debug.symbols_of(symbols)))
        bochs_debug.write(folder, "commands", breaks + "c\n" * STOPS + "q\n")
        done = subprocess.run(argv, cwd=folder, stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=TIMEOUT, check=False)
    found = lengths(done.stdout.decode("latin-1"))
    if not found:
        raise Problem("Bochs' debugger has met no path from an exit to the emulator")
    return collections.Counter(found).most_common(1)[0][0]
