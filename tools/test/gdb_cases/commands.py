"""Each `hv` command, in each world, with good and bad words."""
import os
import re
import struct
import sys

import gdb

sys.path.insert(0, os.path.dirname(os.path.abspath(sys._getframe().f_code.co_filename)))
from cases import case, holds, is_sentence, number, refused, run, session, to  # noqa

COMMANDS = ("vmcs", "exits", "last", "walk 0", "ept 0", "x 0", "slots", "mmio", "bus",
            "trace", "vcpus", "guest", "host")
DEVICE = 0xD0001000  # DEVICE_COUNTER_GPA


def before_boot():
    for command in COMMANDS:
        text = refused("hv " + command)
        is_sentence("before boot: hv %s says why not" % command, text,
                    "has not started this processor") if command not in ("trace",) \
            else is_sentence("before boot: hv trace says why not", text, "empty")
    for command in [c.split()[0] for c in COMMANDS] + ["break", "break exit"]:
        text = run("help hv " + command)
        holds("help hv " + command, text, "Usage: hv " + command)
    holds("help hv lists the commands", run("help hv"), "hv vmcs -- ", "hv walk -- ")


def at_violation():
    case("stop in ept_fault_violation", to("ept_fault_violation") ==
         "ept_fault_violation", run("bt 1"))
    last = run("hv last")
    holds("hv last: reason by name", last, "EPT_VIOLATION (48)", "vCPU 0 of VM 0")
    holds("hv last: qualification in words, addresses, instruction", last,
          "of the guest's page walk", "the entries allow ---", "gpa", "in slot 0",
          "gla", "lea", "_start")
    case("hv last: the qualification is what VMREAD gives",
         "%#x " % number("softvmx_vmread(EXIT_QUALIFICATION)") in last, last)
    holds("hv guest: the world, the place, registers, calls", run("hv guest"),
          "CPU 0 is in the hypervisor", "lab1/first_touch_is_one_violation",
          "<_start>", "rdi 0000000000001000", "#0 ")
    holds("hv host: GDB's own backtrace", run("hv host"), "ept_fault_violation",
          "run_loop", "hv_main")
    holds("hv vcpus", run("hv vcpus"), "*  0", "vCPU 0 of VM 0", "in vcpu_run()")


def vmcs():
    whole = run("hv vmcs")
    holds("hv vmcs: all areas", whole, "control fields", "guest state", "host state",
          "exit information", "launched, current on CPU 0")
    fields = re.findall(r"^  ([A-Z]\w+) +0x", whole, re.M)
    areas = gdb.parse_and_eval("vmcs_memory_areas")
    first, last = areas.type.range()
    there = sum(1 for i in range(first, last + 1) if int(areas[i]))
    case("hv vmcs: each field that softvmx has, once",
         len(fields) == len(set(fields)) == there, "%d of %d" % (len(fields), there))
    value = dict(re.findall(r"^  ([A-Z]\w+) +(0x\w+)", whole, re.M))
    for name, expression in (("HOST_RIP", "&vmx_entry_exit"), ("HOST_CR3", "$cr3"),
                             ("HOST_GS_BASE", "$gs_base"), ("EXIT_REASON", "48")):
        case("hv vmcs: %s" % name, int(value[name], 16) == number(expression),
             value[name])
    holds("hv vmcs: bits by name", whole, "EXTERNAL_INTERRUPT_EXITING", "ENABLE_EPT",
          "PE ET NE WP PG", "LME LMA NXE", "memory type WB", "EPT_VIOLATION",
          "vmx_entry_exit")
    for area, inside, outside in (("control", "EPT_POINTER", "GUEST_RIP"),
                                  ("guest", "GUEST_RIP", "HOST_RIP"),
                                  ("host", "HOST_RIP", "GUEST_RIP"),
                                  ("exit", "EXIT_REASON", "EPT_POINTER")):
        text = run("hv vmcs " + area)
        case("hv vmcs " + area, inside in text and outside not in text, text)
    case("hv vmcs GUEST_RIP: one field", run("hv vmcs guest_rip").count("0x") == 2)
    holds("hv vmcs: part of a name", run("hv vmcs EXEC_CONTROL"), "PIN_BASED",
          "CPU_BASED", "SECONDARY")
    is_sentence("hv vmcs NONSENSE", refused("hv vmcs NONSENSE"), "NONSENSE")
    is_sentence("hv vmcs a b", refused("hv vmcs a b"), "Usage")
    is_sentence("hv vmcs PML_ADDRESS: no such field in softvmx",
                refused("hv vmcs PML_ADDRESS"), "PML_ADDRESS")


def vmcs_is_what_vmread_gives():
    """What is in the VMCB shows as it will in the VMCS, once it is copied there."""
    run("tbreak vmcb_save_areas if areas != 0")
    run("continue")
    before = run("hv vmcs guest")
    run("finish")
    after = run("hv vmcs guest").splitlines()
    case("hv vmcs guest: the same before and after softvmx has copied it",
         before.splitlines() == after, [row for row in before.splitlines()
                                        if row not in after])


def vmcs_is_what_the_hypervisor_reads():
    """Each field by softvmx_vmread(), which GDB lets the hypervisor execute."""
    shown = dict(re.findall(r"^  ([A-Z]\w+) +(0x\w+)", run("hv vmcs"), re.M))
    differ = [name for name, value in shown.items()
              if number("softvmx_vmread(%s)" % name) != int(value, 16)]
    case("hv vmcs: every field is what VMREAD gives", len(shown) > 100 and not differ,
         "%d fields, these differ: %s" % (len(shown), differ))


def counts():
    text = run("hv exits 3")
    total = sum(int(n) for n in re.findall(r"^ +(\d+) +\d+  [A-Z]", text, re.M))
    case("hv exits: counts by reason sum up", text.startswith("%d exit" % total), text)
    case("hv exits 3: at most three", 1 <= len(re.findall(r" rip 0x", text)) <= 3, text)
    for bad in ("0", "-1", "99999", "1 2", "foo"):
        is_sentence("hv exits %s" % bad, refused("hv exits " + bad))
    case("hv trace 4: four lines", len(run("hv trace 4").splitlines()) == 4)
    holds("hv trace", run("hv trace 256"), "kvm_entry: ", "vcpu 0, rip 0x",
          "kvm_exit: ", "reason EPT_VIOLATION rip 0x", "error_code 0x")
    is_sentence("hv trace 1 2", refused("hv trace 1 2"), "Usage")


def elf_bytes(address, size):
    """The guest program's bytes at an address, from its file."""
    folder = os.path.dirname(gdb.current_progspace().filename)
    with open(os.path.join(folder, "guest-tests", "lab1.elf"), "rb") as file:
        data = file.read()
    table, = struct.unpack_from("<Q", data, 32)
    count, = struct.unpack_from("<H", data, 56)
    for i in range(count):
        kind, _, offset, start, _, length = struct.unpack_from(
            "<IIQQQQ", data, table + 56 * i)
        if kind == 1 and start <= address < start + length:
            return data[offset + address - start:][:size]
    return b""


def guest_memory():
    place = number("&first_touch_is_one_violation")
    text = run("hv x/16xb %#x" % place)
    shown = bytes(int(byte, 16) for line in text.splitlines()
                  for byte in line.split("\t")[1:])
    case("hv x: the guest's code is what its file says", shown == elf_bytes(place, 16),
         text)
    holds("hv x/2i: instructions", run("hv x/2i %#x" % place), "push", "mov",
          "first_touch_is_one_violation+1")
    holds("hv x/s: a string", run("hv x/s %s" % string_address()), '"first_touch')
    case("hv x ADDRESS 3", run("hv x %#x 3" % place).count("0x") == 5)
    holds("hv walk: each level", run("hv walk %#x" % place), "4-level paging", "PML4E",
          "PDPTE", "PDE", "gva %#x is gpa %#x" % (place, place))
    holds("hv walk: symbols and registers", run('hv walk $guest("rsp")'), "is gpa")
    holds("hv ept: each level, a leaf", run("hv ept %#x" % place), "PML4E", "PDPTE",
          "PDE", "leaf", "is physical", "rights")
    holds("hv ept: nothing there", run("hv ept 0xe0000000"), "an EPT violation")
    is_sentence("hv x of a device", refused("hv x %#x" % (DEVICE + 0x1000000)),
                "is no memory")
    for bad in ("hv x", "hv x foo", "hv x/9z 0", "hv walk", "hv ept", "hv ept 1 2",
                'hv x "abc"', "hv walk no_symbol", "hv x 0x1000000000000"):
        is_sentence(bad, refused(bad))
    is_sentence("$guest() of no register", refused('print $guest("foo")'), "foo")


def string_address():
    """Where the guest's boot page has its test's name: struct boot_info."""
    offset = [f.bitpos // 8 for f in gdb.lookup_type("struct boot_info").fields()
              if f.name == "name"][0]
    return "%#x" % (0x1000 + offset)


def physical_mode_ends():
    import memory
    inferior = gdb.selected_inferior()
    for error in (gdb.MemoryError("no"), KeyboardInterrupt()):
        try:
            with memory.Physical():
                raise error
        except (gdb.MemoryError, KeyboardInterrupt):
            pass
        case("physical mode ends after %s" % type(error).__name__,
             memory.Physical.depth == 0)
    refused("hv x 0x123456789000")
    case("memory is the hypervisor's again after an error",
         bytes(inferior.read_memory(number("&vmx_entry_exit"), 4)) != b"\0\0\0\0")


def breakpoints():
    for bad in ("", "NONSENSE", "9999", "CPUID when 1", "CPUID if", "-"):
        is_sentence("hv break exit %s" % bad, refused("hv break exit " + bad))
    is_sentence("hv break exit 1 if ...: the host's exit",
                refused("hv break exit EXTERNAL_INTERRUPT if rip == 1"), "watchdog")
    run("hv break exit 48 if gpa == 0xd0001000 && gla == gpa && (qual & 7) == 1")
    text = run("continue")
    holds("hv break exit: the exit's own qualification", text,
          "EPT_VIOLATION of vCPU 0", "read; the entries allow ---; of the access")
    holds("hv last: as soon as the exit has come", run("hv last"), "0x181", "mmio.h",
          "mov ", "in no slot: MMIO")
    run("delete")
    run("hv break exit VMCALL if no_such_thing == 1")
    holds("a condition that cannot be answered stops and says so", run("continue"),
          "cannot be answered", "no_such_thing")
    run("delete")
    for word in ("49", "0x31", "ept_misconfig", "EXIT_REASON_EPT_MISCONFIG"):
        run("hv break exit %s if gpa == 0xd0001000 && count > 0" % word)
    case("hv break exit: four spellings of a reason", len(gdb.breakpoints()) == 4,
         run("info breakpoints"))
    text = run("continue")
    holds("hv break exit: says what has come", text, "EPT_MISCONFIG of vCPU 0")
    run("delete")
    holds("hv last at the misconfiguration", run("hv last"), "EPT_MISCONFIG (49)",
          "%#x" % DEVICE, "in no slot: MMIO", "mov ")
    case("no qualification where there is none", "qualification" not in run("hv last"))


def mmio():
    text = run("hv ept %#x" % DEVICE)
    holds("hv ept: an MMIO SPTE with its generation", text, "MMIO SPTE, generation ",
          "is MMIO: generation", "is that of the slots")
    active = "((struct vm *)%#x)->slots.active->generation" % number("bed.vm")
    now = number(active)
    run("set var %s = %d" % (active, now + 1))
    holds("hv ept: a stale MMIO SPTE", run("hv ept %#x" % DEVICE), "stale, generation")
    run("set var %s = %#xUL" % (active, now | 1 << 63))
    holds("hv ept: in the middle of a change", run("hv ept %#x" % DEVICE), "under way")
    holds("hv slots: in the middle of a change", run("hv slots"), "bit 63 is set")
    run("set var %s = %d" % (active, now))
    holds("hv slots", run("hv slots"), "generation %d, 1 slot" % now, "0x0 ",
          "to 0xffffff")
    holds("hv bus", run("hv bus"), "MMIO bus of the core: 2 devices",
          "device_access",
          "port bus of the core: 0 devices", "counter", "0xd0001000", "reads ")


def pending():
    run("finish")
    holds("hv mmio: what waits for the VMM", run("hv mmio"), "mmio exits",
          "pending: mmio", "fragments: 1, a read", "gpa 0xd0001000", "4 bytes",
          "one waits for its answer")
    holds("hv mmio: the cache", run("hv mmio"), "MMIO cache: ", "asked: fault ",
          "events that cost a known address: ")


def stale_translation():
    """The EPT is changed behind softvmx' back: hv ept must see both."""
    place = number("&first_touch_is_one_violation")
    line = [row for row in run("hv ept %#x" % place).splitlines() if "leaf" in row][0]
    at, value = (int(word, 16) for word in re.findall(r"0x[0-9a-f]+", line)[:2])
    entry = "*(unsigned long *)%#x" % (0xFFFF800000000000 + at)
    run("set var %s = %#xUL" % (entry, value + 0x200000))
    holds("hv ept: softvmx still serves the old translation", run("hv ept %#x" % place),
          "but softvmx still serves", "INVEPT")
    run("set var %s = %#xUL" % (entry, value))
    case("hv ept: and not when they agree", "but softvmx" not in
         run("hv ept %#x" % place))


def native():
    run("set var vmx_unit_is_soft = 0")
    for command in ("hv vmcs", "hv x 0x200000", "hv host"):
        text = refused(command)
        if command != "hv host":
            is_sentence("%s with the native unit says why not" % command, text,
                        "no debugger gets at it")
    holds("hv ept needs no VMCS", run("hv ept 0x200000"), "EPT pointer")
    run("set var vmx_unit_is_soft = 1")


def just_exited():
    to("*vmx_entry_exit")
    case("hv last where the exit arrives: RIP of this exit, not of the last one",
         "%#x" % number("softvmx_vmread(GUEST_RIP)") in run("hv last"), run("hv last"))


def in_softvmx():
    to("svm_exit_run_guest")
    holds("in softvmx: hv guest says so", run("hv guest"), "in softvmx, the VMX unit",
          "rip 0x2")
    holds("in softvmx: hv host is the backtrace through it", run("hv host"),
          "softvmx_vm", "vmx_entry_switch", "run_loop", "hv_main")
    for command in ("hv vmcs", "hv last", "hv exits", "hv walk 0x200000",
                    "hv x 0x200000", "hv ept 0x200000", "hv slots", "hv mmio", "hv bus",
                    "hv trace", "hv vcpus"):
        case("in softvmx: " + command, refused(command) == "", refused(command))
    case("in softvmx: the guest's RIP is the VMCB's", number('$guest("rip")') ==
         number("cpu->guest->save.rip"))


@session
def commands():
    before_boot()
    at_violation()
    vmcs()
    vmcs_is_what_the_hypervisor_reads()
    run("delete")
    vmcs_is_what_vmread_gives()
    counts()
    guest_memory()
    physical_mode_ends()
    breakpoints()
    mmio()
    pending()
    stale_translation()
    native()
    just_exited()
    in_softvmx()
    run("kill")
    for command in COMMANDS + ("break exit CPUID",):
        if not command.startswith("break"):
            is_sentence("without a machine: hv " + command, refused("hv " + command),
                        "not attached")
