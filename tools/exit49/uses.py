"""What a lab's file reaches for, and whether that is the lab's business.

A lab's file is linked into the hypervisor that judges it. It could print results with
the run's nonce, or end the machine, as well as the test driver can. So its object is
looked at before it is run: it may call what mmu/, emulator/ and bus/ declare, the mem*
functions, and what helps in debugging, and holds no instruction that reaches past
ordinary memory. That stops whoever tries; it is no wall, since memory has no owner
inside a hypervisor (docs/testing.md, "What the grader cannot see").
"""
import glob
import os
import re
import subprocess

from .common import ROOT, Problem

SHARED_FOLDERS = ("mmu", "emulator", "bus")
HELPERS = {"memcpy", "memset", "memmove", "memcmp", "lab_not_written", "printf",
           "snprintf", "panic", "call_srcu", "synchronize_srcu"}
# Port I/O, interrupts, tables, MSRs, control registers, VMX and SVM - SDM 2, the
# instructions that CPL or a VMX control guards.
PRIVILEGED = re.compile(
    r"(in|out)[bwl]?$|(ins|outs)[bwl]?$|(int|cli|sti|hlt|clts|lmsw|swapgs)$|"
    r"(popf|iret|lret|sys)\w*$|(lgdt|lidt|lldt|ltr)\w*$|(rdmsr|wrmsr|xsetbv)$|"
    r"(invd|wbinvd|invlpg|invpcid|invept|invvpid)\w*$|(vm[a-z]+|stgi|clgi|skinit)$")
# What would let a file be another one on the barrier bench than in the image, or hide
# an access from it.
COMMENT = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', re.S)
EVASIONS = {
    "a preprocessor conditional": r"^[ \t]*(?:#|%:)[ \t]*(?:if|elif|else|endif)",
    "##": r"##|%:%:",
    "LAB_MC": r"\w*LAB_MC\w*",
    "inline assembly": r"\b_*asm_*\b",
    "a name of the sanitizer": r"\w*(?:tsan|no_sanitize|SANITIZE|__has_)\w*",
}
CONTROL_REGISTER = re.compile(r"%[cd]r\d")


def _tool(name, *arguments):
    argv = [os.environ.get("CROSS", "") + name, *arguments]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise Problem(f"{argv[0]} is not installed: run tools/deps build") from None
    if done.returncode:
        raise Problem(f"{argv[0]} cannot read {arguments[-1]}: {done.stderr.strip()}")
    return done.stdout


def shared_stems(root=ROOT):
    """The headers that a lab's file may use: a function is called STEM_verb."""
    return {os.path.basename(path)[:-2] for folder in SHARED_FOLDERS
            for path in glob.glob(os.path.join(root, folder, "*.h"))}


def foreign_symbols(listing, stems):
    """Names in `nm`'s output that are not the lab's business to use or to define."""
    names = [line.split()[-1] for line in listing.splitlines() if line.strip()]
    return [name for name in names if name not in HELPERS
            and not any(name.startswith(stem + "_") for stem in stems)]


def foreign_instructions(listing):
    """The instructions in `objdump -d`'s output that reach past ordinary memory."""
    found = []
    for line in listing.splitlines():
        match = re.match(r"\s*[0-9a-f]+:\s+(?:(?:rep\w*|lock) )*(\w+)(.*)$", line)
        if match and (PRIVILEGED.match(match.group(1))
                      or CONTROL_REGISTER.search(match.group(2))):
            found.append(match.group(1))
    return sorted(set(found))


def foreign(path):
    """Return what an object file uses that no lab's file may, as words."""
    symbols = foreign_symbols(_tool("nm", "-g", path), shared_stems())
    code = _tool("objdump", "-d", "--no-show-raw-insn", path)
    return symbols + [f"the instruction {name}"
                      for name in foreign_instructions(code)]


def evasions(text):
    """What a source for the bench may not hold, as words."""
    text = COMMENT.sub(lambda match: "\n" if match.group().startswith("//") else
                       '""' if match.group().startswith('"') else " ",
                       text.replace("\\\n", ""))
    return [what for what, pattern in EVASIONS.items()
            if re.search(pattern, text, re.M)]


def evasion_refusal(source):
    """Return the sentence about what a lab's file for the bench holds, or ''."""
    found = []
    pattern = os.path.join(ROOT, os.path.dirname(source), "*.[ch]")
    for path in sorted(glob.glob(pattern)):
        with open(path, encoding="utf-8", errors="replace") as file:
            found += [what for what in evasions(file.read()) if what not in found]
    if not found:
        return ""
    return (f"{source} holds {', '.join(found)}: the barrier bench must see the very\n"
            "file that the image is made of, and each of its accesses.\n"
            "It was not run.")


def refusal(folder, source):
    """Return the sentence about the objects of a lab's file in folder, or ''."""
    found = []
    for path in sorted(glob.glob(os.path.join(ROOT, folder, "*.o"))):
        found += foreign(path)
    if not found:
        return ""
    return (f"{source} uses what is not for a lab: {', '.join(found)}.\nIt may call "
            "what the headers of mmu/, emulator/ and bus/ declare, mem*(), printf() "
            "and panic().\nIt was not run.")
