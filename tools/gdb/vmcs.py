"""The VMCS as softvmx keeps it: plain memory, which a debugger can read.

On a real processor the current VMCS is inside the chip, and only VMREAD gets at it.
softvmx has it in a page, 8 bytes a field (hv/softvmx/vmcs_memory.h), so every field can
be shown at any moment. One thing needs care: what the guest itself changes while it
runs is first in the VMCB, and softvmx copies it over when somebody asks. Whether an
area has been copied is in `ready`; for one that has not, the VMCB is read here, too.
"""
import headers
import memory
import names
import world
from memory import Unavailable

SEGMENTS = "ES CS SS DS FS GS LDTR TR".split()
WIDTHS = (16, 64, 32, 64)
SLOT_BYTES = 8
TSS_BUSY = 2
LAYOUT = "hv/softvmx/vmcs_memory.h"
CONTROLS = "hv/vmx/vmx_controls.h"


def fields():
    """Return {name: encoding} of all fields that the hypervisor knows."""
    return {name: number for number, name in
            names.enumeration("vmcs_field").items()}


def area(encoding):
    """Return 0 control, 1 exit information, 2 guest, 3 host (SDM 3C 25.11.2)."""
    return encoding >> 10 & 3


def bits_of(encoding):
    """Return a field's width in bits."""
    return WIDTHS[encoding >> 13 & 3]


def _slot(encoding):
    """vmcs_memory_slot() of hv/softvmx/vmcs_memory.h."""
    group = (encoding >> 11 & 0xc) | (encoding >> 10 & 3)
    size = headers.defines(LAYOUT)["VMCS_GROUP_SLOTS"]
    return group * size + (encoding >> 1 & 0x1f) + 1


def offset(encoding):
    """Return where a field lies in the page, in bytes."""
    return _slot(encoding) * SLOT_BYTES


def _access_rights(attributes):
    """A VMCB segment's attributes as the VMCS writes them."""
    if not attributes & 0x80:
        return 1 << 16
    return (attributes & 0xff) | (attributes >> 8 & 0xf) << 12


def require_soft():
    """A native unit keeps the VMCS to itself."""
    if not world.is_soft():
        raise Unavailable(
            "the VMX unit is the processor's own (native), which keeps its VMCS where "
            "no debugger gets at it; softvmx has it in memory.")


def exit_information(vcpu, name):
    """Return a field of the exit information, or RIP; these are always in the page."""
    require_soft()
    place = memory.number(vcpu["vmcs"]) + offset(fields()[name])
    return memory.read_word(place)


class Vmcs:
    """The VMCS of a vCPU. value(name) reads a field."""

    def __init__(self, vcpu):
        require_soft()
        self.vcpu = vcpu
        self.address = memory.number(vcpu["vmcs"])
        self.page = memory.read(self.address, memory.PAGE_SIZE)
        self.areas = memory.numbers(memory.variable("vmcs_memory_areas"))
        self.unit = self._unit()
        self.fields = fields()

    def _unit(self):
        """struct softvmx_cpu if this VMCS is the current one there, else None."""
        for cpu in world.cpus():
            if int(cpu["id"]) == int(self.vcpu["cpu"]) and int(cpu["vmx"]):
                unit = memory.load(int(cpu["vmx"]), "struct softvmx_cpu")
                if memory.number(unit["vmcs_address"]) == self.address:
                    return unit
        return None

    def _word(self, slot):
        return int.from_bytes(self.page[slot * SLOT_BYTES:][:SLOT_BYTES], "little")

    @property
    def launched(self):
        return bool(self._word(headers.defines(LAYOUT)["VMCS_SLOT_LAUNCHED"]))

    @property
    def is_current(self):
        return self.unit is not None

    def exists(self, name):
        """Whether the unit has this field at all."""
        # A group has room for the indices 0 to 30 (vmcs_memory.h).
        return (name in self.fields and self.fields[name] >> 1 & 0x1ff < 31 and
                bool(self.areas[_slot(self.fields[name])]))

    def in_memory(self, name):
        """The field as it lies in the page."""
        return self._word(_slot(self.fields[name]))

    def value(self, name):
        """The field as VMREAD would give it now."""
        if self.unit is None:
            return self.in_memory(name)
        held = self.areas[_slot(self.fields[name])] & ~int(self.unit["ready"])
        held &= self._areas_of_guest()
        if not held:
            return self.in_memory(name)
        return self._from_vmcb(name)

    @staticmethod
    def _areas_of_guest():
        return sum(names.constant("vmcs_memory_area", "AREA_" + area_name)
                   for area_name in ("SEGMENTS", "CONTROL_REGS", "SYSTEM"))

    def vmcb(self):
        """The guest's VMCB, or None when another VMCS is current."""
        return memory.follow(self.unit["guest"]) if self.unit is not None else None

    def _from_vmcb(self, name):
        save = self.vmcb()["save"]
        if name == "VM_ENTRY_CONTROLS":
            return self._entry_controls(save)
        word = name[len("GUEST_"):]
        segment, _, part = word.partition("_")
        if segment in SEGMENTS:
            return self._segment(save[segment.lower()], segment, part, save)
        if segment in ("GDTR", "IDTR"):
            value = int(save[segment.lower()][part.lower()])
            return value & 0xffff if part == "LIMIT" else value
        return self._register(save, word, name)

    def _segment(self, saved, segment, part, save):
        if part != "AR_BYTES":
            return int(saved[part.lower()])
        before = self.in_memory("GUEST_%s_AR_BYTES" % segment)
        rights = _access_rights(int(saved["attributes"]))
        rights = before if rights >> 16 and before >> 16 & 1 else rights
        if segment == "SS":
            rights = rights & ~0x60 | int(save["cpl"]) << 5
        return rights | TSS_BUSY if segment == "TR" else rights

    def _register(self, save, word, name):
        cr = headers.defines("hv/x86/cr.h")
        saves = headers.flags(self.in_memory("VM_EXIT_CONTROLS"), CONTROLS,
                            "EXIT_SAVE_")
        if word in ("CR0", "CR3"):
            return int(save[word.lower()])
        if word == "CR4":
            return int(save["cr4"]) | cr["CR4_VMXE"]
        if word.startswith("SYSENTER"):
            return int(save[word.lower()])
        if word == "IA32_EFER" and "EFER" in saves:
            return int(save["efer"]) & ~cr["EFER_SVME"]
        if word == "IA32_PAT" and "PAT" in saves:
            return int(save["g_pat"])
        if word == "DR7" and "DEBUG_CONTROLS" in saves:
            return int(save["dr7"])
        return self.in_memory(name)

    def _entry_controls(self, save):
        """The one control that an exit changes: it follows EFER.LMA."""
        mode = headers.defines(CONTROLS)["ENTRY_IA32E_MODE_GUEST"]
        on = int(save["efer"]) & headers.defines("hv/x86/cr.h")["EFER_LMA"]
        return self.in_memory("VM_ENTRY_CONTROLS") & ~mode | (mode if on else 0)
