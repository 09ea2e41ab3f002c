"""hv trace prints what the hypervisor itself prints."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(sys._getframe().f_code.co_filename)))
from cases import case, run, session, to  # noqa: E402

EVENT = "kvm_"


@session
def trace():
    to("trace_dump")
    shown = run("hv trace 200").splitlines()
    run("tbreak machine_exit")
    run("continue")
    with open(os.environ["CONSOLE"], encoding="utf-8", errors="replace") as console:
        printed = [row.rstrip() for row in console if EVENT in row]
    differ = [pair for pair in zip(shown, printed) if pair[0] != pair[1]]
    case("hv trace is the hypervisor's own trace, character by character",
         len(shown) > 50 and shown == printed, "%d and %d lines, the first pair that "
         "differs: %s" % (len(shown), len(printed), differ[:1]))
