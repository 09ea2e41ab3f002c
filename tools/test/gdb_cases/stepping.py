"""`next` over VM entries and VMX wrappers, and backtraces through the assembly."""
import os
import sys

import gdb

sys.path.insert(0, os.path.dirname(os.path.abspath(sys._getframe().f_code.co_filename)))
from cases import case, here, holds, names, number, run, session, to  # noqa: E402

ASSEMBLY = ("vmx_entry_switch", "softvmx_vmlaunch", "softvmx_vmresume",
            "softvmx_run_guest")
READ = "vmx_entry_soft_vmread"
# Functions that use the VMX unit; together they call all its operations: capability,
# enable, VMXON, VMCLEAR, VMPTRLD, VMWRITE, VMREAD, INVEPT, VMXOFF, disable.
WRAPPED = ("vmx_caps_read", "vmx_cpu_enable", "vcpu_load_switch",
           "vmcs_host_write_segments", "exit_mem_violation", "vmx_cpu_invept",
           "vcpu_load_drop", "vmx_cpu_disable")
BELOW = ["run_loop", "run_once", "vcpu_run", "bed_run_vcpu"]
ENTRIES = 3
MOST_STEPS = 150


def source():
    sal = gdb.newest_frame().find_sal()
    return sal.symtab.filename if sal.symtab is not None else ""


def stack_of(function):
    """Where the stack of a function's caller ends; None when it has returned."""
    frame = gdb.newest_frame()
    while frame is not None:
        if frame.name() == function and frame.type() == gdb.NORMAL_FRAME:
            return int(frame.older().read_register("rsp"))
        frame = frame.older()
    return None


def next_through(function):
    """`next` until a function returns; where it stopped besides, and the steps."""
    strange, steps, depth = set(), 0, len(names())
    while steps < MOST_STEPS and function in names():
        if here() != function and len(names()) > depth or "softvmx" in source():
            strange.add("%s (%s)" % (here(), source()))
        run("next")
        steps += 1
    return sorted(strange), steps


def wrappers():
    """In the order in which they are met, each once."""
    for function in WRAPPED:
        run("break " + function)
    met = set()
    while set(WRAPPED) - met:
        run("continue")
        function = here()
        met.add(function)
        run("clear " + function)
        run("disable")
        strange, steps = next_through(function)
        case("next through %s stays there" % function,
             not strange and 1 < steps < MOST_STEPS,
             "%d steps, stopped in %s" % (steps, strange))
        if function == "exit_mem_violation":
            entries()
            stepi_all()
            through_vmread()
            one_entry_by_finish()
        run("enable")


def entered():
    """How many events the trace ring of CPU 0 has had."""
    return number("trace_ring[0].next")


def entries():
    """`next` in the run loop, over several VM entries."""
    to("run_loop")
    strange, over, frame = set(), 0, stack_of("run_loop")
    for _ in range(MOST_STEPS):
        before = entered()
        run("next")
        if stack_of("run_loop") is None:  # it has returned to the VMM
            to("run_loop")
            frame = stack_of("run_loop")
            continue
        if here() != "run_loop" or "softvmx" in source():
            strange.add("%s (%s)" % (here(), source()))
        if stack_of("run_loop") != frame:
            strange.add("another frame")
        over += "vmx_entry_run" in names() or entered() > before
        if over > 2 * ENTRIES:
            break
    case("next over VM entries stays in the run loop", not strange, sorted(strange))
    case("and there were entries", over > 2 * ENTRIES, over)


def stepi_all():
    """Each instruction of the entry path, into C and out: the calls below are right."""
    to("vmx_entry_switch")
    below, seen, wrong = stack_of("run_loop"), set(), set()
    while here() != "run_loop" and len(wrong) < 9:
        name = here()
        if name == "svm_enter_run" and ASSEMBLY[3] not in seen:
            to(ASSEMBLY[3])
            continue
        if name not in ASSEMBLY:
            run("finish")  # a function of softvmx, back to the assembly
            continue
        seen.add(name)
        found = [n for n in names() if n not in ("enter", "vmx_entry_run")]
        at = found.index("run_loop") if "run_loop" in found else 0
        if found[at:at + 4] != BELOW or stack_of("run_loop") != below:
            wrong.add("%s at %#x: %s" % (name, number("$pc"), found))
        step_over_vmrun() if "vmrun" in run("x/i $pc") else run("stepi")
    case("bt is right at each instruction of the entry path", not wrong, sorted(wrong))
    case("it was the whole path", seen >= {ASSEMBLY[0], ASSEMBLY[3]}, seen)


def step_over_vmrun():
    """The guest runs between two instructions: a breakpoint waits on the second."""
    run("tbreak *%s" % run("x/2i $pc").splitlines()[1].split()[0])
    run("continue")


def through_vmread():
    """The way to softvmx_vmread() and back, instruction by instruction."""
    to(READ)
    frame = gdb.newest_frame().older()
    while frame.type() == gdb.INLINE_FRAME:
        frame = frame.older()
    caller, wrong, steps = frame.name(), set(), 0
    while here() != caller and steps < MOST_STEPS:
        if caller not in names() or names()[-1] != "boot_high":
            wrong.add("%s at %#x: %s" % (here(), number("$pc"), names()))
        run("stepi" if here() == READ else "finish")
        steps += 1
    case("bt is right at each instruction of a soft vmread()", not wrong, sorted(wrong))
    case("which came back to its caller", 10 < steps < MOST_STEPS, steps)


def one_entry_by_finish():
    to("svm_enter_run")
    below = stack_of("run_loop")
    holds("bt through softvmx down to boot", " ".join(names()), "svm_enter_run",
          "softvmx_vm", "vmx_entry_switch", "run_loop", "vcpu_run", "hv_main",
          "boot_high")
    run("frame function run_loop")
    holds("what the guest has in registers is no variable of ours", run("frame"),
          "<optimized out>")
    run("frame function vmx_entry_switch")
    text = run("finish")
    case("`finish` of a VM entry comes back to the run loop", here() == "run_loop" and
         stack_of("run_loop") == below, text)


@session
def stepping():
    to("driver_main")
    case("bt in the hypervisor ends at boot_high", names()[-1] == "boot_high", names())
    wrappers()
