"""What all `hv` commands share: help, arguments, and a sentence instead of a traceback.

A command is a subclass of Command with a `name`, a docstring, which is its help, and
run(words). Whatever cannot be done is raised as Unavailable and told in one sentence.
"""
import re
import traceback

import gdb

from memory import Unavailable

MEMBER = re.compile(r"There is no member named (\S+?)\.?$")
REGISTER = re.compile(r"\$guest_(\w+)")


class Command(gdb.Command):
    """One command of the debugger, `hv NAME`."""

    name = ""
    is_prefix = False

    def __init__(self):
        super().__init__(self.name, gdb.COMMAND_DATA, prefix=self.is_prefix)

    def invoke(self, argument, _from_tty):
        try:
            thread = gdb.selected_thread()
            if thread is not None and thread.is_running():
                raise Unavailable("the machine is running: stop it with Ctrl-C.")
            self.run(argument.strip())
        except Unavailable as error:
            raise gdb.GdbError(str(error)) from None
        except gdb.GdbError:
            raise
        except KeyboardInterrupt:
            raise gdb.GdbError("%s: stopped." % self.name) from None
        except (gdb.error, RuntimeError) as error:
            raise gdb.GdbError(self._sentence(str(error))) from None
        except Exception:
            if gdb.parameter("python print-stack") == "full":
                traceback.print_exc()
            raise gdb.GdbError("%s: this command has a bug; `set python print-stack "
                               "full` and again shows where." % self.name) from None

    def _sentence(self, told):
        member = MEMBER.search(told)
        if member:
            told = ("a struct of the hypervisor has no member %s (any more); the "
                    "debugger's commands and the image do not fit" % member.group(1))
        return "%s: %s." % (self.name, told.rstrip("."))

    def run(self, argument):
        raise NotImplementedError

    def usage(self):
        """The sentence for arguments that are wrong."""
        first = self.__doc__.strip().split("\n")
        form = next((line for line in first if line.strip().startswith("Usage:")), "")
        return Unavailable("%s: that is not how it is used. %s (`help %s` tells more.)"
                           % (self.name, form.strip(), self.name))

    def words(self, argument, most, least=0):
        """Split an argument into words; a wrong number of them is told."""
        words = gdb.string_to_argv(argument)
        if not least <= len(words) <= most:
            raise self.usage()
        return words

    def count(self, word, default):
        """A count given by the user, or the default for none."""
        if word is None:
            return default
        number = evaluate(word)
        if not 0 < number <= 4096:
            raise Unavailable("%s: %s is not a count from 1 to 4096."
                              % (self.name, word))
        return number


def evaluate(expression):
    """Return the user's expression as a number of at most 64 bits."""
    try:
        value = gdb.parse_and_eval(expression)
        if value.type.strip_typedefs().code == gdb.TYPE_CODE_STRUCT:
            value = value["v"]  # gva_t, gpa_t, hpa_t
        if value.type.code in (gdb.TYPE_CODE_FUNC, gdb.TYPE_CODE_ARRAY):
            value = value.address
        if value is None:
            raise Unavailable("`%s` is no address or number." % expression)
        return int(value) & ((1 << 64) - 1)
    except gdb.error as error:
        raise Unavailable("`%s` is no address or number: %s." %
                          (expression, str(error).rstrip("."))) from None


def split_address(argument):
    """Split "EXPRESSION [N]" where the last word may be a count."""
    head, _, tail = argument.rpartition(" ")
    if head and re.fullmatch(r"\d+", tail):
        return head.strip(), tail
    return argument, None


def print_rows(rows, indent="  "):
    """Print rows of words as columns; a row may be a plain line."""
    columns = [row for row in rows if not isinstance(row, str)]
    widths = {}
    for row in columns:
        for i, word in enumerate(row[:-1]):
            widths[i] = max(widths.get(i, 0), len(str(word)))
    for row in rows:
        if isinstance(row, str):
            print(row)
            continue
        words = [str(word).ljust(widths.get(i, 0)) for i, word in enumerate(row)]
        print((indent + "  ".join(words)).rstrip())
