"""The keys of a guest's terminal."""
import io
import os
import pty
import termios
from unittest import mock

from support import FolderCase
from exit49 import terminal


class KeysTest(FolderCase):
    def test_ctrl_a_x_leaves_and_ctrl_a_twice_is_one(self):
        machine = mock.Mock()
        keys = terminal.Keys(machine)
        keys.feed(b"early")
        machine.send.assert_not_called()
        keys.begin()
        machine.send.assert_called_once_with(b"early")
        keys.feed(b"\x01\x01a\x01b")
        sent = b"".join(call.args[0] for call in machine.send.call_args_list)
        self.assertEqual(sent, b"early\x01ab")
        machine.leave.assert_not_called()
        keys.feed(b"\x01x")
        machine.leave.assert_called_once_with()

    def test_ctrl_a_h_tells_the_keys_and_sends_nothing(self):
        machine = mock.Mock()
        keys = terminal.Keys(machine)
        keys.begin()
        machine.send.reset_mock()
        with mock.patch("sys.stderr", io.StringIO()) as errors:
            keys.feed(b"\x01hx")
        self.assertIn("Ctrl-A X       ends the machine", errors.getvalue())
        self.assertNotRegex(errors.getvalue(), "[^\r]\n")
        machine.send.assert_called_once_with(b"x")
        machine.leave.assert_not_called()

    def test_a_cursor_key_stays_in_one_piece(self):
        machine = mock.Mock()
        keys = terminal.Keys(machine)
        keys.begin()
        machine.send.reset_mock()
        keys.feed(b"ab\x1b[A")
        machine.send.assert_called_once_with(b"ab\x1b[A")


class RawTest(FolderCase):
    def test_the_terminal_is_as_it_was_whatever_happens(self):
        ours, theirs = pty.openpty()
        before = termios.tcgetattr(theirs)
        with mock.patch("sys.stderr", io.StringIO()) as errors:
            with self.assertRaises(KeyError), terminal.raw_terminal(theirs):
                self.assertNotEqual(termios.tcgetattr(theirs), before)
                raise KeyError
        self.assertEqual(errors.getvalue(), terminal.HINT + "\r\n")
        self.assertEqual(termios.tcgetattr(theirs), before)
        os.close(ours)
        os.close(theirs)
