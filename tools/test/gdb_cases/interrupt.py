"""Ctrl-C stops a guest that loops; and a backtrace through an interrupt."""
import os
import sys

import gdb

sys.path.insert(0, os.path.dirname(os.path.abspath(sys._getframe().f_code.co_filename)))
from cases import case, holds, names, number, run, session, to  # noqa: E402

JUMP_TO_ITSELF = 0xfeeb


def ask(_event):
    """The machine runs now: whoever has started this GDB may interrupt it."""
    os.write(1, b"# interrupt me\n")  # print() would be caught by run()


@session
def interrupt():
    to("first_touch_is_one_violation")
    place = number("$pc")
    run("set var *(unsigned short *)%#x = %d" % (place, JUMP_TO_ITSELF))
    gdb.events.cont.connect(ask)
    try:
        run("continue")
    except (gdb.error, KeyboardInterrupt):
        pass
    gdb.events.cont.disconnect(ask)
    case("Ctrl-C gives GDB the machine back", gdb.selected_thread() is not None and
         not gdb.selected_thread().is_running())
    holds("and hv guest finds the loop", run("hv guest"), "first_touch")
    to("watchdog_tick")
    found = names()
    case("bt in an interrupt handler goes on to what was interrupted",
         found[-1] == "boot_high" and "run_loop" in found, found)
