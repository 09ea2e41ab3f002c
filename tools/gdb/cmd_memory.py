"""hv walk, hv ept, hv x: from a guest's address to the memory behind it."""
import re

import decode
import headers
import memory
import symbols
import walks
from command import Command, evaluate, print_rows, split_address
from guest import Guest
from memory import Unavailable

NOT_YET = "(read by its slot: the EPT has it not yet, the guest has not touched it)"
FORMAT = re.compile(r"/(\d*)([a-z]*)\s+(.*)\Z", re.S)
SIZES = {"b": 1, "h": 2, "w": 4, "g": 8}
PER_LINE = 16


class WalkCommand(Command):
    """Walk the guest's page tables for an address, entry by entry.
Usage: hv walk GVA

GVA is an expression: a number, a guest symbol (`hv walk &counter`), or a
guest register by $guest("rsp"). Each entry is shown with its place in
guest-physical memory. Where the walk ends well, `hv ept` follows on from it."""

    name = "hv walk"

    def run(self, argument):
        if not argument:
            raise self.usage()
        gva = evaluate(argument)
        guest = Guest()
        mode = guest.paging.mode()
        print("%s, CR3 %#x" % (mode.name, guest.paging.cr3))
        walk = guest.walk(gva)
        rows = []
        for number, step in enumerate(walk.steps):
            leaf = walk.address is not None and number == len(walk.steps) - 1
            rows.append((walks.LEVELS[step.level], "at %#x" % step.at,
                         "0x%0*x" % (2 * mode.entry_bytes, step.entry),
                         decode.guest_entry(step.entry, leaf)))
        print_rows(rows)
        if walk.address is None:
            print("gva %#x: the %s is %s, the guest's page fault"
                  % (gva, walks.LEVELS[walk.steps[-1].level], walk.why))
        else:
            print("gva %#x is gpa %#x" % (gva, walk.address))
        if guest.by_slot:
            print(NOT_YET)


class EptCommand(Command):
    """Walk the EPT for a guest-physical address, entry by entry.
Usage: hv ept GPA

Entries are decoded as in mmu/ept_format.h. Of an MMIO SPTE the generation is
told, and whether it is still that of the slots. If softvmx serves another
translation than the EPT now has, that is told, too: the processor may keep an
old one until INVEPT (SDM 3C 29.4), and here an INVEPT is due or was forgotten.

Without EPT (ept=0) the address is a linear one, and the entries are those of
the root that is in use (mmu/shadow_format.h)."""

    name = "hv ept"

    def run(self, argument):
        if not argument:
            raise self.usage()
        gpa = evaluate(argument)
        guest = Guest()
        if not guest.with_ept:
            self._shadow(guest, gpa)
            return
        print("EPT pointer %#x, of %s" % (guest.eptp, guest.vcpu.name))
        walk = guest.ept_walk(gpa)
        print_rows([(walks.LEVELS[step.level], "at %#x" % step.at,
                     "0x%016x" % step.entry,
                     decode.ept_entry(step.entry, step.level)) for step in walk.steps])
        last = walk.steps[-1]
        if walk.address is not None:
            print("gpa %#x is physical %#x, rights %s"
                  % (gpa, walk.address, decode.rights(walk.rights)))
        elif decode.is_mmio(last.entry):
            print("gpa %#x is MMIO: %s" % (gpa, self._age(guest, last.entry)))
        else:
            print("gpa %#x: the %s is %s, an EPT %s"
                  % (gpa, walks.LEVELS[last.level], walk.why,
                     "violation" if walk.why == "not present" else "misconfiguration"))
        self._compare(guest, gpa, walk)

    @classmethod
    def _shadow(cls, guest, address):
        walk = guest.root_walk(address)
        if walk is None:
            raise Unavailable("%s has no root yet: it is built at the next entry."
                              % guest.vcpu.name)
        print("no EPT; shadow root %#x, of %s" % (memory.number(
            guest.vcpu["shadow"]["roots"][0]["table"]), guest.vcpu.name))
        last = walk.steps[-1]
        print_rows([(walks.LEVELS[step.level], "at %#x" % step.at,
                     "0x%016x" % step.entry, decode.guest_entry(
                         step.entry, step is last and walk.address is not None))
                    for step in walk.steps])
        bits = headers.defines("mmu/shadow_format.h")
        if last.entry & bits["SHADOW_MMIO_MASK"] == bits["SHADOW_MMIO_VALUE"]:
            print("gva %#x is MMIO, gpa %#x: %s" % (
                address, last.entry & bits["SHADOW_MMIO_FRAME"] | address & 0xfff,
                cls._age(guest, last.entry)))
        elif walk.address is not None:
            print("gva %#x is physical %#x" % (address, walk.address))
        else:
            print("gva %#x: the %s is %s, a page fault that exits" % (
                address, walks.LEVELS[last.level], walk.why))

    @staticmethod
    def _age(guest, entry):
        slots = memory.follow(guest.vcpu.vm["slots"]["active"])
        now = memory.number(slots["generation"])
        if now >> 63:
            return "a change of the slots is under way, so no generation matches"
        fits = now & headers.defines("mmu/ept_format.h")["EPT_MMIO_GEN_MASK"]
        if decode.mmio_generation(entry) == fits:
            return "generation %d is that of the slots" % fits
        return "stale, generation %d, and the slots have %d" % (
            decode.mmio_generation(entry), fits)

    @staticmethod
    def _compare(guest, gpa, walk):
        try:
            shadow = guest.shadow_walk(gpa)
        except Unavailable:
            return
        if shadow is not None and shadow.address is not None and \
                shadow.address != walk.address:
            print("but softvmx still serves physical %#x for it: no INVEPT has come "
                  "since the EPT changed" % shadow.address)


class ExamineCommand(Command):
    """Show the guest's memory, through its page tables and the EPT.
Usage: hv x[/FMT] GVA [N]

Works wherever the machine has stopped, where GDB's own `x` cannot: QEMU's
debugger does not know of nested paging. GVA is an expression as for `hv walk`;
N is how many units are shown (default 4). FMT is a count and a unit as with
`x`: b, h, w or g (default) bytes, s for a string, i for instructions.

    hv x 0x224f80 8
    hv x/16xb &counter
    hv x/3i $guest("rip")"""

    name = "hv x"

    def run(self, argument):
        match = FORMAT.match(argument)
        counted, letters, rest = match.groups() if match else ("", "", argument)
        expression, count = split_address(rest) if not counted else (rest, counted)
        if not expression or set(letters) - set("xbhwgsi"):
            raise self.usage()
        gva, guest = evaluate(expression), Guest()
        count = self.count(count, 4 if "s" not in letters else 1)
        if "s" in letters:
            self._strings(guest, gva, count)
        elif "i" in letters:
            self._instructions(guest, gva, count)
        else:
            unit = next((c for c in letters if c in SIZES), "g")
            self._numbers(guest, gva, SIZES[unit], count)
        if guest.by_slot:
            print(NOT_YET)

    @staticmethod
    def _numbers(guest, gva, size, count):
        per_line = PER_LINE // size if size > 1 else 8
        for first in range(0, count, per_line):
            shown = min(per_line, count - first)
            at = gva + first * size
            data = guest.read(at, shown * size)
            words = ["0x%0*x" % (2 * size, int.from_bytes(
                data[i * size:][:size], "little")) for i in range(shown)]
            name = symbols.name_of(at)
            print("%#x%s:\t%s" % (at, " <%s>" % name if name else "",
                                  "\t".join(words)))

    @staticmethod
    def _strings(guest, gva, count):
        for _ in range(count):
            data = b""
            while b"\0" not in data and len(data) < 200:
                data += guest.read(gva + len(data), 1)
            told = data.split(b"\0")[0].decode("latin-1")
            print('%#x:\t"%s"%s' % (gva, told.replace("\n", "\\n"),
                                    "" if b"\0" in data else "..."))
            gva += len(data)

    @staticmethod
    def _instructions(guest, gva, count):
        from cmd_exits import disassemble
        for _ in range(count):
            data, words = disassemble(guest, gva)
            name = symbols.name_of(gva)
            print("%#x%s:\t%s" % (gva, " <%s>" % name if name else "", words))
            if not guest.is_64bit:
                return
            gva += len(data)


COMMANDS = (WalkCommand, EptCommand, ExamineCommand)
