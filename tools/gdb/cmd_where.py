"""hv guest, hv host, $guest(): which world this is, and what the other one is like."""
import gdb

import memory
import symbols
import world
from cmd_exits import instruction_line
from command import Command, print_rows
from guest import Guest
from memory import Unavailable

WORLDS = {
    world.HYPERVISOR: "in the hypervisor",
    world.SOFTVMX: "in softvmx, the VMX unit: between VM entry and VM exit",
    world.GUEST: "in the guest",
    world.FIRMWARE: "not in the hypervisor yet",
}
DEEPEST = 32
STACK_WORDS = 16
RET = b"\xc3"


def here():
    """Return the sentence that says where the selected processor is."""
    now = world.where()
    try:
        cpu = world.this_cpu()
        vcpu = world.vcpu_of(cpu)
        told = "CPU %d is %s" % (int(cpu["id"]), WORLDS[now])
        if vcpu is not None:
            told += "; its vCPU is %s" % vcpu.name
            program = world.program()
            if program:
                told += ", running %s/%s" % (program, world.test_name())
        return told + "."
    except Unavailable:
        return "this processor is %s." % WORLDS[now]


def print_frames(frames):
    """Print [(pc, is it a return address?)] as a backtrace."""
    for number, (pc, returned) in enumerate(frames):
        print("  #%-2d %s" % (number, symbols.place(pc - 1 if returned else pc)))


def _frame_chain(read_word, frame):
    """Follow the chain of frame pointers; yields return addresses."""
    for _ in range(DEEPEST):
        try:
            above, back = read_word(frame), read_word(frame + 8)
        except Unavailable:
            return
        if not back:
            return
        yield back
        if above <= frame:
            return
        frame = above


def guest_frames(guest):
    """The guest's calls, by frame pointers; at a function's entry by its stack."""
    def word(gva):
        return int.from_bytes(guest.read(gva, 8), "little")

    rip, frames = guest.linear_rip(), []
    pushed = symbols.offset_of(rip)
    try:
        if guest.read(rip, 1) == RET:
            pushed = 0
        if pushed in (0, 1):  # before and after `push %rbp`
            frames.append((word(guest.register("rsp") + 8 * pushed), True))
    except Unavailable:
        pass
    frames += [(pc, True) for pc in _frame_chain(word, guest.register("rbp"))]
    return [(rip, False)] + [frame for frame in frames if frame[0]]


class GuestCommand(Command):
    """Say where this processor is, and show the guest: place, registers, calls.
Usage: hv guest [PROGRAM]

The guest program's symbols become those of the program that runs now, or of
PROGRAM (lab1, ...), so that its functions can be named: `break readonly_store...`.
$guest("rip"), $guest("rax") ... are the guest's registers in any expression,
wherever the machine has stopped. What the guest's memory holds: `help hv x`."""

    name = "hv guest"

    def run(self, argument):
        words = self.words(argument, 1)
        if words:
            print("symbols of the guest program %s are loaded." % symbols.use(words[0]))
            return
        symbols.follow_program()
        print(here())
        guest = Guest()
        rip = guest.linear_rip()
        print("rip %s" % symbols.place(rip))
        line = symbols.source_line(rip)
        if line:
            print(line)
        print("   " + instruction_line(guest, rip))
        rows = [tuple("%-4s%016x" % (name, guest.register(name))
                      for name in world.GPRS[i:i + 4]) for i in range(0, 16, 4)]
        rows.append(tuple("%s %x" % (name, guest.register(name))
                          for name in ("rflags", "cr0", "cr3", "cr4", "efer")))
        print_rows(rows)
        print("calls:")
        print_frames(guest_frames(guest))


class HostCommand(Command):
    """Say where this processor is, and show the hypervisor's calls below the guest.
Usage: hv host

In the hypervisor and in softvmx GDB's own `bt` is right. While the guest runs,
the hypervisor's stack is not in GDB's reach; it is read here from HOST_RSP, where
the VM exit will arrive."""

    name = "hv host"

    def run(self, argument):
        self.words(argument, 0)
        if world.where() == world.FIRMWARE:
            world.this_cpu()  # or says why there is none
        print(here())
        if world.where() != world.GUEST:
            gdb.execute("backtrace")
            return
        vmcs = Guest().vmcs
        print("the next VM exit will go to")
        frames = [(vmcs.value("HOST_RIP"), False)]
        print_frames(frames + list(self._waiting(vmcs.value("HOST_RSP"))))

    def _waiting(self, stack):
        """The calls that wait on the hypervisor's stack."""
        words = [self._word(stack + 8 * i) for i in range(STACK_WORDS)]
        start, end = (int(memory.address_of(name))
                      for name in ("image_text_start", "image_text_end"))
        for i in range(1, STACK_WORDS):
            # The first return address with a saved frame pointer below it.
            if start <= words[i] < end and words[i - 1] > stack:
                yield words[i], True
                for pc in _frame_chain(self._word, words[i - 1]):
                    yield pc, True
                return

    @staticmethod
    def _word(address):
        return memory.read_word(memory.to_physical(address))


class GuestFunction(gdb.Function):
    """$guest("REGISTER"): a register of the guest, wherever the machine has stopped.

REGISTER is rax to r15, rip, rflags, cr0, cr3, cr4 or efer."""

    name = "guest"

    def __init__(self):
        super().__init__(self.name)

    def invoke(self, register):
        try:
            value = Guest().register(register.string())
        except Unavailable as error:
            raise gdb.GdbError(str(error)) from None
        kind = gdb.lookup_type("unsigned long")
        return gdb.Value(value.to_bytes(8, "little"), kind)


COMMANDS = (GuestCommand, HostCommand)
FUNCTIONS = (GuestFunction,)
