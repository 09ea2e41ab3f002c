"""Reading the machine's memory in whichever world GDB has stopped.

While the guest runs, the processor has the guest's page tables: the hypervisor's
addresses lead nowhere, and the guest's lead wrong, since QEMU's debugger does not know
of nested paging. Physical addresses always work. QEMU shows them in a mode of its gdb
stub (`Qqemu.PhyMemMode`), and everything here is read that way:

    the hypervisor's address --(image or direct map: a subtraction)--> physical
    physical bytes + a type from the image's DWARF ------------------> gdb.Value

So a struct is read by its field names, and no offset is written down anywhere.
"""
import gdb

import headers

PACKET = "Qqemu.PhyMemMode:%d"
PAGE_SIZE = 4096
RAM_END = 1 << 32
# GDB 13 crashes when a Value is made that is larger than `max-value-size`.
LARGEST = 65536


class Unavailable(Exception):
    """Something cannot be shown now; str() is the sentence that says why."""


def _send(packet):
    """Send a packet to the stub and return its answer as text."""
    inferior = gdb.selected_inferior()
    connection = getattr(inferior, "connection", None)
    if connection is not None and hasattr(connection, "send_packet"):
        return connection.send_packet(packet.encode()).decode()
    told = gdb.execute("maintenance packet " + packet, to_string=True)
    return "OK" if '"OK"' in told else ""


def require_machine():
    """Nothing can be shown without a machine that has stopped."""
    if gdb.selected_thread() is None:
        raise Unavailable("GDB is not attached to a machine: start one with `make "
                          "qemu-gdb` and attach with `make gdb`.")


class Physical:
    """A `with` block in which addresses are physical; nests, and always ends."""

    depth = 0

    def __enter__(self):
        if Physical.depth == 0:
            self._switch(1)
        Physical.depth += 1
        return self

    def __exit__(self, *_):
        Physical.depth -= 1
        if Physical.depth == 0:
            self._switch(0)

    @staticmethod
    def _switch(on):
        require_machine()
        if _send(PACKET % on) != "OK":
            raise Unavailable("this machine's gdb stub cannot show physical memory; "
                              "QEMU's can (make qemu-gdb).")


def read(address, size):
    """Return the bytes at a physical address."""
    if not 0 <= address <= RAM_END - size:
        raise Unavailable("physical address %#x is not in the machine's memory."
                          % address)
    with Physical():
        return bytes(gdb.selected_inferior().read_memory(address, size))


def read_word(address, size=8):
    """Return the little-endian number at a physical address."""
    return int.from_bytes(read(address, size), "little")


def to_physical(address):
    """Return the physical address behind one of the hypervisor's own."""
    layout = headers.defines("hv/lib/page.h")
    address &= (1 << 64) - 1
    if address >= layout["IMAGE_BASE"]:
        return address - layout["IMAGE_BASE"]
    offset = address - layout["DIRECT_MAP_BASE"]
    if 0 <= offset < layout["DIRECT_MAP_SIZE"]:
        return offset
    raise Unavailable("%#x is no address of the hypervisor." % address)


def load(address, kind):
    """Return the object at an address of the hypervisor; kind: a type or its name."""
    kind = gdb.lookup_type(kind) if isinstance(kind, str) else kind
    if kind.sizeof > LARGEST:
        raise Unavailable("a %s has %d bytes, too many to be read at once."
                          % (kind, kind.sizeof))
    return gdb.Value(read(to_physical(int(address)), kind.sizeof), kind)


def load_member(pointer, name):
    """Return one member of a large struct, given a pointer to that."""
    for field in pointer.type.target().strip_typedefs().fields():
        if field.name == name:
            return load(int(pointer) + field.bitpos // 8, field.type)
    raise gdb.error("There is no member named %s." % name)


def load_element(pointer, index):
    """Return one element of a large array, given a pointer to that."""
    kind = pointer.type.target().strip_typedefs().target()
    return load(int(pointer) + index * kind.sizeof, kind)


def follow(pointer):
    """Return what a pointer of the hypervisor points to, or None for NULL."""
    return load(pointer, pointer.type.target()) if int(pointer) else None


def address_of(name, file=""):
    """Return the address of a variable; file is needed when it is static."""
    where = "&'%s'::%s" % (file, name) if file else "&" + name
    try:
        return gdb.parse_and_eval(where)
    except gdb.error as error:
        raise Unavailable("GDB does not know %s (%s): are the symbols those of "
                          "build/exit49.sym.elf?" % (name, error)) from None


def variable(name, file=""):
    """Return a variable of the hypervisor."""
    pointer = address_of(name, file)
    return load(pointer, pointer.type.target())


def number(value):
    """Return a scalar, or the `.v` of an address type, as an unsigned number."""
    if value.type.strip_typedefs().code == gdb.TYPE_CODE_STRUCT:
        value = value["v"]
    size = value.type.sizeof
    return int(value) & ((1 << (8 * size)) - 1)


def numbers(array):
    """Return an array of scalars as a list."""
    first, last = array.type.range()
    return [number(array[i]) for i in range(first, last + 1)]


def string(pointer):
    """Return the C string at an address of the hypervisor, at most 200 bytes of it."""
    at = to_physical(pointer)
    return read(at, 200).split(b"\0")[0].decode("utf-8", "replace")


def text(array):
    """Return an array of characters as text, up to its zero."""
    return bytes(numbers(array)).split(b"\0")[0].decode("utf-8", "replace")
