"""hv vmcs: the VMCS by the names of the SDM."""
import fnmatch
import textwrap

import decode
import vmcs
import world
from command import Command, print_rows
from memory import Unavailable

WIDEST = 64
AREAS = ("control", "exit", "guest", "host")
ORDER = (0, 2, 3, 1)
TITLES = {0: "control fields (SDM 3C 25.6 to 25.8)",
          1: "exit information (SDM 3C 25.9)",
          2: "guest state (SDM 3C 25.4)",
          3: "host state (SDM 3C 25.5)"}


class VmcsCommand(Command):
    """Show the VMCS of the vCPU on the selected processor, by field and bit names.
Usage: hv vmcs [control | guest | host | exit | FIELD]

Without an argument all areas are shown. FIELD is a name of SDM 3D appendix B
as in hv/vmx/vmcs_fields.h, in whole or in part, or with wildcards:

    hv vmcs GUEST_RIP
    hv vmcs EXEC_CONTROL
    hv vmcs guest_*s_base

A bit's name is that of its macro (hv/vmx/vmx_controls.h, hv/x86/cr.h) without
the prefix; `bits 1 2 4` at the end of a control word have no name, they are
among those that the processor wants to be 1. Values are those that VMREAD would
give now. Only softvmx' VMCS can be shown: a real processor hides its own."""

    name = "hv vmcs"

    def run(self, argument):
        words = self.words(argument, 1)
        found = vmcs.Vmcs(world.vcpu())
        chosen = self._choose(found, words[0] if words else "")
        print(self._heading(found))
        for area in ORDER:
            self._show(found, area, [n for n in chosen
                                     if vmcs.area(found.fields[n]) == area])

    @staticmethod
    def _choose(found, word):
        existing = [name for name in found.fields if found.exists(name)]
        if word.lower() in AREAS:
            area = AREAS.index(word.lower())
            return [n for n in existing if vmcs.area(found.fields[n]) == area]
        wanted = word.upper()
        if wanted in found.fields and wanted not in existing:
            raise Unavailable("softvmx has no field %s: no control that it offers "
                              "gives it a meaning (hv/softvmx/README.md)." % wanted)
        exact = [name for name in existing if name == wanted]
        chosen = exact or [name for name in existing
                           if fnmatch.fnmatchcase(name, "*%s*" % wanted)]
        if not chosen:
            raise Unavailable("no VMCS field is called `%s`, and the areas are "
                              "control, guest, host, exit." % word)
        return chosen

    @staticmethod
    def _heading(found):
        told = "VMCS at %#x of %s: %s, %s" % (
            found.address, found.vcpu.name,
            "launched" if found.launched else "not launched",
            "current on CPU %d" % int(found.vcpu["cpu"]) if found.is_current
            else "not current")
        if world.where() == world.GUEST:
            told += "\n(the guest runs: guest state is that of the last VM entry or " \
                    "exit; `info registers` has it as it is now)"
        return told

    @staticmethod
    def _show(found, area, chosen):
        if not chosen:
            return
        rows = []
        for name in chosen:
            value = found.value(name)
            digits = vmcs.bits_of(found.fields[name]) // 4
            told = textwrap.wrap(decode.field(name, value), WIDEST) or [""]
            rows.append((name, "0x%0*x" % (digits, value), told[0]))
            rows += [("", "", more) for more in told[1:]]
        print(TITLES[area])
        print_rows(rows)


COMMANDS = (VmcsCommand,)
