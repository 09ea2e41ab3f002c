"""The debugger's commands for exit49, loaded into GDB by `make gdb`.

    source tools/gdb/exit49.py      in a GDB that was started otherwise

`help hv` lists them. They read memory by the image's own types (memory.py), in
whichever world the machine has stopped (world.py).
"""
import os
import sys

import gdb

# Not __file__, which is another script's when that one has told GDB to source this.
HERE = os.path.dirname(os.path.abspath(sys._getframe().f_code.co_filename))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

import cmd_break  # noqa: E402
import cmd_exits  # noqa: E402
import cmd_memory  # noqa: E402
import cmd_vm  # noqa: E402
import cmd_vmcs  # noqa: E402
import cmd_where  # noqa: E402
import names  # noqa: E402
from command import Command  # noqa: E402


class HvCommand(Command):
    """The hypervisor by its own words: VMCS, exits, guest memory, slots, traces.

They work wherever the machine has stopped, in the hypervisor, in softvmx or in
the guest, and speak of the vCPU on the selected processor (`thread N`). Start
with `hv guest` (where am I?) or `hv last` (why did the guest exit?)."""

    name = "hv"
    is_prefix = True

    def run(self, argument):
        gdb.execute("help hv")


def register():
    """Make all commands known; `hv` itself first."""
    HvCommand()
    for module in (cmd_vmcs, cmd_exits, cmd_memory, cmd_vm, cmd_where, cmd_break):
        for command in module.COMMANDS:
            command()
        for function in getattr(module, "FUNCTIONS", ()):
            function()
    gdb.events.new_objfile.connect(names.forget)


register()
