"""The words of a failed build, as a student reads them."""
import os
import unittest

from support import FolderCase
from exit49 import build
from exit49.common import ROOT

LINKER = f"""\
  CC      labs/lab1-ept-fault/ept_fault.c
ld: build/obj/hv/vmm/calls_ept.o: in function `calls_ept_codec':
{ROOT}{os.sep}hv/vmm/calls_ept.c:120: undefined reference to `ept_fault_mmio_is'
ld: {ROOT}{os.sep}hv/vmm/calls_ept.c:121: undefined reference to `ept_fault_mmio_is'
ld: build/lab/ept_fault.o: in function `ept_fault_walk':
{ROOT}{os.sep}labs/lab1-ept-fault/ept_fault.c:88: undefined reference to `puts'
make: *** [hv/build.mk:84: build/exit49.first.elf] Error 1
"""


class BuildTest(FolderCase):
    def test_a_missing_function_is_told_once(self):
        words = build._words(LINKER, self.read_lab()).splitlines()
        self.assertEqual(words, [
            "undefined reference to `ept_fault_mmio_is': ept_fault.c must define it, "
            "see mmu/ept_fault.h",
            "labs/lab1-ept-fault/ept_fault.c:88: undefined reference to `puts': there "
            "is no such function in the hypervisor"])

    def test_the_compilers_words_stay(self):
        told = "labs/x/ept_fault.c:1:2: error: expected ';'\n    1 | int\n"
        self.assertEqual(build._words(told, self.read_lab()), told.rstrip())

    def test_whose_fault_it_is(self):
        lab = self.read_lab()
        self.assertTrue(build.is_labs_fault("labs/ept_fault.c:1: error", lab))
        self.assertFalse(build.is_labs_fault("hv/x.c:1: error", lab))


if __name__ == "__main__":
    unittest.main()
