"""Attaching GDB: the facts that the relay needs, and then `target remote`.

The relay is a process of its own and has no DWARF. What it must know of the image is
handed over in a file: where the hypervisor's page tables and processors are, at which
offsets a processor leads to its EPT pointer, and where VMRUN is.
"""
import json
import os
import sys
import tempfile

import gdb

import headers
import memory
import vmcs
from memory import Unavailable

HERE = os.path.dirname(os.path.abspath(sys._getframe().f_code.co_filename))


def _offset(kind, member):
    for field in gdb.lookup_type(kind).fields():
        if field.name == member:
            return field.bitpos // 8
    raise gdb.error("%s has no member %s" % (kind, member))


def _vmruns():
    """Addresses of the VMRUN instructions: where softvmx enters a guest."""
    start = int(memory.address_of("softvmx_run_guest"))
    end = int(memory.address_of("softvmx_run_hlt_loop"))
    listing = gdb.execute("disassemble %#x,%#x" % (start, end), to_string=True)
    found = [int(line.split()[0], 16) for line in listing.splitlines()
             if "vmrun" in line]
    if not found:
        raise gdb.error("no VMRUN between softvmx_run_guest and softvmx_run_hlt_loop")
    return found


def facts():
    """Everything that relay.py wants to know, as numbers."""
    layout = headers.defines("hv/lib/page.h")
    pages = (memory.address_of("pml4", "hv/boot/paging.c"),
             memory.address_of("boot_pml4"))
    cpus = memory.address_of("cpus", "hv/x86/cpu.c")
    encodings = vmcs.fields()
    return {
        "tables": [memory.to_physical(int(page)) for page in pages],
        "cpus": memory.to_physical(int(cpus)),
        "cpu_count": cpus.type.target().range()[1] + 1,
        "cpu_size": gdb.lookup_type("struct cpu").sizeof,
        "apic_id": _offset("struct cpu", "apic_id"),
        "vmx": _offset("struct cpu", "vmx"),
        "vmcs_address": _offset("struct softvmx_cpu", "vmcs_address"),
        "eptp": vmcs.offset(encodings["EPT_POINTER"]),
        "cpu2": vmcs.offset(encodings["SECONDARY_VM_EXEC_CONTROL"]),
        "image": layout["IMAGE_BASE"],
        "direct_map": layout["DIRECT_MAP_BASE"],
        "direct_map_size": layout["DIRECT_MAP_SIZE"],
        "vmrun": _vmruns(),
    }


def to(target):
    """Attach to the machine that waits at HOST:PORT."""
    try:
        known = facts()
    except (Unavailable, gdb.error, KeyError) as error:
        print("exit49: attaching without the relay, since the image is not as it "
              "expects (%s); a guest's memory is for `hv x` then." % error)
        gdb.execute("target remote " + target)
        return
    with tempfile.NamedTemporaryFile("w", suffix=".json", delete=False) as file:
        json.dump(known, file)
    try:
        gdb.execute('target remote | python3 -B "%s" "%s" %s'
                    % (os.path.join(HERE, "relay.py"), file.name, target))
    finally:
        os.unlink(file.name)
