#!/usr/bin/env python3
"""The relay between GDB and QEMU's gdb stub, which makes a guest a program like others.

QEMU's stub shows a processor as it is, and when that runs a guest under nested paging,
two things go wrong for a debugger. The stub translates addresses by the guest's page
tables alone and so reads wrong memory; and a single step over an instruction that exits
ends somewhere inside of softvmx. So GDB talks to this, and this talks to QEMU:

    GDB --stdin/stdout--> relay --TCP--> QEMU      `target remote | relay.py FACTS`

    m, M, X  while the guest runs: both walks are done here (walks.py), and QEMU is
             asked for physical memory. What the guest does not map, but the hypervisor
             does, is the hypervisor's memory.
    s        from the guest into the hypervisor: goes on until the guest is entered
             again, so that a step of the guest is a step in the guest
    all else is passed on

FACTS is a JSON file of addresses and offsets, which connect.py takes from the image's
DWARF. One line of it, `chain`, leads from a processor to its EPT pointer.
"""
import json
import os
import re
import signal
import sys

from packets import Link, Stub, canonical, thread_of, unescape
from walks import ADDRESS, Registers, walk_ept, walk_pages

PAGE = 4096
CPU2_ENABLE_EPT = 1 << 1
NOTHING = (1 << 64) - 1
ERROR = b"E14"  # EFAULT
MEMORY = re.compile(rb"[mMX][0-9a-f]+,")
RESUME = re.compile(rb"vCont;|[cCsS](?![^0-9a-f;])")
OUTPUT = re.compile(rb"O(?!K$)")


class Fault(Exception):
    """An address leads nowhere."""


class Worlds:
    """Which world the stub's current processor is in, and what its addresses mean."""

    def __init__(self, stub, facts):
        self.stub, self.facts, self.known = stub, facts, {}

    def forget(self):
        """The machine has run, or memory or registers were written."""
        self.known = {}

    def _word(self, address, size=8):
        data = self.stub.read_physical(address, size)
        if data is None:
            raise Fault
        return int.from_bytes(data, "little")

    def _direct(self, pointer):
        return pointer - self.facts["direct_map"]

    def _register(self, name):
        key = (self.stub.thread, name)
        if key not in self.known:
            self.known[key] = self.stub.register(name)
        return self.known[key]

    def in_guest(self):
        """Whether it has page tables that are none of the hypervisor's."""
        return self._register("cr3") & ADDRESS not in self.facts["tables"]

    def _unit(self):
        """Physical address of struct softvmx_cpu of this processor, or None."""
        facts, apic_id = self.facts, self.stub.processor()
        for i in range(facts["cpu_count"]):
            cpu = facts["cpus"] + i * facts["cpu_size"]
            if self._word(cpu + facts["apic_id"], 4) == apic_id:
                unit = self._word(cpu + facts["vmx"])
                return self._direct(unit) if unit else None
        return None

    def vmcs(self):
        """Physical address of the current VMCS of this processor, or None."""
        unit = self._unit()
        found = self._word(unit + self.facts["vmcs_address"]) if unit else NOTHING
        return None if found == NOTHING else found

    def eptp(self):
        """The EPT pointer of the guest here, 0 without EPT; None without a guest."""
        vmcs = self.vmcs()
        if vmcs is None:
            return None
        if not self._word(vmcs + self.facts["cpu2"]) & CPU2_ENABLE_EPT:
            return 0
        return self._word(vmcs + self.facts["eptp"])

    def _shadow_page(self, page):
        """The same without EPT: the processor's tables are the hypervisor's."""
        registers = Registers(*map(self._register, ("cr0", "cr3", "cr4", "efer")))
        found = walk_pages(self._word, registers, page).address
        return self._host_page(page) if found is None else found

    def _page(self, page, eptp):
        """Physical address of a page of the guest, or of the hypervisor's."""
        if not eptp:
            return self._shadow_page(page)

        def read(gpa, size):
            walk = walk_ept(self._word, eptp, gpa)
            if walk.address is None:
                raise Fault
            return self._word(walk.address, size)

        registers = Registers(*map(self._register, ("cr0", "cr3", "cr4", "efer")))
        try:
            gpa = walk_pages(read, registers, page).address
            found = walk_ept(self._word, eptp, gpa).address if gpa is not None else None
        except Fault:
            found = None
        return self._host_page(page) if found is None else found

    def _host_page(self, page):
        if page >= self.facts["image"]:
            return page - self.facts["image"]
        if 0 <= self._direct(page) < self.facts["direct_map_size"]:
            return self._direct(page)
        raise Fault

    def pieces(self, address, size):
        """Cut an access into [(physical address, size)]; None: leave it to QEMU."""
        if not self.in_guest():
            return None
        try:
            eptp = self.eptp()
        except Fault:
            return None
        if eptp is None:
            return None
        found = []
        while size:
            page, part = address & ~(PAGE - 1), min(size, PAGE - address % PAGE)
            key = (self.stub.thread, page)
            if key not in self.known:
                self.known[key] = self._page(page, eptp)
            found.append((self.known[key] + address % PAGE, part))
            address, size = address + part, size - part
        return found


class Relay:
    """Passes packets on, and treats the few that need it."""

    def __init__(self, debugger, stub, facts):
        self.debugger, self.stub, self.facts = debugger, stub, facts
        self.worlds = Worlds(stub, facts)

    def serve(self):
        """Answer GDB's packets until either side has gone."""
        while True:
            packet = self.debugger.receive()
            if packet is None:
                return
            answer = self.treat(packet)
            if answer is None:
                return
            self.debugger.send(answer)

    def treat(self, packet):
        """Return the answer to a packet of GDB's, or None when QEMU has gone."""
        if MEMORY.match(packet) and not self.stub.physical:
            return self.memory(packet)
        if RESUME.match(packet):
            return self.resume(packet)
        if packet[:1] in b"GPM":
            self.worlds.forget()
        answer = self.stub.ask(packet)
        while packet.startswith(b"qRcmd") and answer and OUTPUT.match(answer):
            self.debugger.send(answer)
            answer = self.stub.link.receive()
        if packet == b"QStartNoAckMode" and answer == b"OK":
            self.debugger.send(answer)
            self.debugger.acknowledged = self.stub.link.acknowledged = False
            answer = self.treat(self.debugger.receive() or b"D")
        return answer

    # -- memory ----------------------------------------------------------------

    def memory(self, packet):
        head, _, data = packet[1:].partition(b":")
        address, size = (int(word, 16) for word in head.split(b","))
        try:
            pieces = self.worlds.pieces(address, size) if size else None
        except Fault:
            return ERROR
        if pieces is None:
            return self.stub.ask(packet)
        return self._each_piece(packet[:1], pieces, data)

    def _each_piece(self, kind, pieces, data):
        if kind == b"m":
            read = [self.stub.read_physical(at, part) for at, part in pieces]
            return ERROR if None in read else b"".join(read).hex().encode()
        data = unescape(data) if kind == b"X" else bytes.fromhex(data.decode())
        for at, part in pieces:
            if not self.stub.write_physical(at, data[:part]):
                return ERROR
            data = data[part:]
        self.worlds.forget()
        return b"OK"

    # -- running -----------------------------------------------------------------

    def resume(self, packet):
        step = self._stepped_thread(packet)
        from_guest = step is not None and self._thread_in_guest(step)
        answer = self._run(packet)
        if from_guest and stopped_by_step(answer) and not self._thread_in_guest(step):
            answer = self._back_to_guest(step)
        return answer

    def _run(self, packet):
        answer = self.stub.run(packet, self.debugger)
        self.worlds.forget()
        return answer

    def _stepped_thread(self, packet):
        """The thread that is to take one step: b"p1.1"; None if none is."""
        if packet[:1] in b"sS":
            return self.stub.thread
        for action in packet.split(b";")[1:]:
            what, _, thread = action.partition(b":")
            if what[:1] in b"sS":
                return canonical(thread) or self.stub.thread
        return None

    def _thread_in_guest(self, thread):
        """Asked in the name of another thread, and put back as it was."""
        with self.stub.as_thread(thread):
            try:
                return self.worlds.in_guest() and self.worlds.vmcs() is not None
            except Fault:
                return False

    def _back_to_guest(self, thread):
        """Run to the VMRUN, step over it, until that leads into the guest."""
        while True:
            answer = self._run_to_entry()
            stopped = thread_of(answer)
            if stopped is None or not self._at_entry(stopped):
                return answer
            answer = self._run(b"vCont;s:" + stopped)
            if not stopped_by_step(answer):
                return answer
            if stopped == thread and self._thread_in_guest(thread):
                return answer

    def _run_to_entry(self):
        for place in self.facts["vmrun"]:
            self.stub.ask(b"Z0,%x,1" % place)
        answer = self._run(b"vCont;c")
        for place in self.facts["vmrun"]:
            self.stub.ask(b"z0,%x,1" % place)
        return answer

    def _at_entry(self, thread):
        with self.stub.as_thread(thread):
            return self.stub.register("rip") in self.facts["vmrun"]


def stopped_by_step(answer):
    """Whether a stop reply says SIGTRAP, and no watchpoint."""
    return answer is not None and answer[:3] == b"T05" and b"watch:" not in answer


def main():
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is GDB's; it sends a byte
    with open(sys.argv[1], encoding="ascii") as file:
        facts = json.load(file)
    host, _, port = sys.argv[2].rpartition(":")
    debugger = Link(sys.stdin.fileno(), sys.stdout.fileno())
    try:
        stub = Stub(host, int(port))
        Relay(debugger, stub, facts).serve()
    except (ConnectionError, BrokenPipeError) as error:
        sys.exit("relay: no connection to %s (%s)" % (sys.argv[2], error))


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    main()
