"""GDB's remote protocol, as far as the relay has to speak it itself.

A packet is `$data#xx`, where xx is the sum of data's bytes, and each is answered by `+`
unless both sides have agreed to do without. A lone byte 3 interrupts the machine. Link
is one end of that; Stub is QEMU's gdb stub behind a link, with what the relay asks.
"""
import contextlib
import os
import re
import select
import socket
import xml.etree.ElementTree

INTERRUPT = b"\x03"
ESCAPE = ord("}")
PHYSICAL = b"Qqemu.PhyMemMode"
THREAD = re.compile(rb"thread:([^;]*);")
LEADING = re.compile(rb"\b0+(?=[0-9a-f])|(?<=p)0+(?=[0-9a-f])")
INCLUDE = re.compile(rb'<xi:include href="([^"]+)"')
DOCTYPE = re.compile(rb"<!DOCTYPE[^>]*>")


class Link:
    """One side of the protocol over two file descriptors."""

    def __init__(self, reader, writer):
        self.reader, self.writer, self.buffer = reader, writer, b""
        self.acknowledged = True
        self.interrupts = 0

    def send(self, data):
        self.write(b"$" + data + b"#%02x" % (sum(data) & 0xff))

    def write(self, data):
        while data:
            data = data[os.write(self.writer, data):]

    def fill(self):
        """Read what has come; False at the end."""
        try:
            data = os.read(self.reader, 65536)
        except ConnectionError:
            data = b""
        self.buffer += data
        return bool(data)

    def take(self):
        """Return the next packet in the buffer, or None when there is no whole one."""
        while self.buffer:
            if self.buffer[:1] == INTERRUPT:
                self.interrupts += 1
            if self.buffer[:1] != b"$":
                self.buffer = self.buffer[1:]  # an acknowledgement, or noise
                continue
            end = self.buffer.find(b"#")
            if end < 0 or len(self.buffer) < end + 3:
                return None
            data, self.buffer = self.buffer[1:end], self.buffer[end + 3:]
            if self.acknowledged:
                self.write(b"+")
            return data
        return None

    def receive(self):
        """Wait for the next packet; None at the end."""
        while True:
            packet = self.take()
            if packet is not None:
                return packet
            if not self.fill():
                return None


def unescape(data):
    """Undo the escapes of binary data: `}` makes the byte behind it another one."""
    out, escaped = bytearray(), False
    for byte in data:
        if escaped:
            out.append(byte ^ 0x20)
        elif byte != ESCAPE:
            out.append(byte)
        escaped = byte == ESCAPE and not escaped
    return bytes(out)


def thread_of(answer):
    """The thread that a stop reply names, as b"p1.1"; None if it names none."""
    match = THREAD.search(answer or b"")
    return canonical(match.group(1)) if match and answer[:1] == b"T" else None


def canonical(thread):
    """A thread's name without leading zeroes, which QEMU writes and GDB does not."""
    return LEADING.sub(b"", thread)


class Stub:
    """QEMU's gdb stub."""

    def __init__(self, host, port):
        connection = socket.create_connection((host, port), timeout=20)
        connection.settimeout(None)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connection = connection  # keeps the descriptor open
        self.link = Link(connection.fileno(), connection.fileno())
        self.physical = False  # GDB has asked for physical addresses
        self.thread = b"p1.1"  # of GDB's memory and register packets
        self._numbers = {}

    def ask(self, packet):
        """Send a packet of GDB's or our own; return the answer, None at the end."""
        self.link.send(packet)
        answer = self.link.receive()
        if answer is not None:
            self._learn(packet, answer)
        return answer

    def _learn(self, packet, answer):
        """Notice what changes the meaning of what follows."""
        if packet[:2] == b"Hg" and answer == b"OK" and packet[2:] not in (b"0", b"-1"):
            self.thread = canonical(packet[2:])
        elif packet.startswith(PHYSICAL + b":") and answer == b"OK":
            self.physical = packet.endswith(b":1")
        elif packet[:1] == b"?":
            self.thread = thread_of(answer) or self.thread

    def run(self, packet, debugger):
        """Let the machine run until it stops; the debugger may interrupt it."""
        self.link.send(packet)
        while True:
            answer = self.link.take()
            if answer is not None and answer[:1] != b"O":
                self.thread = thread_of(answer) or self.thread
                return answer
            if answer is not None:
                debugger.send(answer)
                continue
            if not self._wait(debugger):
                return None

    def _wait(self, debugger):
        """Wait for either side; pass an interrupt on. False when one has gone."""
        ready = select.select([self.link.reader, debugger.reader], [], [])[0]
        if debugger.reader in ready:
            if not debugger.fill():
                return False
            before = debugger.interrupts
            debugger.take()  # while the machine runs, GDB sends nothing but that
            if debugger.interrupts > before:
                self.link.write(INTERRUPT)
        return self.link.reader not in ready or self.link.fill()

    # -- asked by the relay itself ------------------------------------------------

    def processor(self):
        """The APIC id of the current thread's processor: QEMU counts from 1."""
        return int(self.thread.split(b".")[-1], 16) - 1

    @contextlib.contextmanager
    def as_thread(self, thread):
        """Make a thread current for a while."""
        before = self.thread
        self.ask(b"Hg" + thread)
        try:
            yield
        finally:
            self.ask(b"Hg" + before)

    def register(self, name):
        """A register of the current thread."""
        number = self._register_numbers()[name]
        answer = self.ask(b"p%x" % number)
        return int.from_bytes(bytes.fromhex(answer.decode()), "little")

    def _register_numbers(self):
        """Numbers of the registers, from the stub's own description."""
        if not self._numbers:
            target, following = self._document(b"target.xml"), 0
            for part in INCLUDE.findall(target) or [b"target.xml"]:
                text = DOCTYPE.sub(b"", self._document(part))
                for register in xml.etree.ElementTree.fromstring(text).iter("reg"):
                    following = int(register.get("regnum", following))
                    self._numbers.setdefault(register.get("name"), following)
                    following += 1
        return self._numbers

    def _document(self, name):
        text = b""
        while True:
            answer = self.ask(b"qXfer:features:read:%s:%x,ff0" % (name, len(text)))
            if answer[:1] not in b"lm" or not answer:
                return text
            text += unescape(answer[1:])
            if answer[:1] == b"l":
                return text

    def _in_physical(self, packet):
        self.ask(PHYSICAL + b":1")
        try:
            return self.ask(packet)
        finally:
            self.ask(PHYSICAL + b":0")

    def read_physical(self, address, size):
        """Bytes at a physical address, or None."""
        answer = self._in_physical(b"m%x,%x" % (address, size))
        if not answer or answer[:1] == b"E":
            return None
        return bytes.fromhex(answer.decode())

    def write_physical(self, address, data):
        """Write bytes to a physical address; whether that worked."""
        return self._in_physical(b"M%x,%x:%s" % (address, len(data),
                                                  data.hex().encode())) == b"OK"
