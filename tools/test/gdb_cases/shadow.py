"""A guest without EPT: its own registers and tables, our tables, the MMIO cache."""
import os
import re
import sys

import gdb

sys.path.insert(0, os.path.dirname(os.path.abspath(sys._getframe().f_code.co_filename)))
from cases import case, here, holds, number, refused, run, session, to  # noqa

TEST = "first_touch_is_one_violation"
DEVICE = 0xD0001000  # DEVICE_COUNTER_GPA


def at_a_fault():
    case("stop in shadow_fault_judge", to("shadow_fault_judge") ==
         "shadow_fault_judge", run("bt 1"))
    holds("hv last: a page fault", run("hv last"), "EXCEPTION_NMI (0)")
    holds("hv walk: the guest's own tables", run("hv walk 0x200000"), "CR3 0x3000",
          "PML4E", "gva 0x200000 is gpa 0x200000")
    case("CR3 is the guest's, not ours", number('$guest("cr3")') == 0x3000)
    case("EFER is the guest's", number('$guest("efer")') & 0x500 == 0x500)
    case("hv x works before anything is mapped", refused("hv x 0x200000 2") == "")


def in_the_guest():
    to(TEST)
    case("a breakpoint in the guest, by its name", here() == TEST, here())
    holds("hv ept: our entries for an address", run("hv ept $pc"), "shadow root",
          "PDE", "is physical")
    holds("hv ept: of a device that was not touched", run("hv ept %#x" % DEVICE),
          "not present")
    case("hv x agrees with x", run("hv x $rsp 2").split("\t")[1:] ==
         run("x/2gx $rsp").split("\t")[1:], run("hv x $rsp 2") + run("x/2gx $rsp"))
    run("next")
    case("next over a guest's call stays in the guest", here() == TEST, here())


def at_the_device():
    to("check_equal")
    holds("hv ept: a device's page is marked", run("hv ept %#x" % DEVICE),
          "is MMIO", "is that of the slots")
    text = run("hv mmio")
    holds("hv mmio: the cache is off in lab 1", text, "MMIO cache: switched off")
    run("set var vcpu_load_current[0]->known.off = 0")
    for _ in range(6):
        to("check_equal")
    text = run("hv mmio")
    holds("hv mmio: what the cache knows", text, "page 0xd0001000",
          "linear 0xd0001000", "generation")
    found = re.search(r"fault (\d+) of (\d+)", text)
    case("hv mmio: how often it did", found and 0 < int(found.group(1)) <=
         int(found.group(2)), text)


@session
def shadow():
    at_a_fault()
    in_the_guest()
    at_the_device()
