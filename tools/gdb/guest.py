"""The guest of the selected processor: its registers and its memory.

Where the registers are depends on the world: in the processor while the guest runs, in
the VMCB and struct softvmx_cpu while softvmx works, in the VMCS and struct vcpu while
the hypervisor does. Memory takes the two walks of walks.py. Without EPT the processor's
CR3 and EFER are the hypervisor's, and memory is where the slots have it.
"""
import headers
import memory
import walks
import world
from memory import Unavailable
from vmcs import Vmcs


WORD = (1 << 64) - 1


class Guest:
    """The guest whose vCPU is on the selected processor."""

    def __init__(self):
        self.vcpu = world.vcpu()
        self.world = world.where()
        self.newest_in_vmcb = self.world == world.SOFTVMX and world.after_load()
        self.with_ept = bool(self.vcpu.vm["with_ept"])
        self.eptp = memory.number(self.vcpu.vm["eptp"])
        self._vmcs = None
        self._paging = None
        self.by_slot = False  # whether something was read that the EPT has not yet

    @property
    def vmcs(self):
        """Its VMCS; Unavailable when the processor has it inside."""
        self._vmcs = self._vmcs or Vmcs(self.vcpu)
        return self._vmcs

    # -- registers -------------------------------------------------------------

    def register(self, name):
        """A register of the guest: rax to r15, rip, rflags, cr0, cr3, cr4, efer."""
        name = name.lstrip("$").lower()
        name = "rflags" if name == "eflags" else name
        if name not in world.GPRS + world.SYSTEM_REGISTERS:
            raise Unavailable("there is no guest register %s; there are rax to r15, "
                              "%s." % (name, ", ".join(world.SYSTEM_REGISTERS)))
        if not self.with_ept and name in ("cr0", "cr3", "cr4", "efer"):
            return self._own(name)
        return self._real(name)

    def _own(self, name):
        """Without EPT: the register as the guest has set it."""
        if name in ("cr3", "efer"):
            return memory.number(self.vcpu[name])
        owned = self.vmcs.value(name.upper() + "_GUEST_HOST_MASK")
        shadow = self.vmcs.value(name.upper() + "_READ_SHADOW")
        return self._real(name) & ~owned | shadow & owned

    def _real(self, name):
        if self.world == world.GUEST:
            return world.register("eflags" if name == "rflags" else name)
        if name in world.GPRS and name != "rsp":
            return self._gpr(name)
        return self._system(name)

    def _gpr(self, name):
        number = world.GPRS.index(name)
        if self.world == world.SOFTVMX:
            if self.newest_in_vmcb and name == "rax":
                return int(self.vmcs.vmcb()["save"]["rax"])
            return memory.number(self.vmcs.unit["gpr"][number])
        return memory.number(self.vcpu["gpr"][number])

    def _system(self, name):
        if self.newest_in_vmcb:
            return int(self.vmcs.vmcb()["save"][name])
        field = "GUEST_IA32_EFER" if name == "efer" else "GUEST_" + name.upper()
        return self.vmcs.value(field)

    @property
    def is_64bit(self):
        """Whether it runs 64-bit code: long mode and CS.L."""
        long_mode = headers.defines("hv/x86/cr.h")["EFER_LMA"]
        code = headers.defines("hv/vmx/vmx_controls.h")["SEG_AR_L"]
        return bool(self.register("efer") & long_mode and
                    self.vmcs.value("GUEST_CS_AR_BYTES") & code)

    def linear_rip(self):
        return self.register("rip") + self.vmcs.value("GUEST_CS_BASE")

    # -- guest physical to physical ----------------------------------------------

    def ept_walk(self, gpa):
        return walks.walk_ept(memory.read_word, self.eptp, gpa)

    def root_walk(self, address):
        """Without EPT: the walk through the current root of our tables; or None."""
        root = self.vcpu["shadow"]["roots"][0]
        table = memory.number(root["table"])
        if not table:
            return None
        bits = headers.defines("hv/x86/cr.h")
        efer = bits["EFER_LMA"] if int(root["level"]) == 4 else 0
        return walks.walk_pages(memory.read_word, walks.Registers(
            bits["CR0_PG"], table, bits["CR4_PAE"], efer), address)

    def shadow_walk(self, gpa):
        """The walk through what softvmx has made of the EPT; None if there is none."""
        vmcb = self.vmcs.vmcb()
        if vmcb is None or not int(vmcb["control"]["np_enable"]):
            return None
        return walks.walk_nested(memory.read_word, int(vmcb["control"]["n_cr3"]), gpa)

    def slot(self, gpa):
        """Return the struct memslot that covers a guest physical address, or None."""
        slots = memory.follow(self.vcpu.vm["slots"]["active"])
        for i in range(int(slots["count"])):
            found = slots["slots"][i]
            offset = gpa - memory.number(found["base"])
            if 0 <= offset < memory.number(found["pages"]) * memory.PAGE_SIZE:
                return found
        return None

    def physical(self, gpa):
        """Return where a guest physical address is; Unavailable if it is no memory.

        The EPT decides. What it does not have yet is in it after the guest's first
        access, and until then the slot says where it will be.
        """
        slot = self.slot(gpa)
        if not self.with_ept:
            if slot is None:
                raise Unavailable("guest-physical %#x is no memory: no slot covers it."
                                  % gpa)
            return memory.number(slot["hpa"]) + gpa - memory.number(slot["base"])
        walk = self.ept_walk(gpa)
        if walk.address is not None:
            return walk.address
        if slot is None or walk.why != "not present":
            raise Unavailable("guest-physical %#x is no memory: its EPT %s is %s%s."
                              % (gpa, walks.LEVELS[walk.steps[-1].level], walk.why,
                                 "" if slot is not None else " and no slot covers it"))
        self.by_slot = True
        return memory.number(slot["hpa"]) + gpa - memory.number(slot["base"])

    def read_physical(self, gpa, size):
        """Return bytes at a guest physical address, within one page."""
        return memory.read(self.physical(gpa), size)

    # -- guest virtual to guest physical -----------------------------------------

    @property
    def paging(self):
        """The registers that decide how the guest translates."""
        if self._paging is None:
            self._paging = walks.Registers(*(self.register(name) for name in
                                             ("cr0", "cr3", "cr4", "efer")))
        return self._paging

    def walk(self, gva):
        """Walk the guest's page tables. Each step's `at` is guest-physical."""
        if self.paging.mode() is walks.FOUR_LEVEL and (gva + (1 << 47) & WORD) >> 48:
            raise Unavailable("%#x is not canonical: bits 63 to 47 must be equal "
                              "(SDM 1 3.3.7.1)." % gva)
        return walks.walk_pages(
            lambda gpa, size: int.from_bytes(self.read_physical(gpa, size), "little"),
            self.paging, gva)

    def translate(self, gva):
        """Return the guest physical address; Unavailable says why there is none."""
        walk = self.walk(gva)
        if walk.address is None:
            last = walk.steps[-1]
            raise Unavailable("%#x is not mapped by the guest: its %s at "
                              "guest-physical %#x is %s." % (
                                  gva, walks.LEVELS[last.level], last.at, walk.why))
        return walk.address

    def read(self, gva, size):
        """Return bytes at a guest virtual address."""
        data = b""
        while len(data) < size:
            at = gva + len(data)
            part = min(size - len(data), memory.PAGE_SIZE - at % memory.PAGE_SIZE)
            data += self.read_physical(self.translate(at), part)
        return data
