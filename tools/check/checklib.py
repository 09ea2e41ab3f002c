"""What the checks share: the list of files, a tokenizer for C, and the report.

Every check is a small script that looks at the tree under --root (the repository
itself unless a test of the check says otherwise), prints one line a fault,
`FILE:LINE: what is wrong`, and ends with the line `# passed=N failed=M` that
tools/check/run counts: N files without a fault, M with.
"""
import argparse
import json
import os
import re
import subprocess
import sys

REPOSITORY = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
CODE = ("hv/", "mmu/", "emulator/", "bus/", "guest-tests/", "labs/", "solutions/")
CONTROL = {"if", "for", "while", "switch"}


class Report:
    """Counts cases and prints faults."""

    def __init__(self):
        self.cases = set()
        self.bad = set()

    def case(self, name):
        """Announces a thing that is looked at: it passes unless fault() is called."""
        self.cases.add(name)

    def fault(self, name, text, line=None):
        self.cases.add(name)
        self.bad.add(name)
        where = "%s:%d" % (name, line) if line else name
        print("%s: %s" % (where, text))

    def finish(self):
        """Prints the counts; the process's exit status is the result."""
        passed = len(self.cases) - len(self.bad)
        print("# passed=%d failed=%d" % (passed, len(self.bad)))
        return 1 if self.bad else 0


def options(description, *flags):
    """Parses --root and the given flags, and goes to the root."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--root", default=REPOSITORY, help="the tree to look at")
    for flag in flags:
        parser.add_argument(flag, action="store_true")
    args = parser.parse_args()
    os.chdir(args.root)
    return args


def run(command, **more):
    """Runs a command, returns (exit status, output and errors as one text)."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          universal_newlines=True, errors="replace", **more)
    return done.returncode, done.stdout


def _walk():
    for folder, folders, names in os.walk("."):
        folders[:] = [f for f in folders if f not in ("build", ".git", "__pycache__")]
        for name in names:
            yield os.path.relpath(os.path.join(folder, name))


def files(*suffixes, under=None):
    """The project's files (as git sees them, new ones included), sorted."""
    if os.path.exists(".git"):
        out = run(["git", "ls-files", "-co", "--exclude-standard"])[1]
        names = [n for n in out.split("\n") if n and os.path.exists(n)]
    else:
        names = list(_walk())
    names = [n for n in names if not suffixes or n.endswith(suffixes)]
    return sorted(n for n in names if under is None or n.startswith(under))


def read(name):
    with open(name, encoding="utf-8", errors="replace") as stream:
        return stream.read()


def is_c_library(name):
    """Functions which the C standard defines: the hypervisor has a few by that name."""
    return bool(re.match(r"(mem|str)[a-z]+$|v?s?n?printf$", name))


def is_script(name):
    """A Python or shell script, with or without a suffix."""
    if name.endswith((".py", ".sh")):
        return True
    if "." in os.path.basename(name):
        return False
    with open(name, "rb") as stream:
        return stream.read(2) == b"#!"


def ctags(names, kinds):
    """What universal-ctags finds: dicts with name, path, line, end, signature, file."""
    if not names:
        return []
    ignore = "__must_check,__packed,__noreturn,__noinline,__format+,__aligned+"
    command = ["ctags", "--output-format=json", "--fields=+neStf", "--kinds-C=" + kinds,
               "--languages=C", "--langmap=C:.c.h", "-I", ignore, "-f", "-"]
    done = subprocess.run(command + names, stdout=subprocess.PIPE, check=True,
                          universal_newlines=True)
    return [json.loads(line) for line in done.stdout.splitlines() if line[:1] == "{"]


_BLANKED = re.compile(r"/\*.*?\*/|//[^\n]*"                    # comments
                      r'|"(?:\\.|[^"\\\n])*"'                   # strings
                      r"|'(?:\\.|[^'\\\n])*'", re.S)            # characters
_DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.M)
_TOKEN = re.compile(r"\n|[A-Za-z_]\w*|\d\w*|\S")


def _blank(match):
    return "\n" * match.group().count("\n") or " "


def tokens(text):
    """(line, token) of a C source without comments, strings and directives."""
    text = _DIRECTIVE.sub(_blank, _BLANKED.sub(_blank, text))
    line, result = 1, []
    for token in _TOKEN.findall(text):
        if token == "\n":
            line += 1
        else:
            result.append((line, token))
    return result


def is_loop_or_test(word):
    """if, for, while, switch, and macros like list_for_each."""
    return word in CONTROL or "for_each" in word


def heads(found):
    """For each `)` that closes the head of an if, for, while or switch: its index and
    the index of that word."""
    stack, result = [], {}
    for i, (_, token) in enumerate(found):
        if token == "(":
            stack.append(i)
        elif token == ")" and stack:
            opened = stack.pop()
            if opened and is_loop_or_test(found[opened - 1][1]):
                result[i] = opened - 1
    return result


def main(function, description, *flags):
    """The frame of a check: function(report, args) does the work."""
    args = options(description, *flags)
    report = Report()
    function(report, args)
    sys.exit(report.finish())
