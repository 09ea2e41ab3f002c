"""What a tick of the 8254 costs a guest, from the 8259 and from the IOAPIC.

The bench's guest has no PC around it, so guest-tests/kernel measures these: it spins,
and says what the ticks have taken from it on the average.
"""
import argparse
import os
import re

from . import guest
from .common import ROOT, Problem

KERNEL = os.path.join(ROOT, "build/guest-tests/kernel.elf32")
SAID = re.compile(r"kernel: ticks of the (\w+), each takes 0x([0-9a-f]+)")
ROWS = {"tick_8259": "8259", "tick_ioapic": "IOAPIC"}
TIMEOUT = 60


def lengths(said):
    """Return {row: instructions} from what the kernel says."""
    told = {chip: int(digits, 16) for chip, digits in SAID.findall(said)}
    return {row: told[chip] for row, chip in ROWS.items() if chip in told}


def measure(image):
    """Run the kernel under Bochs; return {row: instructions}."""
    said = bytearray()
    guest.run(argparse.Namespace(
        guest=KERNEL, initrd=[], append="ticks", dev="", disk=None, mem="128M",
        cpus="1", words="", machine="bochs", image=image, timeout=TIMEOUT, gdb=None,
        keep=False, quiet=True), said.extend)
    found = lengths(said.decode("latin-1"))
    if len(found) != len(ROWS):
        raise Problem("the kernel has not measured its ticks: " + repr(bytes(said)))
    return found
