"""Reading what the exit recorder prints (hv/vmxtest/).

    # vmxtest cpuid_exits cpu=0 exits=3
    # x 0 0 reason=10 len=2 rip=2012e9 rsp=21dea0 ...

A run is {(test, cpu): [exit]}, an exit a dict from a field's name to its number; what
is not in it is 0. `reason` is decimal in the line and split here: its bit 31, which
says that VM entry failed, becomes `failed`.
"""
import re

from .common import Problem
from .tap import Reader

TEST = re.compile(r"# vmxtest (\S+) cpu=(\d+) exits=(\d+)$")
EXIT = re.compile(r"# x (\d+) (\d+) (.*)$")
ENTRY_FAILED = 1 << 31
NAMES = {0: "exception or NMI", 1: "external interrupt", 2: "triple fault",
         7: "interrupt window", 8: "NMI window", 9: "task switch", 10: "CPUID",
         12: "HLT", 13: "INVD", 14: "INVLPG", 15: "RDPMC", 16: "RDTSC", 18: "VMCALL",
         19: "VMCLEAR", 20: "VMLAUNCH", 21: "VMPTRLD", 22: "VMPTRST", 23: "VMREAD",
         24: "VMRESUME", 25: "VMWRITE", 26: "VMXOFF", 27: "VMXON",
         28: "control-register access", 29: "MOV DR", 30: "I/O instruction",
         31: "RDMSR", 32: "WRMSR", 33: "entry failure, guest state",
         34: "entry failure, MSR loading", 36: "MWAIT", 37: "monitor trap flag",
         39: "MONITOR", 40: "PAUSE", 46: "GDTR or IDTR", 47: "LDTR or TR",
         48: "EPT violation", 49: "EPT misconfiguration", 50: "INVEPT", 51: "RDTSCP",
         53: "INVVPID", 54: "WBINVD", 55: "XSETBV"}


def parse_exit(words):
    """Make an exit of 'reason=48 qual=181 ...'."""
    exit_ = {}
    for word in words.split():
        name, _, value = word.partition("=")
        exit_[name] = int(value, 10 if name == "reason" else 16)
    if exit_["reason"] & ENTRY_FAILED:
        exit_["failed"] = 1
        exit_["reason"] &= ~ENTRY_FAILED
    return exit_


def tell(exit_):
    """An exit's kind, for people."""
    if exit_.get("fail"):
        return f"VMfail {exit_['fail']}"
    reason = exit_["reason"]
    return f"{NAMES.get(reason, 'exit')} ({reason})"


class Records:
    """Takes COM2's lines one by one."""

    def __init__(self, nonce):
        self.tests = {}
        self.announced = {}
        self.results = Reader(nonce)
        self.current = None

    def feed(self, line):
        test, exit_ = TEST.match(line), EXIT.match(line)
        if test:
            self.current = (test.group(1), int(test.group(2)))
            self.tests[self.current] = []
            self.announced[self.current] = int(test.group(3))
        elif exit_ and self.current:
            self.tests[self.current].append(parse_exit(exit_.group(3)))
        else:
            self.results.feed(line)

    def finish(self):
        """The stream is over; a Problem when lines have been lost."""
        self.results.finish()
        for key, exits in self.tests.items():
            if len(exits) != self.announced[key]:
                raise Problem(f"{key[0]} on CPU {key[1]} announced "
                              f"{self.announced[key]} exits and printed {len(exits)}")
