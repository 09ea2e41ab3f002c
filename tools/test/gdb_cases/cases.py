"""What the sessions share: commands with their output, and counting."""
import functools
import traceback

import gdb

ANSI_OFF = "set style enabled off"


def run(command):
    """Execute a command and return what it prints."""
    return gdb.execute(command, to_string=True)


def refused(command):
    """Return the sentence with which a command is refused, "" if it is not."""
    try:
        run(command)
    except gdb.error as error:
        return str(error)
    return ""


def number(expression):
    return int(gdb.parse_and_eval(expression)) & ((1 << 64) - 1)


def case(name, good, detail=""):
    """Count one case; the detail is told when it fails."""
    if good:
        print("ok - " + name)
    else:
        print("not ok - %s: %s" % (name, " | ".join(str(detail).splitlines())))


def holds(name, text, *words):
    """A case: all words stand in the text."""
    lacking = [word for word in words if word not in text]
    case(name, not lacking, "lacks %s in: %s" % (lacking, text))


def is_sentence(name, text, *words):
    """A case: the text is one sentence, no traceback, and has the words."""
    good = bool(text) and "\n" not in text.strip() and text.strip().endswith((".", ")"))
    case(name, good and "has a bug" not in text and "Traceback" not in text
         and all(word in text for word in words), text or "it was not refused")


def to(place):
    """Go on to a place; returns the name of the function there."""
    run("tbreak " + place)
    run("continue")
    return here()


def here():
    """The name of the function that the machine has stopped in, not inlined ones."""
    frame = gdb.newest_frame()
    while frame is not None and frame.type() == gdb.INLINE_FRAME:
        frame = frame.older()
    return frame.name() if frame is not None else ""


def names(frame=None):
    """The names of all functions on the stack, the innermost first."""
    frame, found = frame or gdb.newest_frame(), []
    while frame is not None:
        found.append(frame.name() or "?")
        frame = frame.older()
    return found


def session(function):
    """Runs a session's function at once; a bug in it is a failed case."""
    @functools.wraps(function)
    def guarded():
        run(ANSI_OFF)
        run("set pagination off")
        run("set width 0")
        try:
            function()
        except (gdb.error, RuntimeError, AssertionError, TypeError, ValueError,
                KeyError, AttributeError, IndexError):
            told = traceback.format_exc().replace("Traceback", "Trace")
            case("the session's script", False, told)
        print("# end of session", flush=True)
    guarded()
