"""Reading results: TAP 14 as it comes from COM2, one line at a time.

Only a line that carries the run's nonce is a result. Whoever prints "ok 3 - ..." from a
lab file has printed a line, no more. The YAML below a result is a small, fixed part of
YAML (strings, numbers, one list), so it is read here in a few lines.
"""
import re
from dataclasses import dataclass, field
from typing import Dict, List, Optional

# With a directive (SKIP and the like) a test has not passed.
RESULT = re.compile(r"(not )?ok (\d+) - (\S+) \[([0-9a-fA-F]+)\](?: # (\S+).*)?$")
PLAN = re.compile(r"1\.\.(\d+)\s*$")
LOOKS_LIKE_RESULT = re.compile(r"(not )?ok\b")
EXIT = re.compile(r"# exit (?:[^/\s]+/)?(\S+) (\d+)\b(.*)$")
PAIR = re.compile(r"  ([A-Za-z_][\w-]*):(?: (.*))?$")
ITEM = re.compile(r"    - (.*)$")
ESCAPES = {"n": "\n", "t": "\t"}


@dataclass
class Result:
    """One result line and the fields below it."""

    number: int
    name: str
    ok: bool
    skipped: bool = False
    fields: Dict[str, object] = field(default_factory=dict)

    def text(self, key):
        """Return a field as text, '' when it is absent."""
        value = self.fields.get(key, "")
        return " ".join(value) if isinstance(value, list) else str(value)

    def items(self, key):
        """Return a field as a list of text."""
        value = self.fields.get(key, [])
        return value if isinstance(value, list) else [value]


def unquote(text):
    """Read a YAML scalar: quoted with backslash escapes, or plain."""
    text = text.strip()
    if len(text) >= 2 and text[0] == text[-1] == '"':
        return re.sub(r"\\(.)", lambda m: ESCAPES.get(m.group(1), m.group(1)),
                      text[1:-1])
    return text


class Reader:
    """Feed it lines; what it understood is in its fields.

    results    in order of arrival, duplicates included
    plan       the announced number of tests, None before that
    ignored    lines that look like results but lack the nonce
    exits      {test: [(reason, "gpa=... qual=...")]}
    bail_out   the machine's reason to give up, or ''
    """

    def __init__(self, nonce, on_result=None):
        self.nonce = nonce
        self.on_result = on_result or (lambda result: None)
        self.results: List[Result] = []
        self.ignored: List[str] = []
        self.exits: Dict[str, list] = {}
        self.plan: Optional[int] = None
        self.started = False
        self.bail_out = ""
        self._current: Optional[Result] = None
        self._key = ""
        self._in_yaml = False

    def feed(self, line):
        """Take one line without its newline."""
        if self._in_yaml and self._yaml(line):
            return
        if self._current and not self._in_yaml and line.strip() == "---":
            self._in_yaml = True
            return
        self._close()
        self._plain(line)

    def finish(self):
        """The stream is over."""
        self._close()

    def _plain(self, line):
        result, plan, taken = RESULT.match(line), PLAN.match(line), EXIT.match(line)
        if result and result.group(4) == self.nonce:
            self._current = Result(int(result.group(2)), result.group(3),
                                   not result.group(1) and not result.group(5),
                                   (result.group(5) or "").upper() == "SKIP")
        elif LOOKS_LIKE_RESULT.match(line):
            self.ignored.append(line)
        elif plan:
            self.plan = int(plan.group(1))
        elif taken:
            self.exits.setdefault(taken.group(1), []).append(
                (int(taken.group(2)), taken.group(3).strip()))
        elif line.startswith("TAP version"):
            self.started = True
        elif line.startswith("Bail out!"):
            self.bail_out = line[len("Bail out!"):].strip() or "no reason was given"

    def _yaml(self, line):
        """Take a line of the block below a result; False if it is not one."""
        if line.strip() == "...":
            self._close()
            return True
        item, pair = ITEM.match(line), PAIR.match(line)
        values = self._current.fields
        if item and isinstance(values.get(self._key), list):
            values[self._key].append(unquote(item.group(1)))
            return True
        if pair:
            self._key = pair.group(1)
            values[self._key] = unquote(pair.group(2)) if pair.group(2) else []
            return True
        # Something else came between (a crash in the middle of a block).
        return line.startswith("  ")

    def _close(self):
        if self._current:
            self.results.append(self._current)
            self.on_result(self._current)
        self._current, self._in_yaml, self._key = None, False, ""
