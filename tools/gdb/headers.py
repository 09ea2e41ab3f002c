"""Numbers that are macros in the hypervisor's headers: DWARF does not hold those.

A bit that is added to a header has its name here, since the header itself is read.
"""
import functools
import os
import re

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DEFINE = re.compile(r"^#define[ \t]+([A-Z]\w*)[ \t]+(\S.*?)[ \t]*(?:/\*.*)?$", re.M)
NUMBER = re.compile(r"\b(0x[0-9a-fA-F]+|\d+)[uU]?[lL]{0,2}\b")
SAFE = re.compile(r"[\w\s()<>|&~+*,-]+\Z")
WORD = (1 << 64) - 1


def _bit(n):
    return 1 << n


def _bits(high, low):
    return (1 << (high + 1)) - (1 << low)


def _number(text, known):
    """Return the value of a macro's text, or None if that is no number."""
    text = NUMBER.sub(lambda match: str(int(match.group(1), 0)), text)
    if not SAFE.match(text):
        return None
    try:
        value = eval(text, {"__builtins__": {}, "BIT": _bit, "BITS": _bits}, known)
    except (NameError, SyntaxError, TypeError, ValueError):
        return None
    return value & WORD if isinstance(value, int) else None


@functools.lru_cache(maxsize=None)
def defines(header):
    """Return {name: number} of a header's macros that are numbers, in its order."""
    with open(os.path.join(ROOT, header), encoding="utf-8") as file:
        text = file.read()
    known = {}
    for name, value in DEFINE.findall(text):
        value = _number(value, known)
        if value is not None:
            known[name] = value
    return known


@functools.lru_cache(maxsize=None)
def masks(header, prefix):
    """Return [(name without prefix, mask)] of a header's bits of one kind."""
    return [(name[len(prefix):], value) for name, value in defines(header).items()
            if name.startswith(prefix) and value]


def flags(value, header, prefix, skip=()):
    """Return the set bits of a word by name; a field of several bits as NAME=n."""
    words, rest = [], value
    for name, mask in masks(header, prefix):
        if name in skip or not rest & mask:
            continue
        if mask & (mask - 1):
            shift = (mask & -mask).bit_length() - 1
            name = "%s=%#x" % (name, (value & mask) >> shift)
        words.append(name)
        rest &= ~mask
    return words + unnamed(rest)


def unnamed(value):
    """Return the set bits of a word by number, as [] or ["bits 1 2 4-8"]."""
    runs, n = [], 0
    while value >> n:
        start = n
        while value >> n & 1:
            n += 1
        if n > start:
            runs.append("%d" % start if n == start + 1 else "%d-%d" % (start, n - 1))
        n += 1
    one = len(runs) == 1 and "-" not in runs[0]
    return ["bit%s %s" % ("" if one else "s", " ".join(runs))] if runs else []
