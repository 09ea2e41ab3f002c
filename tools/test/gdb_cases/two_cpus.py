"""Two processors: each command speaks of the one that is selected."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(sys._getframe().f_code.co_filename)))
from cases import (case, here, holds, is_sentence, names, refused,  # noqa: E402
                   run, session, to)


@session
def two_cpus():
    to("first_touch_is_one_violation")
    text = run("hv vcpus")
    holds("hv vcpus: both processors, and who is where", text, "in the guest",
          "no vCPU")
    case("hv vcpus: two rows", len(text.splitlines()) == 3, text)
    run("thread 2")
    case("the other processor waits in cpu_park", "cpu_park" in names(), names())
    case("its backtrace ends where it began", names()[-1] == "boot_ap_high", names())
    for command in ("hv vmcs", "hv last", "hv exits", "hv mmio", "hv x 0x200000"):
        is_sentence("on a processor without a vCPU: " + command, refused(command),
                    "there is no vCPU on this processor")
    case("hv trace is of all processors", refused("hv trace") == "")
    run("thread 1")
    holds("hv guest, back on the first", run("hv guest"), "CPU 0 is in the guest")
    run("next")
    run("next")
    case("next in the guest with two processors",
         here() == "first_touch_is_one_violation", here())
