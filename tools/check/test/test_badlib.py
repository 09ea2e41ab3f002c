"""The verdict on bad input can fail: commands that end badly, and what it says."""
import os
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import badlib  # noqa: E402

SENTENCE = "echo 'run: say which lab' >&2; "


def verdict(script, **more):
    """What is wrong with a shell script that should say one sentence and end with 2."""
    case = badlib.Case("case", ["sh", "-c", script], 2, "say which", **more)
    return list(badlib.faults(case, badlib.run(case.command, case.limit)))


class BadlibTest(unittest.TestCase):
    def test_one_sentence_and_the_status(self):
        self.assertEqual(verdict(SENTENCE + "exit 2"), [])
        self.assertEqual(verdict("echo say which; exit 2"), [])

    def test_makes_own_words_do_not_count(self):
        own = "echo 'make: *** [Makefile:1: grade] Error 2' >&2; exit 2"
        self.assertEqual(verdict(SENTENCE + own), [])

    def test_faults(self):
        for script, words in (
                (SENTENCE + "exit 1", "exit status 1, not 2"),
                ("exit 2", "does not say `say which`"),
                (SENTENCE + "echo more >&2; exit 2", "says 2 lines on stderr, not 1"),
                (SENTENCE + "echo Traceback; exit 2", "a traceback")):
            self.assertEqual(verdict(script), [words], script)

    def test_a_hang_is_ended_with_its_children(self):
        started = time.monotonic()
        self.assertEqual(verdict(SENTENCE + "sleep 60 & sleep 60", limit=0.3),
                         ["did not end within 0.3 s"])
        self.assertLess(time.monotonic() - started, 20)

    def test_people_must_read_it_too(self):
        with tempfile.NamedTemporaryFile("w", suffix=".console") as console:
            self.assertEqual(verdict(SENTENCE + "exit 2", console=console.name),
                             ["does not say `say which` on COM1"])
            console.write("exit49: say\n which lab.\n")
            console.flush()
            self.assertEqual(verdict(SENTENCE + "exit 2", console=console.name), [])


if __name__ == "__main__":
    unittest.main()
