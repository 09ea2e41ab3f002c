"""hv slots, hv mmio, hv bus, hv vcpus: what a VM consists of."""
import headers
import memory
import names
import symbols
import world
from command import Command, print_rows

IN_PROGRESS = 1 << 63


def flag_words(value):
    return " ".join(headers.flags(value, "mmu/memslot.h", "MEMSLOT_",
                                skip=("MAX", "GPA_BITS", "GEN_STEP"))) or "-"


def counts(array):
    """The counts of a device that are not 0, by the names of enum device_count."""
    told = ["%s %d" % (names.of_enum("device_count", i, "DEVICE_").lower()
                       .replace("_", " "), n)
            for i, n in enumerate(memory.numbers(array)) if n]
    return ", ".join(told) or "not accessed"


class SlotsCommand(Command):
    """Show the memslots of this VM and their generation.
Usage: hv slots

Whatever no slot covers is not memory. A slot flagged INVALID is going away: it
is being deleted or moved (mmu/memslot.h). While a change is under way, the step
that comes next is told."""

    name = "hv slots"

    def run(self, argument):
        self.words(argument, 0)
        vcpu = world.vcpu()
        slots = vcpu.vm["slots"]
        active = memory.follow(slots["active"])
        generation = memory.number(active["generation"])
        print("VM %d: generation %d%s, %d slot%s" % (
            int(vcpu.vm["number"]), generation & ~IN_PROGRESS,
            " (a swap is under way: bit 63 is set, nothing matches)"
            if generation & IN_PROGRESS else "", int(active["count"]),
            "" if int(active["count"]) == 1 else "s"))
        rows = [("id", "guest-physical", "", "pages", "physical", "flags", "")]
        for i in range(int(active["count"])):
            slot = active["slots"][i]
            base, pages = memory.number(slot["base"]), memory.number(slot["pages"])
            rows.append((int(slot["id"]), "%#x" % base,
                         "to %#x" % (base + pages * memory.PAGE_SIZE - 1), pages,
                         "%#x" % memory.number(slot["hpa"]),
                         flag_words(memory.number(slot["flags"])),
                         "dirty bitmap" if int(slot["dirty"]) else ""))
        print_rows(rows)
        step = names.of_enum("memslot_step", int(slots["next"]), "MEMSLOT_STEP_")
        if step != "NONE":
            change = slots["change"]
            print("a change is under way: %s of slot %d, next step %s" % (
                names.of_enum("memslot_change_kind", int(change["kind"]), "MEMSLOT_"),
                int(change["slot"]["id"]), step))


class MmioCommand(Command):
    """Show what is known and what is pending of this vCPU's device accesses.
Usage: hv mmio

Counters (struct vcpu_counters), the access that waits for the VMM's answer with
its fragments (emulator/fragments.h), the reads which the instruction has made so
far (emulator/read_cache.h), and the MMIO cache (mmu/mmio_known.h): what it knows,
how often it did when it was asked at each of its three places, and which events took
a known address away. Without EPT also what became of the shadow tables' roots."""

    name = "hv mmio"

    def run(self, argument):
        self.words(argument, 0)
        vcpu = world.vcpu()
        print(vcpu.name)
        count = vcpu["count"]
        print_rows([("%8d" % memory.number(count[field.name]),
                     field.name.replace("_", " "))
                    for field in count.type.fields() if field.name != "exits"])
        emulation = memory.follow(vcpu["emulation"])
        pending = names.of_enum("vcpu_pending", int(vcpu["pending"]), "VCPU_PENDING_")
        print("pending: %s" % pending.lower())
        if emulation is not None:
            self._fragments(emulation["e"]["fragments"])
            self._reads(emulation["e"]["reads"])
        self._known(vcpu)

    @staticmethod
    def _fragments(fragments):
        count, current = int(fragments["count"]), int(fragments["current"])
        if not count:
            print("fragments: none")
            return
        print("fragments: %d, %s" % (count, "a write" if bool(fragments["is_write"])
                                     else "a read"))
        rows = []
        for i in range(count):
            fragment = fragments["queue"][i]
            length = int(fragment["len"])
            done = int(fragments["done"]) if i == current else length * (i < current)
            data = bytes(memory.numbers(fragment["data"]))[:length].hex(" ")
            rows.append((i, "gpa %#x" % memory.number(fragment["gpa"]),
                         "%d bytes" % length, "%d answered" % done,
                         data if bool(fragments["is_write"])
                         else "to read cache +%d" % int(fragment["offset"])))
        print_rows(rows)

    @staticmethod
    def _reads(reads):
        count = int(reads["count"])
        waits = names.of_enum("read_pending", int(reads["pending"]), "READ_")
        shown = count + (waits != "NONE")
        print("read cache: %d complete, %s, this pass is at read %d" % (
            count, {"NONE": "none pending", "WAITS": "one waits for its answer",
                    "ANSWERED": "one has been answered"}[waits], int(reads["next"])))
        data, rows = bytes(memory.numbers(reads["data"])), []
        for i in range(shown):
            read = reads["reads"][i]
            offset, size = int(read["offset"]), int(read["size"])
            value = data[offset:offset + size].hex(" ")
            rows.append((i, "gva %#x" % memory.number(read["address"]),
                         "%d bytes" % size,
                         value if i < count or waits == "ANSWERED" else "waits"))
        print_rows(rows)

    @staticmethod
    def _known(vcpu):
        cache = vcpu["known"]["cache"]
        gfn, gva = memory.number(cache["gfn"]), memory.number(cache["gva"])
        if bool(vcpu["known"]["off"]):
            print("MMIO cache: switched off for this test")
        elif not gfn:
            print("MMIO cache: nothing is known")
        else:
            print("MMIO cache: page %#x, %s, generation %d" % (
                gfn << 12, "linear %#x" % gva if gva else "by no linear address",
                memory.number(cache["generation"])))
        counts = vcpu["known"]["count"]
        print("asked: " + ", ".join("%s %d of %d" % (
            place, memory.number(counts[key + "_hits"]),
            memory.number(counts[key + "_hits"]) +
            memory.number(counts[key + "_misses"]))
            for place, key in (("fault", "fault"), ("gva", "gva"), ("gpa", "gpa"))) +
            "; fills %d" % memory.number(counts["fills"]))
        events, clears = (memory.numbers(counts[key]) for key in ("events", "clears"))
        told = ["%s %d of %d" % (
            names.of_enum("mmio_cache_event", i, "MMIO_CACHE_").lower()
            .replace("_", " "), clears[i], count)
                for i, count in enumerate(events) if count]
        print("events that cost a known address: " + (", ".join(told) or "none"))
        if not bool(vcpu["known"]["mode"]["ept"]):
            roots = vcpu["shadow"]["counters"]
            print("shadow roots: " + ", ".join("%s %d" % (
                key.replace("_", " "), memory.number(roots[key]))
                for key in ("fast_switches", "slow_switches", "builds", "syncs")))


class BusCommand(Command):
    """Show who answers device accesses: the core's buses, then the VMM.
Usage: hv bus

A device on a bus of the core is found by bus_dispatch() and causes no exit to
the VMM; what no such range holds whole goes out of vcpu_run(), to the test's
devices (hv/vmm/devices.h). Each of those is shown with its counts."""

    name = "hv bus"

    def run(self, argument):
        self.words(argument, 0)
        vm = world.vcpu().vm
        for title, bus in (("MMIO bus", "mmio_bus"), ("port bus", "port_bus")):
            self._bus(title, vm[bus])
        self._vmm()

    @staticmethod
    def _bus(title, bus):
        table = memory.follow(bus["table"])
        count = int(table["count"]) if table is not None else 0
        print("%s of the core: %d device%s" % (title, count, "" if count == 1 else "s"))
        if not count:
            return
        kind = table["ranges"].type.target()
        first = int(bus["table"]) + [f.bitpos // 8 for f in table.type.fields()
                                     if f.name == "ranges"][0]
        rows = []
        for i in range(count):
            row = memory.load(first + i * kind.sizeof, kind)
            device = memory.follow(row["device"])
            access = int(device["access"]) if device is not None else 0
            rows.append(("%#x" % memory.number(row["base"]),
                         "to %#x" % memory.number(row["last"]),
                         symbols.name_of(access)))
        print_rows(rows)

    @staticmethod
    def _vmm():
        devices = memory.load_member(world.bed(), "devices")
        print("devices of the VMM (those of the core are among them):")
        rows = []
        for field in devices.type.fields():
            device = devices[field.name]
            names_inside = [inner.name for inner in device.type.fields()]
            device = device["device"] if "device" in names_inside else device
            base, length = (memory.number(device[n]) for n in ("base", "length"))
            rows.append((field.name.replace("_", " "), "%#x" % base,
                         "to %#x" % (base + length - 1), counts(device["count"])))
        print_rows(rows)


class VcpusCommand(Command):
    """List the processors and their vCPUs, and what each is doing.
Usage: hv vcpus

`thread N` selects a processor (N is one more than its APIC id); the other
commands speak of the one that is selected."""

    name = "hv vcpus"

    def run(self, argument):
        self.words(argument, 0)
        rows = [("", "CPU", "thread", "vCPU", "state", "rip at its last exit")]
        selected = int(world.this_cpu()["id"])
        for cpu in world.cpus():
            vcpu = world.vcpu_of(cpu)
            rows.append(("*" if int(cpu["id"]) == selected else "", int(cpu["id"]),
                         int(cpu["apic_id"]) + 1,
                         vcpu.name if vcpu else "-",
                         self._state(cpu, vcpu, int(cpu["id"]) == selected),
                         symbols.place(memory.number(vcpu["rip"])) if vcpu else ""))
        print_rows(rows)

    @staticmethod
    def _state(cpu, vcpu, selected):
        if vcpu is None:
            return "busy" if bool(cpu["busy"]) else "no vCPU"
        if bool(vcpu["in_guest"]):
            guest = selected and world.where() == world.GUEST
            return "in the guest" if guest else "between VM entry and VM exit"
        pending = names.of_enum("vcpu_pending", int(vcpu["pending"]), "VCPU_PENDING_")
        told = "in vcpu_run()" if int(cpu["vcpu"]) else "outside of vcpu_run()"
        return told + ("" if pending == "NONE" else ", pending: " + pending.lower())


COMMANDS = (SlotsCommand, MmioCommand, BusCommand, VcpusCommand)
