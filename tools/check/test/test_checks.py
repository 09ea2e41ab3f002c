"""Each check can fail: small bad trees, and the complaint each must draw.

A row is: the check, the files of the tree, and words of the complaint ("" for a tree
which must pass). Words that a check forbids are put together here from two halves.
"""
import os
import subprocess
import tempfile
import unittest

CHECKS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ESSAY = "/** @file\n * A story.\n * It has an end.\n */\n"
LONG = "static int f(void)\n{\n" + "\tg();\n" * 60 + "}\n"
DEEP = ("static void f(void)\n{\n\tif (a) {\n\t\tfor (;;) {\n\t\t\twhile (b) {\n"
        "\t\t\t\tif (c) {\n\t\t\t\t\td();\n\t\t\t\t}\n\t\t\t}\n\t\t}\n\t}\n}\n")
ROWS = "static const int t[] = {\n" + "\t1,\n" * 600 + "};\n"

BAD = [
    ("layers", {"mmu/a.c": '#include "hv/vmx/b.h"\n'}, "mmu/ must not include hv/"),
    ("layers", {"emulator/a.h": '#include "mmu/b.h"\n'},
     "emulator/ must not include mmu/"),
    ("layers", {"bus/a.c": '#include "mmu/b.h"\n'}, "bus/ must not include mmu/"),
    ("layers", {"bus/a.c": '#include "b.h"\n'}, "write the path from the root"),
    ("layers", {"bus/a.c": "#include <stdio.h>\n"}, "only the freestanding headers"),
    ("layers", {"bus/a.c": 'void f(void)\n{\n\tasm volatile("nop");\n}\n'}, "assembly"),
    ("layers", {"bus/a.c": "static int counter;\n"}, "changeable global counter"),
    ("layers", {"hv/x/a.c": "#ifdef A\n#endif\n"}, "#ifdef in a .c file"),
    ("layers", {"labs/lab1-x/a.c": '#include "mmu/a.h"\n#include "hv/x/b.h"\n'},
     "mmu/ must not include hv/"),
    ("layers", {"guest-tests/lab1/a.c": '#include "mmu/a.h"\n'},
     "guest-tests/ must not include mmu/"),
    ("layers", {"hv/x/a.c": '#include "mmu/a.h"\n#include "bus/types.h"\n',
                "mmu/b.c": '#include "bus/types.h"\nstatic const int n = 1;\n'}, ""),
    ("sizes", {"bus/a.c": LONG}, "f() has 63 lines"),
    ("sizes", {"bus/a.c": "\n" * 501}, "501 lines, at most 500"),
    ("sizes", {"bus/a.c": "/* %s */\n" % ("x" * 90)}, "96 columns, at most 80"),
    ("sizes", {"bus/a.c": DEEP}, "nested 4 deep"),
    ("sizes", {"bus/a.c": "int f(int a, int b, int c, int d, int e)\n{\n}\n"},
     "f() has 5 parameters"),
    ("sizes", {"tools/a.py": "x = '%s'\n" % ("x" * 90)}, "at most 88"),
    ("sizes", {"Makefile": "\n" * 201}, "more than 200 lines"),
    ("sizes", {"bus/a.c": "/* table */\n%s/* end of table */\n" % ROWS}, ""),
    ("sizes", {"bus/a.c": "\t[0x8b] = { OP_MOV, Gv, Ev },  /* %s */\n" % ("x" * 45)},
     ""),
    ("headers", {"bus/a.h": "struct b f(u64 x);\n"}, "does not compile alone"),
    ("headers", {"bus/a.h": "struct a {\n\tint b;\n};\n"}, "does not compile alone"),
    ("headers", {"bus/a.h": "", "bus/b.h": "", "bus/a.c":
                 '#include "bus/b.h"\n#include "bus/a.h"\n'}, "comes first"),
    ("headers", {"mmu/a.h": "", "labs/lab1-x/a.c": "#include <stddef.h>\n"},
     "comes first"),
    ("names", {"bus/a.c": "int b_map(void)\n{\n\treturn 0;\n}\n"},
     "b_map() is neither"),
    ("names", {"bus/vm_memory.c": "int vm_add(void)\n{\n}\n"}, "vm_add() is neither"),
    ("names", {"bus/vm_memory.c": "int vm_add(void)\n{\n}\n", "bus/vm.h": ""}, ""),
    ("names", {"hv/x/a.S": ".globl other\n"}, "other is not named after"),
    ("names", {"bus/a.c": "int a_map(void)\n{\n}\nstatic int x(void)\n{\n}\n"}, ""),
    ("prose", {"bus/a.c": "/* TO" "DO: later */\n"}, "left open"),
    ("prose", {"README.md": "see /wo" "rk/shared\n"}, "not the project's own"),
    ("prose", {"README.md": "the age" "nt wrote it\n"}, "not the project's own"),
    ("prose", {"labs/lab1-x/a.c": "/* TO" "DO: step 1.1 */\n"}, ""),
    ("contracts", {"bus/a.c": "int x;\n"}, "does not open with"),
    ("contracts", {"bus/a.h": ESSAY + "\nint a_map(void);\n"},
     "a_map() has no contract"),
    ("contracts", {"bus/a.h": ESSAY + "\n/* Plain. */\nint a_map(void);\n"},
     "a_map() has no contract"),
    ("contracts", {"bus/a.h": ESSAY + "\n/** Maps. */\nint a_map(int b,\n\tint c);\n"
                   "int a_unmap(void);\n"}, ""),
    ("reading-order", {"docs/reading-order.txt": "", "bus/a.c": ""}, "is missing"),
    ("reading-order", {"docs/reading-order.txt": "bus/a.c\n"}, "is no source file"),
    ("reading-order", {"docs/reading-order.txt": "bus/a.c\nbus/a.c\n", "bus/a.c": ""},
     "stands twice"),
    ("reading-order", {"docs/reading-order.txt": "= Bus\n- First.\nbus/a.c\n",
                       "bus/a.c": ""}, ""),
    ("readmes", {"bus/a.c": ""}, "bus/README.md: is missing"),
    ("readmes", {"bus/a.c": "", "bus/README.md": "nothing\n"}, "does not name a.c"),
    ("readmes", {"bus/README.md": "\n" * 41}, "41 lines, at most 40"),
    ("readmes", {"bus/README.md": "", "README.md": "`mmu/`\n"}, "lacks `bus/`"),
    ("readmes", {"bus/ept.c": "", "bus/README.md": "`ept.c` maps.\n",
                 "README.md": "`bus/` is the bus.\n"}, ""),
    ("format", {"bus/a.c": "void f(void)\n{\n\tif (a)\n\t\tb();\n}\n"},
     "braces after if"),
    ("format", {"bus/a.c": "void f(void)\n{\n\twhile (a);\n}\n"}, "braces after while"),
    ("format", {"bus/a.c": "void f(void)\n{\n\tif (a) {\n\t} else\n\t\tb();\n}\n"},
     "braces after else"),
    ("format", {"bus/a.c": "int a; \n"}, "blanks at the end"),
    ("format", {"bus/a.c": "void f(void)\n{\n        g();\n}\n"}, "not by tabs"),
    ("format", {"bus/a.c": "int a;"}, "exactly one newline"),
    ("format", {"bus/a.c": "void f(void)\n{\n\tdo {\n\t\tg();\n\t} while (a);\n"
                "\tif (b) {\n\t} else if (c) {\n\t}\n}\n"}, ""),
]
COMMITS = [("mmu: map it", ""), ("Map it", "is not `area: what`"),
           ("mmu: " + "x" * 60, "65 columns")]


def complaint_of(check, tree):
    """Runs a check on a tree; returns its exit status and what it said."""
    done = subprocess.run([os.path.join(CHECKS, check), "--root", tree],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          universal_newlines=True)
    return done.returncode, done.stdout


def write_tree(folder, files):
    for name, text in files.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(text)


class Checks(unittest.TestCase):
    def judge(self, check, folder, words):
        status, said = complaint_of(check, folder)
        self.assertEqual(status, 1 if words else 0, said)
        self.assertIn(words, said)


def add(number, check, files, words):
    def test(self):
        with tempfile.TemporaryDirectory() as folder:
            write_tree(folder, files)
            self.judge(check, folder, words)
    setattr(Checks, "test_%s_%02d" % (check.replace("-", "_"), number), test)


def add_commit(number, subject, words):
    def test(self):
        with tempfile.TemporaryDirectory() as folder:
            git = ["git", "-C", folder, "-c", "user.name=a", "-c", "user.email=a@b.c"]
            subprocess.run(git + ["init", "-q"], check=True)
            subprocess.run(git + ["commit", "-q", "--allow-empty", "-m", subject],
                           check=True)
            self.judge("commits", folder, words)
    setattr(Checks, "test_commits_%02d" % number, test)


for row_number, row in enumerate(BAD):
    add(row_number, *row)
for row_number, row in enumerate(COMMITS):
    add_commit(row_number, *row)

if __name__ == "__main__":
    unittest.main()
