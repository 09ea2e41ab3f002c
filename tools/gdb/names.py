"""Names for numbers, from the only place where each stands: the image's DWARF.

Enumerations are there: exit reasons, VMCS fields, states. (Bits are macros, which DWARF
does not hold; those are in headers.py.)
"""
import functools

import gdb

EXCEPTIONS = ("#DE #DB NMI #BP #OF #BR #UD #NM #DF 9 #TS #NP #SS #GP #PF 15 #MF #AC "
              "#MC #XM #VE #CP").split()


@functools.lru_cache(maxsize=None)
def enumeration(name):
    """Return {number: name} of an enum of the image, in the order of its lines."""
    try:
        fields = gdb.lookup_type("enum " + name).fields()
    except gdb.error:
        return {}
    return {field.enumval: field.name for field in fields}


def constant(enum, name):
    """Return the number of an enum's constant."""
    for value, found in enumeration(enum).items():
        if found == name:
            return value
    raise gdb.error("enum %s has no %s" % (enum, name))


def of_enum(enum, value, prefix=""):
    """Return the name of a number of an enum, its prefix taken off."""
    name = enumeration(enum).get(value, str(value))
    return name[len(prefix):] if prefix and name.startswith(prefix) else name


def reason(number):
    """Return a basic exit reason as the SDM writes it: "EPT_MISCONFIG"."""
    return of_enum("exit_reason", number & 0xffff, "EXIT_REASON_")


def reason_number(word):
    """Return the number of a reason given by name or number, or None."""
    try:
        number = int(word, 0)
        return number if number in enumeration("exit_reason") else None
    except ValueError:
        pass
    wanted = word.upper()
    for value, name in enumeration("exit_reason").items():
        if wanted in (name, reason(value)):
            return value
    return None


def vector(number):
    """Return an exception's mnemonic, or the vector's number."""
    return EXCEPTIONS[number] if number < len(EXCEPTIONS) else "vector %d" % number


def forget(_event=None):
    """Forget what was taken from an image: another one is loaded."""
    enumeration.cache_clear()
