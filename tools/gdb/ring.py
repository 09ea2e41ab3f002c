"""The trace ring, read out of memory: the last events of all processors.

The format is that of trace_dump() (hv/lib/trace.c), which is trace-cmd's, so that
a trace looks the same whether the hypervisor prints it or the debugger does.
"""
import memory
import names

TICKS_PER_SECOND = 10 ** 9
# enum trace_mmio, which Clang leaves out of the DWARF.
MMIO_KINDS = ("unsatisfied-read", "read", "write")


class Record:
    """One event: cpu, time, event (its enum's name), kind, vcpu, arg, a, b, c."""

    def __init__(self, cpu, raw, linux):
        self.linux = linux  # event_names()
        word = {name: memory.number(raw[name])
                for name in ("tsc_low", "tsc_high", "head", "a", "b", "c")}
        self.cpu, self.time = cpu, word["tsc_high"] << 32 | word["tsc_low"]
        head = word["head"]
        self.event = names.of_enum("trace_event", head & 0xff)
        self.kind, self.vcpu = head >> 8 & 0xff, head >> 16 & 0xffff
        self.arg = head >> 32
        self.a, self.b, self.c = word["a"], word["b"], word["c"]

    def _words(self):
        if self.event == "TRACE_KVM_ENTRY":
            return "vcpu %d, rip %#x" % (self.vcpu, self.a)
        if self.event == "TRACE_KVM_EXIT":
            return "reason %s rip %#x info %x 0" % (names.reason(self.arg), self.a,
                                                    self.b)
        if self.event == "TRACE_KVM_PAGE_FAULT":
            return "vcpu %d rip %#x address 0x%016x error_code %#x" % (
                self.vcpu, self.a, self.b, self.c)
        if self.event == "TRACE_KVM_MMIO":
            return "mmio %s len %d gpa %#x val %#x" % (
                MMIO_KINDS[min(self.kind, len(MMIO_KINDS) - 1)], self.arg, self.a,
                self.b)
        if self.event == "TRACE_KVM_EMULATE_INSN":
            raw = (self.b | self.c << 64).to_bytes(16, "little")[:min(self.arg, 16)]
            return "%#x:%s%s" % (self.a, "".join(" %02x" % byte for byte in raw),
                                 " (failed)" if self.kind else "")
        if self.event == "TRACE_KVM_INJ":
            return "%s (%#x)" % (names.EXCEPTIONS[self.arg] if self.arg < 22 else "?",
                                 self.a)
        if self.event == "TRACE_KVM_FAST_MMIO":
            return "fast mmio at gpa %#x" % self.a
        if self.event == "TRACE_KVM_ENTRY_FAILED":
            return "vcpu %d, %s %#x: %s" % (
                self.vcpu, names.of_enum("vmcs_field", self.arg), self.a,
                memory.string(self.b))
        return "?"

    def __str__(self):
        seconds, rest = divmod(self.time, TICKS_PER_SECOND)
        name = self.linux.get(self.event, "?")
        return "%15s%d-%-5d [%03d] %5d.%06d: %s%s" % (
            "vcpu", self.vcpu, self.cpu, self.cpu, seconds, rest // 1000,
            (name + ":").ljust(22), self._words())


def event_names():
    """Return Linux's names of the events, by ours: {TRACE_KVM_EXIT: "kvm_exit"}."""
    array = memory.variable("names", "hv/lib/trace.c")
    return {names.of_enum("trace_event", i): memory.string(pointer)
            for i, pointer in enumerate(memory.numbers(array)) if pointer}


def _of_cpu(cpu, ring, linux):
    """The records that a ring still has, oldest first."""
    array = ring["record"]
    first, last = array.type.range()
    size = last - first + 1
    following = memory.number(ring["next"])
    return [Record(cpu, array[i % size], linux)
            for i in range(max(0, following - size), following)]


def records(event=""):
    """All records in the order of time; with an event's name only those."""
    rings = memory.address_of("trace_ring")
    first, last = rings.type.target().range()
    found, linux = [], event_names()
    for cpu in range(first, last + 1):
        ring = memory.load_element(rings, cpu)
        if memory.number(ring["next"]):
            found += _of_cpu(cpu, ring, linux)
    found.sort(key=lambda record: record.time)
    return [record for record in found if event in ("", record.event)]


def is_on():
    """Whether events are recorded."""
    return bool(memory.variable("trace_on"))
