"""The TAP reader: what counts as a result, and streams that end too early."""
import unittest

import support  # noqa: F401
from exit49.tap import Reader, unquote

NONCE = "5f3a9c01"


def read(text):
    reader = Reader(NONCE)
    for line in text.splitlines():
        reader.feed(line)
    reader.finish()
    return reader


class TapTest(unittest.TestCase):
    def test_good_stream(self):
        reader = read("""TAP version 14
1..2
ok 1 - first [5f3a9c01]
  ---
  exits: 1003
  ...
not ok 2 - second [5f3a9c01]
  ---
  rule: "a \\"quoted\\" rule"
  seen: "2 exits"
  backtrace:
    - "ept_walk+0x12 labs/x.c:88"
    - "main+0x1 hv/m.c:1"
  at: "guest-tests/lab1/readonly.c:41"
  ...
# exit lab1/first 48 gpa=0xd0000000 qual=0x181 rip=0x1 len=3
# exit49: end status=0""")
        first, second = reader.results
        self.assertTrue(reader.started)
        self.assertEqual(reader.plan, 2)
        self.assertTrue(first.ok)
        self.assertEqual(first.text("exits"), "1003")
        self.assertFalse(second.ok)
        self.assertEqual(second.text("rule"), 'a "quoted" rule')
        self.assertEqual(second.items("backtrace"),
                         ["ept_walk+0x12 labs/x.c:88", "main+0x1 hv/m.c:1"])
        self.assertEqual(second.text("at"), "guest-tests/lab1/readonly.c:41")
        self.assertEqual(reader.exits["first"],
                         [(48, "gpa=0xd0000000 qual=0x181 rip=0x1 len=3")])

    def test_missing_or_wrong_nonce_is_no_result(self):
        reader = read("ok 1 - first\nok 1 - first [0bad]\nok first [5f3a9c01]")
        self.assertEqual(reader.results, [])
        self.assertEqual(len(reader.ignored), 3)

    def test_duplicate_is_kept_for_the_grader(self):
        reader = read("ok 1 - a [5f3a9c01]\nnot ok 1 - a [5f3a9c01]")
        self.assertEqual([result.ok for result in reader.results], [True, False])

    def test_stream_cut_inside_a_block(self):
        reader = read('not ok 1 - a [5f3a9c01]\n  ---\n  rule: "half')
        self.assertEqual(len(reader.results), 1)
        self.assertFalse(reader.results[0].ok)

    def test_result_after_an_unfinished_block(self):
        reader = read("not ok 1 - a [5f3a9c01]\n  ---\n  seen: 1\n"
                      "ok 2 - b [5f3a9c01]")
        self.assertEqual([result.name for result in reader.results], ["a", "b"])

    def test_text_inside_a_block_is_no_result(self):
        reader = read('not ok 1 - a [5f3a9c01]\n  ---\n'
                      '  message: "ok 2 - b [5f3a9c01]"\n  ...')
        self.assertEqual(len(reader.results), 1)

    def test_skipped_does_not_pass(self):
        self.assertFalse(read("ok 1 - a [5f3a9c01] # SKIP no CPU").results[0].ok)

    def test_bail_out(self):
        self.assertEqual(read("Bail out! no SVM, no VMX").bail_out, "no SVM, no VMX")

    def test_empty_list_and_field(self):
        result = read("not ok 1 - a [5f3a9c01]\n  ---\n  backtrace:\n  ...").results[0]
        self.assertEqual(result.items("backtrace"), [])
        self.assertEqual(result.text("absent"), "")

    def test_unquote(self):
        self.assertEqual(unquote('"a\\\\b\\"c"'), 'a\\b"c')
        self.assertEqual(unquote(" plain "), "plain")


if __name__ == "__main__":
    unittest.main()
