"""hv exits, hv last, hv trace: what has happened so far."""
import re

import gdb

import decode
import memory
import names
import ring
import symbols
import world
from command import Command, print_rows
from guest import Guest
from memory import Unavailable

LONGEST_INSTRUCTION = 15
CROSSINGS = ("TRACE_KVM_ENTRY", "TRACE_KVM_EXIT")
WITH_GPA = ("EPT_VIOLATION", "EPT_MISCONFIG")
# A branch's target, or the address that GDB works out for a RIP-relative operand.
RELATIVE = re.compile(r"((?:# |\b(?:j\w+|callq?|loop\w*|xbegin) +))0x([0-9a-f]+)"
                      r"(?: <[^>]*>)?")


def disassemble(guest, rip):
    """Return (bytes, text) of the guest's instruction at a linear address."""
    try:
        data = guest.read(rip, LONGEST_INSTRUCTION)
    except Unavailable:
        data = guest.read(rip, memory.PAGE_SIZE - rip % memory.PAGE_SIZE)
    if not guest.is_64bit:
        return data, "(16- or 32-bit code)"
    at = guest.physical(guest.translate(rip))
    with memory.Physical():
        lines = gdb.newest_frame().architecture().disassemble(at, count=1)
    moved = RELATIVE.sub(lambda m: _moved(m, rip - at), lines[0]["asm"])
    return data[:lines[0]["length"]], " ".join(moved.split())


def _moved(match, distance):
    """What GDB has computed from the physical address, for the virtual one."""
    address = int(match.group(2), 16) + distance & ((1 << 64) - 1)
    name = symbols.name_of(address)
    return "%s%#x%s" % (match.group(1), address, " <%s>" % name if name else "")


def instruction_line(guest, rip):
    """One line about the guest's instruction; never fails."""
    try:
        data, words = disassemble(guest, rip)
        return "%s   %s" % (data.hex(" "), words)
    except Unavailable as error:
        return "not readable: %s" % error


def last_exit_rip(guest):
    """RIP of the last exit: GUEST_RIP moves on when the instruction is stepped over."""
    mine = [record for record in ring.records() if record.event in CROSSINGS and
            (record.vcpu, record.cpu) == (int(guest.vcpu["number"]),
                                          int(guest.vcpu["cpu"]))]
    exits = [record for record in mine if record.event == "TRACE_KVM_EXIT"]
    is_new = mine and mine[-1] not in exits and world.exit_not_noted(guest.vcpu)
    if not ring.is_on() or not exits or is_new:
        return guest.vmcs.value("GUEST_RIP")
    return exits[-1].a


class ExitsCommand(Command):
    """Count the VM exits of this vCPU by reason, and show the last ones.
Usage: hv exits [N]

The counts are those of struct vcpu, since vcpu_create(). The last N exits
(default 8) come from the trace ring and show reason, RIP and qualification."""

    name = "hv exits"

    def run(self, argument):
        words = self.words(argument, 1)
        last = self.count(words[0] if words else None, 8)
        vcpu = world.vcpu()
        counts = memory.numbers(vcpu["count"]["exits"])
        print("%d exit%s of %s" % (sum(counts), "s" * (sum(counts) != 1), vcpu.name))
        print_rows([("%8d" % count, "%3d" % number, names.reason(number))
                    for number, count in sorted(enumerate(counts),
                                                key=lambda pair: -pair[1]) if count])
        exits = [record for record in ring.records("TRACE_KVM_EXIT")
                 if record.vcpu == int(vcpu["number"])]
        if not exits:
            print("no exit is in the trace ring" +
                  ("" if ring.is_on() else ", which is off (trace_on)"))
            return
        print("the last %d:" % min(last, len(exits)))
        for record in exits[-last:]:
            told = decode.qualification(record.arg, record.b)
            print("  %-18s rip %s%s" % (names.reason(record.arg),
                                        symbols.place(record.a),
                                        "; " + told if told else ""))


class LastCommand(Command):
    """Decode the last VM exit of this vCPU: why, where, and by which instruction.
Usage: hv last

Shows reason and qualification in words, the instruction at the exit's RIP as
the guest has it, and, where the exit gives them, guest-physical and
guest-linear address and the event that was being delivered."""

    name = "hv last"

    def run(self, argument):
        self.words(argument, 0)
        symbols.follow_program()
        guest = Guest()
        vcpu = guest.vcpu
        if not sum(memory.numbers(vcpu["count"]["exits"])):
            raise Unavailable("%s has had no VM exit yet." % vcpu.name)
        reason = guest.vmcs.value("EXIT_REASON")
        rip = last_exit_rip(guest)
        print("%s (%d)%s, an exit of %s" % (
            names.reason(reason), reason & 0xffff,
            ": VM entry failed" if reason >> 31 else "", vcpu.name))
        rows = [("rip", symbols.place(rip)),
                ("instruction", instruction_line(guest, rip)),
                *self._qualification(guest, reason)]
        print_rows(rows + self._from_vmcs(guest, reason))
        if world.where() == world.SOFTVMX:
            print("(the next VM entry is under way: softvmx is at work on it)")

    @staticmethod
    def _qualification(guest, reason):
        if not decode.has_qualification(reason):
            return []
        value = guest.vmcs.value("EXIT_QUALIFICATION")
        told = decode.qualification(reason, value)
        return [("qualification", "%#x%s" % (value, "   " + told if told else ""))]

    def _from_vmcs(self, guest, reason):
        rows, vmcs, name = [], guest.vmcs, names.reason(reason)
        if name in WITH_GPA:
            gpa = vmcs.value("GUEST_PHYSICAL_ADDRESS")
            rows.append(("gpa", "%#x   %s" % (gpa, self._slot(guest, gpa))))
        if name == "EPT_VIOLATION" and vmcs.value("EXIT_QUALIFICATION") >> 7 & 1:
            rows.append(("gla", "%#x" % vmcs.value("GUEST_LINEAR_ADDRESS")))
        if name == "EXCEPTION_NMI":
            rows.append(("event", decode.event(vmcs.value("VM_EXIT_INTR_INFO"),
                                               vmcs.value("VM_EXIT_INTR_ERROR_CODE"))))
        vectoring = vmcs.value("IDT_VECTORING_INFO")
        if vectoring >> 31:
            rows.append(("delivering", decode.event(
                vectoring, vmcs.value("IDT_VECTORING_ERROR_CODE"))))
        return rows

    @staticmethod
    def _slot(guest, gpa):
        slot = guest.slot(gpa)
        return "in slot %d" % int(slot["id"]) if slot is not None else \
            "in no slot: MMIO"


class TraceCommand(Command):
    """Print the last events of the trace ring as trace-cmd does.
Usage: hv trace [N]

The last N events (default 20) of all processors in the order of time: kvm_entry,
kvm_exit, kvm_page_fault, kvm_mmio, kvm_fast_mmio, kvm_emulate_insn,
kvm_inj_exception."""

    name = "hv trace"

    def run(self, argument):
        words = self.words(argument, 1)
        count = self.count(words[0] if words else None, 20)
        records = ring.records()
        if not records:
            raise Unavailable("the trace ring is empty%s."
                              % ("" if ring.is_on() else " and off (trace_on)"))
        for record in records[-count:]:
            print(record)


COMMANDS = (ExitsCommand, LastCommand, TraceCommand)
