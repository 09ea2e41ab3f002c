"""What a lab's object may use: names and instructions, by canned listings."""
import os
import shutil
import subprocess
import unittest

from support import FolderCase
from exit49 import uses

NM = """\
0000000000000000 T ept_fault_walk
                 U memcpy
                 U memslot_mark_dirty
                 U lab_not_written
                 U uart_printf
0000000000000010 T memory
                 U options
"""
CODE = """\
0000000000000000 <ept_fault_walk>:
   0:	push   %rbp
   1:	mov    0x10(%rdi),%rax
   5:	out    %al,$0xf4
   7:	rep outsb %ds:(%rsi),(%dx)
   9:	mov    %cr3,%rax
   c:	vmcall
   f:	lea    0x0(%rip),%rax        # 16 <vmread>
  16:	imul   %rdi,%rax
  1a:	inc    %rax
  1d:	ret
"""


class UsesTest(FolderCase):
    def test_names(self):
        self.assertEqual(uses.foreign_symbols(NM, {"ept_fault", "memslot"}),
                         ["uart_printf", "memory", "options"])

    def test_instructions(self):
        self.assertEqual(uses.foreign_instructions(CODE),
                         ["mov", "out", "outsb", "vmcall"])

    def test_stems_are_the_headers(self):
        stems = uses.shared_stems()
        self.assertIn("ept_fault", stems)
        self.assertNotIn("panic", stems)

    @unittest.skipUnless(shutil.which("gcc"), "no compiler")
    def test_an_object(self):
        source = self.write("f.c", 'void options(void);\nvoid ept_f(void);\n'
                            'void ept_f(void) { options(); asm("hlt"); }\n')
        subprocess.run(["gcc", "-c", "-o", os.path.join(self.folder, "f.o"), source],
                       check=True)
        words = uses.refusal(self.folder, "labs/f.c")
        self.assertIn("labs/f.c uses what is not for a lab: options, the instruction "
                      "hlt.", words)


if __name__ == "__main__":
    unittest.main()
