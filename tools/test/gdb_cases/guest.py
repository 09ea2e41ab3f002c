"""A guest debugged with GDB's own commands, as if it were a program."""
import os
import sys

import gdb

sys.path.insert(0, os.path.dirname(os.path.abspath(sys._getframe().f_code.co_filename)))
from cases import case, here, holds, names, number, refused, run, session, to  # noqa

TEST = "first_touch_is_one_violation"


def line():
    return gdb.newest_frame().find_sal().line


def stopped_in_guest():
    to(TEST)
    case("a breakpoint in the guest, by its name", here() == TEST, here())
    case("bt in the guest", names() == [TEST, "boot_main", "_start"], names())
    holds("x/i in the guest", run("x/2i $pc"), "push", "mov")
    holds("hv guest says that this is the guest", run("hv guest"),
          "CPU 0 is in the guest", TEST, "boot_main")
    holds("hv host: the calls below the guest", run("hv host"), "CPU 0 is in the guest",
          "vmx_entry_exit", "run_loop", "vcpu_run", "hv_main", "boot_high")
    holds("hv vmcs says that the guest runs", run("hv vmcs GUEST_RIP"),
          "the guest runs")
    case("hv x agrees with x", run("hv x $rsp 2").split("\t")[1:] ==
         run("x/2gx $rsp").split("\t")[1:], run("hv x $rsp 2") + run("x/2gx $rsp"))
    for command in ("hv last", "hv exits", "hv walk $rip", "hv ept $rip", "hv slots",
                    "hv mmio", "hv bus", "hv trace", "hv vcpus", "hv vmcs"):
        case("in the guest: " + command, refused(command) == "", refused(command))
    case("$guest() is the processor's register",
         number('$guest("rsp")') == number("$rsp"))
    case("the hypervisor's variables can be printed from the guest",
         TEST in run("print bed.plan.test->name"), run("print bed.plan.test->name"))
    case("an address of nobody is refused",
         "Cannot access memory" in refused("x/x 0xdeadbeef000"))


def stepping():
    start = line()
    run("next")
    case("next over a guest's call that exits stays in the guest",
         here() == TEST and line() > start, "%s:%d" % (here(), line()))
    for _ in range(3):
        run("next")
        case("next over MMIO and hypercalls stays in the guest",
             here() == TEST, here())
    before = number("$pc")
    run("stepi")
    case("stepi in the guest is one instruction", 0 < abs(number("$pc") - before) < 16
         or here() == TEST, here())
    holds("info locals in the guest", run("info locals"), "t = {")
    to("check_equal")
    case("a breakpoint in the guest's library", names()[:2] == ["check_equal", TEST],
         names())
    run("finish")
    case("finish in the guest", here() == TEST, here())
    to("tally_start")
    run("step")
    case("step in the guest", here() in ("tally_start", "vmcall1"), here())


def through_the_exit():
    """A step that meets a breakpoint of the hypervisor stops there."""
    run("break exit_hypercall_handle")
    for _ in range(12):
        run("stepi")
        if here() == "exit_hypercall_handle":
            break
    case("a breakpoint in the hypervisor is met by a step of the guest",
         here() == "exit_hypercall_handle", here())
    run("delete")
    holds("and hv last knows the VMCALL", run("hv last"), "VMCALL (18)", "vmcall")


def writing():
    to("check_equal")
    place = number("$rsp") - 64
    run("set var *(unsigned long *)%#x = 0x1122334455667788" % place)
    case("writing the guest's memory", number("*(unsigned long *)%#x" % place) ==
         0x1122334455667788)
    holds("hv x sees what was written", run("hv x %#x 1" % place), "0x1122334455667788")
    run("set var *(char *)&bed.plan.poison = 1")
    case("writing the hypervisor's memory from the guest",
         number("bed.plan.poison") == 1)
    run("watch *(unsigned long *)%#x" % number("&checks"))
    run("continue")
    case("a watchpoint on the guest's variable", here() == "check_equal", here())
    run("delete")


def symbols():
    holds("hv guest PROGRAM loads symbols", run("hv guest lab1"), "lab1")
    case("and back", TEST in run("info symbol %s" % TEST))
    text = refused("hv guest no_such_program")
    case("hv guest no_such_program", "there is no guest program" in text and
         "lab1" in text, text)


@session
def guest():
    stopped_in_guest()
    stepping()
    through_the_exit()
    writing()
    symbols()
