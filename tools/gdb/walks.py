"""The two walks of a guest's access, entry by entry, over any way to read memory.

    GVA --(the guest's page tables: walk_pages)--> GPA --(the EPT: walk_ept)--> physical

Plain functions, which do not know of GDB: the debugger's commands and the relay between
GDB and QEMU both use them. `read(address, size)` returns a number from memory.
"""
import headers

CR = "hv/x86/cr.h"
ADDRESS = 0x000ffffffffff000
PRESENT, LARGE = 1, 0x80
RIGHTS, READ = 7, 1
LEVELS = {4: "PML4E", 3: "PDPTE", 2: "PDE", 1: "PTE"}


class Mode:
    """How a paging mode lays out its tables (SDM 3A 4.3 to 4.5)."""

    def __init__(self, name, levels, index_bits, entry_bytes):
        self.name, self.levels = name, levels
        self.index_bits, self.entry_bytes = index_bits, entry_bytes


FLAT = Mode("no paging", 0, 0, 0)
TWO_LEVEL = Mode("32-bit paging", 2, 10, 4)
PAE = Mode("PAE paging", 3, 9, 8)
FOUR_LEVEL = Mode("4-level paging", 4, 9, 8)


class Step:
    """One entry of a walk, and at which address it stands."""

    def __init__(self, level, at, entry):
        self.level, self.at, self.entry = level, at, entry


class Walk:
    """A walk: its steps, and its end: an address, or the reason why there is none."""

    def __init__(self):
        self.steps, self.address, self.why = [], None, ""
        self.rights = RIGHTS

    def end(self, why):
        self.why = why
        return self

    def found(self, address):
        self.address = address
        return self


class Registers:
    """The registers which paging depends on."""

    def __init__(self, cr0, cr3, cr4, efer):
        self.cr0, self.cr3, self.cr4, self.efer = cr0, cr3, cr4, efer

    def mode(self):
        """How the guest translates (SDM 3A 4.1.1)."""
        cr = headers.defines(CR)
        if not self.cr0 & cr["CR0_PG"]:
            return FLAT
        if self.efer & cr["EFER_LMA"]:
            return FOUR_LEVEL
        return PAE if self.cr4 & cr["CR4_PAE"] else TWO_LEVEL


def _leaf(level, entry, address):
    """The address that a leaf of 9-bit levels and the rest of an address make."""
    offset = (1 << 12 + 9 * (level - 1)) - 1
    return entry & ADDRESS & ~offset | address & offset


def walk_ept(read, eptp, gpa):
    """Walk an EPT (SDM 3C 29.3.2). Each step's `at` is a physical address."""
    walk, table = Walk(), eptp & ADDRESS
    for level in (4, 3, 2, 1):
        at = table + (gpa >> 12 + 9 * (level - 1) & 0x1ff) * 8
        entry = read(at, 8)
        walk.steps.append(Step(level, at, entry))
        walk.rights &= entry
        if not entry & RIGHTS:
            return walk.end("not present")
        if not entry & READ:
            return walk.end("misconfigured")
        if level == 1 or (level < 4 and entry & LARGE):
            return walk.found(_leaf(level, entry, gpa))
        table = entry & ADDRESS
    return walk


def walk_nested(read, root, gpa):
    """Walk SVM's nested page tables (APM 2 15.25), which softvmx makes of an EPT."""
    walk, table = Walk(), root & ADDRESS
    for level in (4, 3, 2, 1):
        at = table + (gpa >> 12 + 9 * (level - 1) & 0x1ff) * 8
        entry = read(at, 8)
        walk.steps.append(Step(level, at, entry))
        if not entry & PRESENT:
            return walk.end("not present")
        if level == 1 or entry & LARGE:
            return walk.found(_leaf(level, entry, gpa))
        table = entry & ADDRESS
    return walk


def walk_pages(read, registers, gva):
    """Walk the guest's page tables; `read` and each step's `at` are guest-physical."""
    mode, walk = registers.mode(), Walk()
    if mode is FLAT:
        return walk.found(gva & 0xffffffff)
    table = registers.cr3 & (0xffffffe0 if mode is PAE else ADDRESS)
    for level in range(mode.levels, 0, -1):
        shift = 12 + mode.index_bits * (level - 1)
        index = gva >> shift & ((1 << mode.index_bits) - 1)
        if mode is not FOUR_LEVEL:
            index &= (1 << 32 - shift) - 1
        at = table + index * mode.entry_bytes
        entry = read(at, mode.entry_bytes)
        walk.steps.append(Step(level, at, entry))
        if not entry & PRESENT:
            return walk.end("not present")
        if level == 1 or _is_large(registers, mode, level, entry):
            return walk.found(_guest_leaf(mode, shift, entry, gva))
        table = entry & ADDRESS
    return walk


def _is_large(registers, mode, level, entry):
    if not entry & LARGE or level > (3 if mode is FOUR_LEVEL else 2):
        return False
    pse = headers.defines(CR)["CR4_PSE"]
    return mode is not TWO_LEVEL or bool(registers.cr4 & pse)


def _guest_leaf(mode, shift, entry, gva):
    offset = (1 << shift) - 1
    frame = entry & ADDRESS & ~offset
    if mode is TWO_LEVEL and shift == 22:
        frame = entry & 0xffc00000 | (entry >> 13 & 0xff) << 32  # PSE-36
    return frame | gva & offset
