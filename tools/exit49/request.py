"""What is asked of a machine, and how it ended."""
import os
import re
from dataclasses import dataclass, field
from typing import List, Optional

from .common import Problem, require_file

IMAGE_NAME = "exit49.elf"
"""What the image is called on the hypervisor's command line."""
MAX_MEM = 3072


@dataclass
class Request:
    """What to run. mem is in MiB, timeout and idle in seconds (None: no limit)."""

    machine: str = "qemu"
    image: str = ""
    modules: List[str] = field(default_factory=list)
    append: str = ""
    cpus: int = 1
    mem: int = 256
    timeout: Optional[float] = None
    idle: Optional[float] = None
    icount: bool = False
    gdb: Optional[int] = None
    iso: str = ""
    keep: bool = False
    terminal: bool = False
    """COM1 takes input, too: it is a terminal of its own (Machine.send())."""
    names: Optional[List[str]] = None
    """What the modules are called, where that is not their file names."""

    def check(self, machines):
        """Raise a Problem for what can be known to be wrong before the start."""
        if self.machine not in machines:
            raise Problem(f"there is no machine {self.machine}; "
                          f"machines: {', '.join(machines)}")
        if self.iso:
            require_file(self.iso, "the disc image")
        else:
            require_file(self.image, "the image")
        for module in self.modules:
            require_file(module, "the module")
        if not 1 <= self.cpus <= 64:
            raise Problem(f"{self.cpus} CPUs: it must be 1 to 64")
        if not 16 <= self.mem <= MAX_MEM:
            raise Problem(f"{self.mem} MiB of memory: it must be 16 to {MAX_MEM}")
        if any(ord(char) < 32 for char in self.append):
            raise Problem("the command line has a control character in it")
        names = self.module_names()
        for name in names:
            if names.count(name) > 1 or name == IMAGE_NAME:
                raise Problem(f"two files are named {name}; a module is known by its "
                              "name, so rename one")

    def module_names(self):
        """What each module is called: its file name, as one word."""
        if self.names is not None:
            return list(self.names)
        return [re.sub(r"[^\w.+-]", "_", os.path.basename(module))
                for module in self.modules]


@dataclass
class Outcome:
    """How a machine ended. status is 0 to 4 as tools/run's exit status."""

    status: int
    sentence: str = ""
    seconds: float = 0.0
    ended: bool = False
    """Whether the hypervisor itself ended the machine (it wrote its end line)."""
