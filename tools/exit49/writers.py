"""Writers: each shows a grade (model.LabGrade) in one format. They decide nothing."""
import json
import os
import textwrap

from . import model

WIDTH = 88
FRAMES = 5
"""So many callers are shown without V=1: the lab's own are the first ones."""
EVENTS = 6
"""So many steps of an execution are shown without V=1: those that the reason names."""
MARKS = {model.PASSED: "ok", model.UNWRITTEN: "todo"}
COLOURS = {"ok": "32", "todo": "33", "FAIL": "31"}


class Terminal:
    """One line a test; below a failed one, why and what to look at."""

    def __init__(self, stream, verbose=False, colour=None):
        self.stream, self.verbose = stream, verbose
        if colour is None:
            colour = stream.isatty() and "NO_COLOR" not in os.environ
        self.colour = colour
        self.steps_told = set()
        self.stops_told = {}
        self.mistakes_told = {}

    def write(self, grade):
        self._line(f"Lab {grade.lab}, {grade.title}: {grade.source} on {grade.machine}")
        if grade.build_error:
            self._line(grade.build_error)
            self._line(f"{grade.source} does not compile, so no test was run.")
        if grade.refusal:
            self._line(grade.refusal)
        width = max([len(test.name) for test in grade.tests], default=0)
        for test in grade.tests:
            self._test(test, width)
        for note in grade.notes:
            self._text("note", note, indent=2)
        if grade.first_step:
            self._line(f"The first step to write: {grade.first_step}")
        self._line(self._score(grade))

    def summary(self, grades):
        """One line a lab, after all of them."""
        self._line("")
        for grade in grades:
            self._line(f"Lab {grade.lab}, {grade.title + ':':<30} "
                       f"{grade.score:>3}/{grade.max}")
        total = sum(grade.score for grade in grades)
        self._line(f"Total: {total}/{sum(grade.max for grade in grades)}")

    def _score(self, grade):
        words = f"Score: {grade.score}/{grade.max}"
        if grade.tests and len(grade.tests) < grade.tests_in_lab:
            words += f" ({len(grade.tests)} of {grade.tests_in_lab} tests)"
        return words

    def _test(self, test, width):
        mark = MARKS.get(test.verdict, "FAIL")
        shown = f"{mark:<4}"
        if self.colour:
            shown = f"\033[{COLOURS[mark]}m{shown}\033[0m"
        points = f"{test.points}/{test.max}"
        self._line(f"  {shown}  {test.name:<{width}}  {points:>6}  "
                   f"{test.seconds:6.2f} s")
        if test.verdict == model.UNWRITTEN:
            self._step(test.message)
        elif test.verdict != model.PASSED:
            self._failure(test)
        if self.verbose:
            self._more(test)

    def _step(self, sentence):
        """A step that is not written yet: told once, however many tests meet it."""
        if sentence not in self.steps_told:
            self.steps_told.add(sentence)
            self._line(f"        {sentence}")

    def _failure(self, test):
        self._text("mode", test.mode)
        self._text("rule", test.rule)
        self._text("seen", test.seen)
        self._text("expected", test.expected)
        if self._execution(test):
            return
        same = self.stops_told.setdefault(
            (test.stop, test.message, tuple(test.backtrace)), test.name)
        if test.stop not in ("", "check") and same != test.name:
            self._text("stopped", f"as in {same}")
        else:
            self._stop(test)
        self._text("hint", test.hint)

    def _execution(self, test):
        """The steps that go wrong, why, and what mends it; True if another test has
        shown the same mistake already, which is then named in place of all that."""
        if not test.execution:
            return False
        mistake = test.fix or test.hint or test.why
        same = self.mistakes_told.setdefault(mistake, test.name)
        if same != test.name and not self.verbose:
            self._text("order", f"as in {same}")
            return True
        self._events(test)
        self._text("why", test.why)
        self._text("try", test.fix)
        return False

    def _events(self, test):
        shown = [event for event in test.execution if event.matters or self.verbose]
        cut = shown if self.verbose else shown[-EVENTS:]
        for number, event in enumerate(cut):
            self._event("" if number else "order", event)
        if len(cut) < len(test.execution):
            self._text("", f"all {len(test.execution)} steps with V=1")

    def _event(self, label, event):
        start = f"{label:<10} {event.step:>3}  {event.thread:<6} {event.where:<12} "
        self._line(" " * 8 + start + event.effect)
        for text in filter(None, (event.source, event.note and f"^ {event.note}")):
            self._line(" " * 24 + text)

    def _stop(self, test):
        if test.stop not in ("", "check"):
            self._text("stopped", f"{test.stop}: {test.message}" if test.message
                       else test.stop)
        elif not (test.seen and test.expected):
            self._text("says", test.message)
        self._text("where", test.at)
        self._stack(test.backtrace)

    def _stack(self, frames):
        shown = frames if self.verbose else frames[:FRAMES]
        for number, frame in enumerate(shown):
            self._text("" if number else "stack", frame)
        if len(shown) < len(frames):
            self._text("", f"... {len(frames) - len(shown)} more with V=1")

    def _more(self, test):
        known = {"rule", "seen", "expected", "at", "message", "stop", "backtrace"}
        for key, value in test.fields.items():
            if key not in known or test.verdict in (model.PASSED, model.UNWRITTEN):
                self._text(key, ", ".join(value) if isinstance(value, list) else value)

    def _text(self, label, text, indent=8):
        if not text:
            return
        start = " " * indent + (f"{label:<10} " if label else " " * 11)
        for line in textwrap.wrap(text, WIDTH, initial_indent=start,
                                  subsequent_indent=" " * (indent + 11),
                                  break_long_words=False, break_on_hyphens=False):
            self._line(line)

    def _line(self, text):
        self.stream.write(text + "\n")


def _json_test(test):
    value = {"name": test.name, "points": test.points, "max": test.max,
            "seconds": round(test.seconds, 3), "verdict": test.verdict,
            "rule": test.rule, "seen": test.seen, "expected": test.expected,
            "at": test.at, "hint": test.hint, "stop": test.stop, "step": test.step,
            "message": test.message, "mode": test.mode, "backtrace": test.backtrace}
    if test.execution:
        value["execution"] = [vars(event) for event in test.execution]
        value["why"], value["try"] = test.why, test.fix
    return value


def _json_lab(grade):
    return {"lab": grade.lab, "title": grade.title, "source": grade.source,
            "score": grade.score, "max": grade.max, "machine": grade.machine,
            "modes": list(grade.modes),
            "seconds": round(grade.seconds, 3), "build_error": grade.build_error,
            "refusal": grade.refusal,
            "first_step": grade.first_step, "notes": grade.notes,
            "tests": [_json_test(test) for test in grade.tests]}


def to_json(grades):
    """Return one lab's grade as an object; several as their sum with "labs"."""
    if len(grades) == 1:
        value = _json_lab(grades[0])
    else:
        value = {"lab": "all", "score": sum(grade.score for grade in grades),
                 "max": sum(grade.max for grade in grades),
                 "machine": grades[0].machine,
                 "labs": [_json_lab(grade) for grade in grades]}
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
