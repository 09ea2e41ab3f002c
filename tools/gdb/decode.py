"""Words of the architecture in words of people: exits, events, entries, fields."""
import headers
import memory
import names
import symbols
import world

CONTROLS = "hv/vmx/vmx_controls.h"
CR = "hv/x86/cr.h"
EPT = "mmu/ept_format.h"

# Which macros name the bits of a field: a part of the field's name, header, prefix.
FIELD_BITS = (
    ("PIN_BASED_VM_EXEC_CONTROL", CONTROLS, "PIN_"),
    ("CPU_BASED_VM_EXEC_CONTROL", CONTROLS, "CPU_"),
    ("SECONDARY_VM_EXEC_CONTROL", CONTROLS, "CPU2_"),
    ("VM_EXIT_CONTROLS", CONTROLS, "EXIT_"),
    ("VM_ENTRY_CONTROLS", CONTROLS, "ENTRY_"),
    ("GUEST_INTERRUPTIBILITY_STATE", CONTROLS, "INTERRUPTIBILITY_"),
    ("_AR_BYTES", CONTROLS, "SEG_AR_"),
    ("GUEST_RFLAGS", CR, "RFLAGS_"),
    ("_EFER", CR, "EFER_"),
    ("CR0", CR, "CR0_"),
    ("CR4", CR, "CR4_"),
)
EVENT_TYPES = {0: "external interrupt", 2: "NMI", 3: "hardware exception",
               4: "software interrupt", 5: "privileged software exception",
               6: "software exception", 7: "other event"}
CR_ACCESS = {0: "MOV to", 1: "MOV from", 2: "CLTS of", 3: "LMSW to"}
TASK_SOURCES = ("CALL", "IRET", "JMP", "a task gate")
MEMORY_TYPES = {0: "UC", 1: "WC", 4: "WT", 5: "WP", 6: "WB"}


def bits(value, high, low):
    return value >> low & ((1 << (high - low + 1)) - 1)


def rights(value):
    """R, W, X of an EPT entry as "rwx"."""
    return "".join(c if value >> i & 1 else "-" for i, c in enumerate("rwx"))


def event(info, error_code=0):
    """An interruption-information word (SDM 3C tables 25-16, 25-19, 25-20)."""
    if not info >> 31:
        return "none"
    kind = EVENT_TYPES.get(bits(info, 10, 8), "type %d" % bits(info, 10, 8))
    number = bits(info, 7, 0)
    told = kind if kind == "NMI" else "%s %s (vector %d)" % (
        kind, names.vector(number) if number < 32 else "", number)
    if info >> 11 & 1:
        told += ", error code %#x" % error_code
    return " ".join(told.split())


def ept_violation(qualification):
    """SDM 3C table 28-7."""
    tried = [word for bit, word in enumerate(("read", "write", "fetch"))
             if qualification >> bit & 1]
    told = ["%s; the entries allow %s" % (" and ".join(tried) or "no access",
                                          rights(bits(qualification, 5, 3)))]
    if qualification >> 7 & 1:
        told.append("of the access itself" if qualification >> 8 & 1
                    else "of the guest's page walk, not of the access itself")
    else:
        told.append("no linear address")
    if qualification >> 12 & 1:
        told.append("IRET had unblocked NMIs")
    return "; ".join(told)


def _cr_access(q):
    kind = bits(q, 5, 4)
    told = "%s CR%d" % (CR_ACCESS[kind], bits(q, 3, 0))
    if kind < 2:
        told += ", register " + world.GPRS[bits(q, 11, 8)]
    if kind == 3:
        told += ", value %#x" % bits(q, 31, 16)
    return told


def _dr_access(q):
    return "MOV %s DR%d, register %s" % ("from" if q >> 4 & 1 else "to", bits(q, 2, 0),
                                         world.GPRS[bits(q, 11, 8)])


def _io(q):
    told = "%s of %d byte%s, port %#x" % (
        "IN" if q >> 3 & 1 else "OUT", bits(q, 2, 0) + 1, "s" * (bits(q, 2, 0) > 0),
        bits(q, 31, 16))
    return told + ", string" * (q >> 4 & 1) + ", REP" * (q >> 5 & 1)


def _task_switch(q):
    return "to selector %#x, by %s" % (bits(q, 15, 0), TASK_SOURCES[bits(q, 31, 30)])


def _entry_failure(q):
    return sentence("guest_state_sentence", q) or "no further reason is known"


def _displacement(q):
    return "displacement %#x of the memory operand" % q


# Exits that have a qualification (SDM 3C 28.2.1), and how it is told.
QUALIFICATIONS = {
    "EPT_VIOLATION": ept_violation, "CR_ACCESS": _cr_access, "DR_ACCESS": _dr_access,
    "IO_INSTRUCTION": _io, "TASK_SWITCH": _task_switch,
    "ENTRY_GUEST_STATE": _entry_failure,
    "ENTRY_MSR_LOAD": lambda q: "entry %d of the MSR-load list" % q,
    "INVLPG": lambda q: "linear address %#x" % q,
    "EXCEPTION_NMI": lambda q: "of a #PF: linear address %#x" % q if q else "",
    "MWAIT": lambda q: "the monitor is %sarmed" % ("" if q & 1 else "not "),
    "SIPI": lambda q: "vector %#x" % (q & 0xff),
    "GDTR_IDTR": _displacement, "LDTR_TR": _displacement,
    "VMCLEAR": _displacement, "VMPTRLD": _displacement, "VMPTRST": _displacement,
    "VMREAD": _displacement, "VMWRITE": _displacement, "VMXON": _displacement,
    "INVEPT": _displacement, "INVVPID": _displacement,
}


def qualification(reason, value):
    """An exit qualification in words, "" where there is nothing to say."""
    words = QUALIFICATIONS.get(names.reason(reason))
    return words(value) if words else ""


def has_qualification(reason):
    """Whether an exit for this reason has a qualification at all."""
    return names.reason(reason) in QUALIFICATIONS


def sentence(table, number):
    """Row of one of the tables of sentences in hv/vmx/vmx_error.c, or ""."""
    array = memory.variable(table, "hv/vmx/vmx_error.c")
    first, last = array.type.range()
    if not first <= number <= last or not int(array[number]):
        return ""
    return memory.string(int(array[number]))


def _eptp(value):
    return "root %#x, %d levels, memory type %s%s" % (
        value & _ept_address(), bits(value, 5, 3) + 1,
        MEMORY_TYPES.get(bits(value, 2, 0), "reserved"),
        ", accessed and dirty flags" * (value >> 6 & 1))


def _ept_address():
    return headers.defines(EPT)["EPT_ADDRESS"]


def _vectors(value):
    return " ".join(names.vector(n) for n in range(32) if value >> n & 1)


SPECIAL = {
    "EPT_POINTER": _eptp,
    "EXCEPTION_BITMAP": _vectors,
    "VM_INSTRUCTION_ERROR": lambda v: sentence("error_sentence", v) if v else "",
    "GUEST_ACTIVITY_STATE": lambda v: names.of_enum("activity_state", v, "ACTIVITY_"),
    "GUEST_RIP": symbols.name_of,
    "HOST_RIP": symbols.name_of,
    "HOST_GS_BASE": symbols.name_of,
    "EXIT_REASON": lambda v: names.reason(v) + " (VM entry failed)" * (v >> 31 & 1),
    "VM_EXIT_INTR_INFO": event,
    "VM_ENTRY_INTR_INFO": event,
    "IDT_VECTORING_INFO": event,
}


def field(name, value):
    """What a VMCS field says, "" where its number says it all."""
    if name in SPECIAL:
        return SPECIAL[name](value)
    for part, header, prefix in FIELD_BITS:
        if part in name:
            return " ".join(headers.flags(value, header, prefix))
    return ""


def mmio_generation(entry):
    """The generation in an MMIO SPTE (spec 1.2)."""
    layout = headers.defines(EPT)
    low = (entry & layout["EPT_MMIO_GEN_LOW"]) >> layout["EPT_MMIO_GEN_LOW_SHIFT"]
    high = (entry & layout["EPT_MMIO_GEN_HIGH"]) >> layout["EPT_MMIO_GEN_HIGH_SHIFT"]
    return high << layout["EPT_MMIO_GEN_LOW_BITS"] | low


def is_mmio(entry):
    """Whether an EPT entry is an MMIO SPTE: R/W/X = 110b and none of ours."""
    layout = headers.defines(EPT)
    return entry & layout["EPT_MMIO_MASK"] == layout["EPT_MMIO_VALUE"]


def ept_entry(entry, level):
    """An EPT entry in words (SDM 3C 29.3.2)."""
    layout = headers.defines(EPT)
    if is_mmio(entry):
        return "MMIO SPTE, generation %d, guest page %#x" % (
            mmio_generation(entry), entry & layout["EPT_ADDRESS"])
    if not entry & layout["EPT_RWX"]:
        return "not present" + (" (but not 0)" if entry else "")
    if not entry & layout["EPT_READ"]:
        return "misconfigured: %s without read" % rights(entry)
    at = entry & layout["EPT_ADDRESS"]
    ours = "" if entry & layout["EPT_MMU_PRESENT"] else ", not made by the MMU (bit 11)"
    if level == 1 or entry & layout["EPT_LARGE"]:
        size = {1: "4 KiB", 2: "2 MiB", 3: "1 GiB"}.get(level, "reserved")
        kind = MEMORY_TYPES.get(bits(entry, 5, 3), "reserved memory type")
        return "%s leaf, %s to %#x, %s%s" % (size, rights(entry), at, kind, ours)
    return "%s table at %#x%s" % (rights(entry), at, ours)


PTE_BITS = ((0, "P"), (1, "W"), (2, "U"), (3, "PWT"), (4, "PCD"), (5, "A"), (6, "D"),
            (8, "G"))


def guest_entry(entry, leaf):
    """An entry of the guest's own page tables in words (SDM 3A 4.5)."""
    if not entry & 1:
        return "not present"
    told = " ".join(word for bit, word in PTE_BITS if entry >> bit & 1)
    told += " XD" * (entry >> 63)
    at = entry & _ept_address()
    return "%s %s%#x" % (told, "page " if leaf else "table ", at)
