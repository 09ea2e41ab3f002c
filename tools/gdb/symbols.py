"""Symbols: addresses as places, and the guest program that is loaded now.

All guest programs are linked at 2 MiB, so the symbols of one only can be loaded at a
time: those of the program whose test runs. The hypervisor's stay; its addresses are in
the highest 2 GiB.
"""
import os
import re

import gdb

import headers
import world
from memory import Unavailable

_loaded = {"path": ""}


def image_folder():
    """Return the folder of the image that GDB debugs."""
    path = gdb.current_progspace().filename
    return os.path.dirname(path) if path else os.path.join(headers.ROOT, "build")


def program_path(program):
    """Return the file of a guest program, or "" if there is none."""
    for folder in (image_folder(), os.path.join(headers.ROOT, "build")):
        path = os.path.join(folder, "guest-tests", program + ".elf")
        if os.path.exists(path):
            return path
    return ""


def programs():
    """Return the names of the guest programs that there are."""
    folder = os.path.dirname(program_path("lab1")) or image_folder()
    found = os.listdir(folder) if os.path.isdir(folder) else []
    return sorted(name[:-4] for name in found if name.endswith(".elf"))


def use(program):
    """Load a guest program's symbols in place of another's; returns its name."""
    path = program_path(program)
    if not path:
        raise Unavailable("there is no guest program %s; there are: %s."
                          % (program, ", ".join(programs()) or "none, run make guests"))
    if path != _loaded["path"]:
        if _loaded["path"]:
            gdb.execute("remove-symbol-file " + _loaded["path"], to_string=True)
        _loaded["path"] = ""
        gdb.execute('add-symbol-file "%s"' % path, to_string=True)
        _loaded["path"] = path
    return program


def use_if_there(program):
    """use(), but nothing when there is no such program."""
    if program and program_path(program):
        use(program)


def follow_program():
    """Make the symbols those of the guest that runs; quiet when it cannot be told."""
    try:
        program = world.program()
        if program and program_path(program):
            use(program)
    except (Unavailable, gdb.error):
        pass


def loaded():
    """Return the name of the guest program whose symbols are loaded, or ""."""
    return os.path.basename(_loaded["path"])[:-4]


def _is_exit(address):
    try:
        return int(gdb.parse_and_eval("&vmx_entry_exit")) & (1 << 64) - 1 == address
    except gdb.error:
        return False


def _symbol(address):
    """Return (name, offset) of the symbol that an address belongs to, or None."""
    if _is_exit(address):
        return "vmx_entry_exit", 0  # a label inside of a function
    told = gdb.execute("info symbol %#x" % address, to_string=True)
    match = re.match(r"(\S+)(?: \+ (\d+))? in section", told)
    return (match.group(1), int(match.group(2) or 0)) if match else None


def offset_of(address):
    """Return how far an address is from the start of its function; -1: unknown."""
    found = _symbol(address)
    return found[1] if found else -1


def name_of(address):
    """Return "function+12", or "" for an address without one."""
    found = _symbol(address)
    if not found:
        return ""
    return found[0] + ("+%d" % found[1] if found[1] else "")


def place(address):
    """Return an address with function, file and line as far as they are known."""
    words = "%#x" % address
    name = name_of(address)
    if name:
        words += " <%s>" % name
    sal = gdb.find_pc_line(address)
    if sal.symtab is not None and sal.line:
        words += " at %s:%d" % (os.path.normpath(sal.symtab.filename), sal.line)
    return words


def source_line(address):
    """Return the text of the source line of an address, or ""."""
    sal = gdb.find_pc_line(address)
    if sal.symtab is None or not sal.line:
        return ""
    try:
        with open(sal.symtab.fullname(), encoding="utf-8", errors="replace") as file:
            for number, line in enumerate(file, 1):
                if number == sal.line:
                    return "%d\t%s" % (number, line.rstrip())
    except OSError:
        pass
    return ""
