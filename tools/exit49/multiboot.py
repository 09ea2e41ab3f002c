"""What a multiboot 1 loader hands over, laid out for Bochs' RAM image.

Bochs can start with a file already in RAM (optramimage), which beats any boot disk: no
BIOS, no disk, no GRUB.  So this is the part of a boot loader that decides what lies
where.  QEMU's -kernel does the same inside QEMU; both must look alike to the
hypervisor:

    p_paddr    the image's segments, flattened, their bss as zeroes
    above      the modules, each on a page of its own
    above      multiboot information, memory map, module table, strings

All of it is one block of bytes, for the reason told in tools/bochs/loader.S.

    flags   0x001 mem_lower/upper  0x004 command line  0x008 modules  0x040 memory map
            0x200 boot loader's name
"""
import struct

from .common import Problem

PAGE = 4096
MIB = 1 << 20
LOW_END = 640 << 10

FLAGS = 0x001 | 0x004 | 0x008 | 0x040 | 0x200
INFO_SIZE = 120
MMAP_ENTRY = struct.Struct("<IQQI")
MODULE_ENTRY = struct.Struct("<4I")
RAM, RESERVED = 1, 2
PT_LOAD = 1


class Segment:
    """A loadable piece of an ELF file: bytes at an address, then zeroes."""

    def __init__(self, address, data, size):
        self.address, self.data, self.size = address, data, size

    @property
    def end(self):
        return self.address + self.size


def read_elf32(data, name):
    """Return (entry, segments) of a 32-bit x86 ELF executable's bytes."""
    if data[:4] != b"\x7fELF":
        raise Problem(f"{name} is not an ELF file")
    if len(data) < 52 or data[4] != 1:
        raise Problem(f"{name} is not a 32-bit ELF file (multiboot wants ELF32)")
    entry, table = struct.unpack_from("<II", data, 24)
    size, count = struct.unpack_from("<HH", data, 42)
    if size != 32 or table + size * count > len(data):
        raise Problem(f"{name} is truncated: its program headers are missing")
    segments = []
    for index in range(count):
        header = struct.unpack_from("<8I", data, table + size * index)
        kind, offset, _, physical, in_file, in_memory = header[:6]
        if kind != PT_LOAD or in_memory == 0:
            continue
        if offset + in_file > len(data):
            raise Problem(f"{name} is truncated: a segment ends outside the file")
        segments.append(Segment(physical, data[offset:offset + in_file], in_memory))
    if not segments:
        raise Problem(f"{name} has nothing to load")
    return entry, segments


def flatten(segments, memory_end, name):
    """Return (address, bytes): the segments as one block, bss included."""
    first = min(segment.address for segment in segments)
    end = max(segment.end for segment in segments)
    if first < MIB or end > memory_end:
        raise Problem(f"{name} wants memory {first:#x} to {end:#x}; there is RAM from "
                      f"{MIB:#x} to {memory_end:#x}")
    block = bytearray(end - first)
    for segment in segments:
        start = segment.address - first
        block[start:start + len(segment.data)] = segment.data
    return first, block


class Block:
    """Bytes that begin at an address and grow; put() returns where it put them."""

    def __init__(self, address, data):
        self.address, self.data = address, data

    def put(self, data, align=4):
        self.data += bytes(-(self.address + len(self.data)) % align)
        address = self.address + len(self.data)
        self.data += data
        return address

    def put_string(self, text):
        return self.put(text.encode() + b"\0", align=1)


def put_modules(block, modules):
    """Put the files [(path, name)] on pages; return [(start, end, name)]."""
    ranges = []
    for path, name in modules:
        with open(path, "rb") as file:
            data = file.read()
        start = block.put(data, align=PAGE)
        ranges.append((start, start + len(data), name))
    return ranges


def memory_map(memory_end):
    """The memory map: RAM below 640 KiB, the hole for ROM and VGA, RAM from 1 MiB."""
    ranges = [(0, LOW_END, RAM), (LOW_END, MIB, RESERVED), (MIB, memory_end, RAM)]
    # The size field does not count itself.
    return b"".join(MMAP_ENTRY.pack(MMAP_ENTRY.size - 4, start, end - start, kind)
                    for start, end, kind in ranges)


def put_info(block, command_line, modules, memory_end):
    """Put the information for [(start, end, name)]; return its address."""
    info = block.put(bytes(INFO_SIZE), align=PAGE)
    table = b"".join(MODULE_ENTRY.pack(start, end, block.put_string(name), 0)
                     for start, end, name in modules)
    module_table = block.put(table)
    mmap = memory_map(memory_end)
    mmap_address = block.put(mmap)
    line = block.put_string(command_line)
    loader = block.put_string("exit49 tools/bochs")
    words = [0] * (INFO_SIZE // 4)
    words[0:3] = FLAGS, LOW_END >> 10, (memory_end - MIB) >> 10
    words[4:7] = line, len(modules), module_table
    words[11:13] = len(mmap), mmap_address
    words[16] = loader
    struct.pack_into(f"<{len(words)}I", block.data, info - block.address, *words)
    return info


def lay_out(image, modules, command_line, memory_mib):
    """Lay out a whole boot.

    image is a path, modules a list of (path, name).
    Returns (entry, address of the information, address of the bytes, bytes).
    """
    memory_end = memory_mib * MIB
    with open(image, "rb") as file:
        entry, segments = read_elf32(file.read(), image)
    block = Block(*flatten(segments, memory_end, image))
    ranges = put_modules(block, modules)
    info = put_info(block, command_line, ranges, memory_end)
    if block.address + len(block.data) > memory_end:
        raise Problem(f"image and modules do not fit into {memory_mib} MiB of memory")
    return entry, info, block.address, bytes(block.data)
