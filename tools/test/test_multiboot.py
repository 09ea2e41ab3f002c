"""The boot layout for Bochs, read back as a kernel would read it."""
import concurrent.futures
import os
import struct
import unittest
import unittest.mock

from support import FolderCase
from exit49 import bochs
from exit49.multiboot import MIB, lay_out


def make_elf32(segments, entry=0x100010):
    """An ELF32 of (physical address, bytes, size in memory)."""
    header = bytearray(52)
    header[:6] = b"\x7fELF\x01\x01"
    struct.pack_into("<II", header, 24, entry, 52)
    struct.pack_into("<HH", header, 42, 32, len(segments))
    programs, data = b"", b""
    for physical, content, size in segments:
        offset = 52 + 32 * len(segments) + len(data)
        programs += struct.pack("<8I", 1, offset, physical + 0x80000000, physical,
                                len(content), size, 7, 4096)
        data += content
    return bytes(header) + programs + data


class Memory:
    """What lies where, for reading."""

    def __init__(self, base, data):
        self.base, self.data = base, data

    def read(self, address, size):
        start = address - self.base
        if not 0 <= start < len(self.data):
            raise KeyError(hex(address))
        return self.data[start:start + size]

    def words(self, address, count):
        return struct.unpack(f"<{count}I", self.read(address, 4 * count))

    def string(self, address):
        return self.read(address, 4096).split(b"\0")[0].decode()


class LayoutTest(FolderCase):
    def lay_out(self, segments, modules=(), line="exit49.elf x=1", mem=256):
        image = self.write("image.elf", make_elf32(segments))
        named = [(self.write(name, data), name) for name, data in modules]
        entry, self.info, base, data = lay_out(image, named, line, mem)
        return entry, Memory(base, data)

    def test_kernel_is_flattened_by_physical_address(self):
        entry, memory = self.lay_out([(0x100000, b"boot", 0x1000),
                                      (0x102000, b"high", 0x5000)])
        self.assertEqual(entry, 0x100010)
        self.assertEqual(memory.read(0x100000, 4), b"boot")
        self.assertEqual(memory.read(0x100004, 2), b"\0\0")
        self.assertEqual(memory.read(0x102000, 4), b"high")

    def test_information(self):
        _, memory = self.lay_out([(0x100000, b"k", 0x2345)],
                                 [("a.elf", b"A" * 5000), ("b.elf", b"B")])
        info = memory.words(self.info, 17)
        self.assertEqual(info[0] & 0x4d, 0x4d)
        self.assertEqual(info[1:3], (640, 255 * 1024))
        self.assertEqual(memory.string(info[4]), "exit49.elf x=1")
        self.assertEqual(info[5], 2)
        first, second = (memory.words(info[6] + 16 * i, 4) for i in (0, 1))
        # Above the image's bss, each on a page of its own.
        self.assertEqual(first[:2], (0x103000, 0x103000 + 5000))
        self.assertEqual(second[:2], (0x105000, 0x105001))
        self.assertEqual(memory.string(first[2]), "a.elf")
        self.assertEqual(memory.string(second[2]), "b.elf")
        self.assertEqual(memory.read(0x105000, 1), b"B")
        self.assertEqual(memory.read(0x100001, 0x2fff), bytes(0x2fff))

    def test_all_is_one_file_without_holes(self):
        _, memory = self.lay_out([(0x100000, b"k", 0x2345)], [("a.elf", b"A" * 5000)])
        self.assertEqual(memory.read(0x102344, 1), b"\0")
        self.assertEqual(memory.read(0x103000, 1), b"A")

    def test_memory_map(self):
        _, memory = self.lay_out([(0x100000, b"k", 1)], mem=64)
        info = memory.words(self.info, 17)
        length, address = info[11], info[12]
        ranges = []
        while length:
            size, = memory.words(address, 1)
            ranges.append(struct.unpack("<QQI", memory.read(address + 4, 20)))
            address, length = address + size + 4, length - size - 4
        self.assertEqual(ranges[0], (0, 640 << 10, 1))
        self.assertEqual(ranges[2], (MIB, 63 * MIB, 1))
        self.assertEqual(ranges[1][2], 2)

    def test_refusals(self):
        self.assert_problem("wants memory", self.lay_out, [(0x10, b"x", 1)])
        self.assert_problem("wants memory", self.lay_out, [(0x100000, b"x", 17 * MIB)],
                            (), "", 16)
        self.assert_problem("do not fit", self.lay_out, [(0x100000, b"x", 15 * MIB)],
                            [("m", b"m" * 100)], "", 16)
        self.assert_problem("nothing to load", self.lay_out, [])

    def test_corrupt_images(self):
        whole = make_elf32([(0x100000, b"kernel", 6)])
        for data, part in ((b"hello", "not an ELF"),
                           (b"\x7fELF\x02" + bytes(60), "32-bit"),
                           (whole[:60], "truncated"), (whole[:-3], "truncated")):
            image = self.write("bad.elf", data)
            self.assert_problem(part, lay_out, image, [], "", 64)


class LoaderTest(FolderCase):
    def test_rom_holds_the_handover_and_the_reset_vector(self):
        rom = bochs.make_rom(0x100020, 0x9000, 0x100000, 0x123456)
        self.assertEqual(len(rom), 65536)
        self.assertEqual(struct.unpack_from("<4I", rom, 0x100),
                         (0x100020, 0x9000, 0x100000, 0x123456))
        self.assertIn(rom[0xfff0], (0xe9, 0xeb))

    def test_several_threads_may_find_it_missing(self):
        rom = os.path.join(self.folder, "loader.rom")
        with unittest.mock.patch.object(bochs, "ROM", rom), \
                concurrent.futures.ThreadPoolExecutor(8) as pool:
            roms = list(pool.map(lambda _: bochs.assemble_loader(), range(8)))
        self.assertEqual({len(rom) for rom in roms}, {65536})


if __name__ == "__main__":
    unittest.main()
