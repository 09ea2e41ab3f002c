"""hv break exit: stop at VM exits of one reason, on a condition if wanted."""
import re

import gdb

import decode
import memory
import names
from command import Command
from memory import Unavailable
from vmcs import exit_information
from world import Vcpu

# Exits that never get to exit_dispatch(): they are the host's, and the run loop's.
HOSTS = {"EXTERNAL_INTERRUPT": "watchdog_guest_tick",
         "PREEMPTION_TIMER": "preempt_expired"}
WORDS = {"gpa": "GUEST_PHYSICAL_ADDRESS", "gla": "GUEST_LINEAR_ADDRESS",
         "qual": "EXIT_QUALIFICATION", "rip": "GUEST_RIP",
         "len": "VM_EXIT_INSTRUCTION_LEN", "info": "VM_EXIT_INSTRUCTION_INFO",
         "intr": "VM_EXIT_INTR_INFO", "vectoring": "IDT_VECTORING_INFO"}
WORD = re.compile(r"(?<![\w$.>\"'])(gpa|gla|len|info|intr|vectoring|qual|rip|count)\b"
                  r"(?!\s*\()")


def substitute(condition, vcpu, reason):
    """Put the exit's values in place of the words gpa, gla, qual, rip ...

    vcpu is a pointer's target, of which only the members that are asked for are read.
    """
    def number(match):
        word = match.group(1)
        if word == "count":
            return "%d" % int(vcpu["count"]["exits"][reason])
        return "%#xUL" % exit_information(vcpu, WORDS[word])
    return WORD.sub(number, condition)


# Every exit comes here, the host's own excepted.
PLACE = "exit_dispatch"


class ExitBreakpoint(gdb.Breakpoint):
    """Stops in exit_dispatch() for one reason."""

    def __init__(self, reason, condition):
        memory.address_of(PLACE)  # or the sentence that says what is wrong
        self.reason, self.wanted = reason, condition
        super().__init__(PLACE, type=gdb.BP_BREAKPOINT)

    def stop(self):
        try:
            # Asked at each exit: of the vCPU only what is needed is read.
            vcpu = gdb.newest_frame().read_var("vcpu").dereference()
            if int(vcpu["exit_reason"]) & 0xffff != self.reason:
                return False
            if self.wanted and not gdb.parse_and_eval(
                    substitute(self.wanted, vcpu, self.reason)):
                return False
            self._tell(vcpu)
        except (gdb.error, Unavailable) as error:
            print("hv break exit %s: stopped, because the condition cannot be "
                  "answered: %s" % (names.reason(self.reason), error))
        return True

    def _tell(self, vcpu):
        told = decode.qualification(self.reason,
                                    exit_information(vcpu, "EXIT_QUALIFICATION"))
        print("%s of %s: %s" % (names.reason(self.reason), Vcpu(int(vcpu.address)).name,
                                told or "rip %#x" % int(vcpu["rip"])))


class BreakCommand(Command):
    """Breakpoints of the hypervisor's own kinds.
Usage: hv break exit REASON [if CONDITION]"""

    name = "hv break"
    is_prefix = True

    def run(self, argument):
        raise self.usage()


class BreakExitCommand(Command):
    """Stop at each VM exit of one reason, before the hypervisor handles it.
Usage: hv break exit REASON [if CONDITION]

REASON is a name (EPT_MISCONFIG, see hv/vmx/exit_reasons.h) or a number. In the
CONDITION these words stand for what the exit says, beside GDB's expressions:

    gpa gla qual rip len info intr vectoring    fields of the exit information
    count                                       exits of this reason so far

    hv break exit EPT_MISCONFIG if gpa == 0xd0000000
    hv break exit CPUID if vcpu->gpr[0] == 1
    hv break exit 48 if (qual & 2) && count > 10

It is a breakpoint like others: `info breakpoints`, `delete N`, `disable N`."""

    name = "hv break exit"

    def run(self, argument):
        word, _, condition = argument.partition(" ")
        condition = condition.strip()
        if condition and not re.match(r"if\b\s*\S", condition):
            raise self.usage()
        condition = condition[2:].strip()
        reason = names.reason_number(word) if word else None
        if reason is None:
            raise Unavailable("`%s` is no exit reason; they are named as in "
                              "hv/vmx/exit_reasons.h, or given by number." % word
                              if word else str(self.usage()))
        if names.reason(reason) in HOSTS:
            self._at_host_exit(names.reason(reason), condition)
            return
        ExitBreakpoint(reason, condition)

    @staticmethod
    def _at_host_exit(name, condition):
        if condition:
            raise Unavailable("%s is the host's own exit, which goes to %s(): use "
                              "`break %s if ...`." % (name, HOSTS[name], HOSTS[name]))
        gdb.Breakpoint(HOSTS[name])


COMMANDS = (BreakCommand, BreakExitCommand)
