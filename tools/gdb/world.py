"""Where the selected processor is: in the hypervisor, in softvmx, or in a guest.

GDB's `thread N` selects a processor; everything here speaks of that one. Its page
tables tell the worlds apart: the hypervisor has its own and no guest has those. Whose
guest it is, is in the hypervisor's struct cpu and struct vcpu.

    HYPERVISOR   our page tables, no vCPU between entry and exit
    SOFTVMX      our page tables, but softvmx' own stack: the code that runs is what
                 stands for the processor's VMX unit, between VM entry and VM exit
    GUEST        the guest's page tables
    FIRMWARE     none of these: the machine has not come to the hypervisor yet
"""
import gdb

import memory
from memory import Unavailable

SOFT_STACK = 64 << 10  # more than softvmx' stack has
HYPERVISOR, SOFTVMX, GUEST, FIRMWARE = range(4)
# Once one of these is on the stack, the guest's newest state is in the VMCB.
AFTER_LOAD = ("svm_exit_run_guest", "softvmx_run_guest")
GPRS = "rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15".split()
SYSTEM_REGISTERS = "rip rflags cr0 cr3 cr4 efer".split()


def register(name):
    """Return a register of the selected processor, as it is now."""
    memory.require_machine()
    value = gdb.newest_frame().read_register(name)
    return int(value) & ((1 << 64) - 1)


def cpus():
    """Return the struct cpu of each processor that is up."""
    array = memory.variable("cpus", "hv/x86/cpu.c")
    first, last = array.type.range()
    all_of_them = [array[i] for i in range(first, last + 1)]
    return [cpu for cpu in all_of_them if int(cpu["self"]) and
            (bool(cpu["online"]) or int(cpu["id"]) == 0)]


def this_cpu():
    """Return the struct cpu of the selected processor."""
    memory.require_machine()
    # QEMU's thread n is the processor with APIC id n - 1.
    apic_id = gdb.selected_thread().ptid[1] - 1
    for cpu in cpus():
        if int(cpu["apic_id"]) == apic_id:
            return cpu
    raise Unavailable("the hypervisor has not started this processor yet: "
                      "`break driver_main`, then `continue`.")


def bed():
    """Return a pointer to the test bed: which test, with which devices."""
    return memory.address_of("bed", "hv/vmm/driver.c")


def _image_range():
    return (int(memory.address_of("image_start")), int(memory.address_of("image_end")))


def _has_our_tables():
    table = register("cr3") & ~0xfff
    ours = (memory.address_of("pml4", "hv/boot/paging.c"),
            memory.address_of("boot_pml4"))
    if table not in [memory.to_physical(int(pointer)) for pointer in ours]:
        return False
    start, end = _image_range()
    return start <= register("rip") < end or register("rip") < 1 << 20


def _loaded(cpu_id):
    """The vCPU whose VMCS is current on a processor; 0 if none."""
    return int(memory.variable("vcpu_load_current")[cpu_id])


def _vcpu_pointer(cpu):
    pointer = int(cpu["vcpu"]) or _loaded(int(cpu["id"]))
    if not pointer:
        last = memory.load_member(bed(), "vcpu")
        if int(last) and int(memory.load_member(last, "cpu")) == int(cpu["id"]):
            pointer = int(last)
    return pointer


class Vcpu:
    """A vCPU: `value` is its struct, `address` where it is."""

    def __init__(self, address):
        self.address = address
        self.value = memory.load(address, "struct vcpu")

    def __getitem__(self, field):
        return self.value[field]

    @property
    def vm(self):
        return memory.follow(self.value["vm"])

    @property
    def name(self):
        return "vCPU %d of VM %d" % (int(self["number"]), int(self.vm["number"]))


def vcpu_of(cpu):
    """Return the vCPU of a struct cpu, or None."""
    pointer = _vcpu_pointer(cpu)
    return Vcpu(pointer) if pointer else None


def vcpu():
    """Return the vCPU of the selected processor."""
    found = vcpu_of(this_cpu())
    if found is None:
        raise Unavailable("there is no vCPU on this processor now: `break run_loop`, "
                          "then `continue`.")
    return found


def where():
    """Return HYPERVISOR, SOFTVMX, GUEST or FIRMWARE for the selected processor."""
    ours = _has_our_tables()
    try:
        found = vcpu_of(this_cpu())
    except Unavailable:
        found = None
    if ours:
        return SOFTVMX if found and _on_soft_stack() else HYPERVISOR
    return GUEST if found and bool(found["in_guest"]) else FIRMWARE


def _on_soft_stack():
    unit = int(this_cpu()["vmx"])
    if not unit or not is_soft():
        return False
    top = memory.number(memory.load(unit, "struct softvmx_cpu")["stack_top"])
    return top - SOFT_STACK <= register("rsp") <= top


def exit_not_noted(vcpu):
    """Whether a VM exit has come which the run loop has not looked at yet.

    To be asked when the last event of the trace is an entry. `in_guest` is cleared as
    soon as the run loop has its registers back.
    """
    if where() != HYPERVISOR:
        return False
    if not bool(vcpu["in_guest"]):
        return True
    frame = gdb.newest_frame()
    return frame.name() == "vmx_entry_switch" and \
        frame.pc() >= int(memory.address_of("vmx_entry_exit"))


def is_soft():
    """Whether the VMX unit is softvmx; a Python bool."""
    return bool(memory.variable("vmx_unit_is_soft"))


def after_load():
    """Whether softvmx has loaded the VMCB on its present way into the guest."""
    frame = gdb.newest_frame()
    while frame is not None and frame.is_valid():
        if frame.name() in AFTER_LOAD:
            return True
        if frame.name() == "run_loop":
            return False
        frame = frame.older()
    return False


def program():
    """Return the name of the guest program that is running: "lab1", or ""."""
    plan = memory.load_member(bed(), "plan")
    if not int(plan["module"]):
        return ""
    return memory.string(int(plan["module"]))


def test_name():
    """Return the name of the test that is running, or ""."""
    record = memory.follow(memory.load_member(bed(), "plan")["test"])
    return memory.text(record["name"]) if record is not None else ""
