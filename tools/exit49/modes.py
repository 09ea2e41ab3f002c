"""The modes in which a lab's guests can run, and the words that choose them.

A lab names its modes in lab.conf (`modes = ept shadow`; `ept` if it says nothing).
Each mode is a boot of its own. A test that has no meaning in a mode says so itself (its
record in the guest program), and the hypervisor skips it there.
"""
from .common import Problem

MODES = {"ept": "EPT", "shadow": "shadow paging (ept=0)",
         "noug": "EPT without unrestricted guests (ug=0)"}
"""Every mode and what people call it."""
WORDS = {"ept": "", "shadow": "ept=0", "noug": "ug=0"}
"""What the hypervisor's command line says for it."""
DEFAULT = ("ept",)


def check(word):
    """Raise a Problem unless word names a mode, or is '' for those of the lab."""
    if word and word not in MODES:
        raise Problem(f"there is no mode {word}; modes: {', '.join(MODES)}")


def parse(path, text):
    """Return the modes that a lab.conf names."""
    modes = tuple(text.split()) or DEFAULT
    for mode in modes:
        if mode not in MODES or modes.count(mode) > 1:
            raise Problem(f"{path}: 'modes = {text}' must name each mode once; "
                          f"modes: {', '.join(MODES)}")
    return modes


def sentence(failed, modes):
    """Say in which of several modes a test has failed, '' if there is just one."""
    if len(modes) < 2:
        return ""
    passed = [MODES[mode] for mode in modes if mode not in failed]
    words = " and ".join(MODES[mode] for mode in failed)
    return words + (f"; with {' and '.join(passed)} it passes" if passed else "")
