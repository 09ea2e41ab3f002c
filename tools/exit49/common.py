"""What every command shares: places, problems told in one sentence, an orderly end.

A command is a function `main(arguments) -> status` run by `command()`.  Whatever is
the user's or the environment's fault is raised as Problem and ends as one sentence on
stderr; a traceback is always a bug of ours.
"""
import os
import signal
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# Statuses of a finished machine (tools/run's exit status).
RAN, PANICKED, USAGE, TIMED_OUT, NOT_STARTED = range(5)


class Problem(Exception):
    """Something the reader can put right; says how in one sentence."""

    def __init__(self, sentence, status=USAGE):
        super().__init__(sentence)
        self.status = status


def relative(path):
    """Return path as the user would type it from the repository."""
    short = os.path.relpath(path)
    return path if short.startswith("..") else short


def require_file(path, what):
    """Raise a Problem unless path is a readable, non-empty file."""
    if os.path.isdir(path):
        raise Problem(f"{what} {path} is a folder, no file")
    if not os.path.isfile(path):
        raise Problem(f"{what} {path} does not exist")
    if not os.access(path, os.R_OK):
        raise Problem(f"{what} {path} cannot be read")
    if os.path.getsize(path) == 0:
        raise Problem(f"{what} {path} is empty")


def cpus_here():
    """How many CPUs this process may use (taskset gives it fewer than there are)."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1


def open_output(path):
    """Open path for writing text, '-' being stdout."""
    if path == "-":
        return sys.stdout
    try:
        return open(path, "w", encoding="utf-8")
    except OSError as error:
        raise Problem(f"cannot write {path}: {error.strerror}") from None


def _stop(number, _frame):
    # As an exception, so that every `finally` on the way ends its emulator.
    sys.exit(128 + number)


def command(main):
    """Run main(sys.argv[1:]) and exit with its status."""
    name = os.path.basename(sys.argv[0])
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGHUP, _stop)
    try:
        status = main(sys.argv[1:])
        sys.stdout.flush()
    except Problem as problem:
        sys.stdout.flush()
        print(f"{name}: {problem}", file=sys.stderr)
        status = problem.status
    except KeyboardInterrupt:
        print(f"{name}: stopped", file=sys.stderr)
        status = 130
    except BrokenPipeError:
        # The reader (head, less) went away; nothing is left to tell it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        status = 141
    sys.exit(status)
