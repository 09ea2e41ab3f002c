"""Rules of VM entry are found in any shape, and one without a test is noticed."""
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import vmxrules  # noqa: E402

TABLE = r'''
static const struct entry_check checks[] = {
 { GUEST_CR0, "27.1", .bits = &some_bits },
 { GUEST_CR4, "27.1", ((void *)0), holds, .rule = "a \"{\" " "is wrong",
   .other = GUEST_CR0 },
};
static const struct entry_check alone = {
 HOST_RIP, "27.2", when, holds, .rule = "it must be canonical",
};
static const struct segment_check segments[] = {
 { (1u << (VMCB_CS)) | (1u << (VMCB_DS)), GUEST_ES_LIMIT, when, holds,
   .rule = "too far", .other = GUEST_ES_BASE, .own = 1 },
};
'''
FUNCTION = r'''
static const char *value_rule(u32 msr, u64 value)
{
 return value ? ((void *)0) :
  "this one " "is wrong";
}
'''


def found(text):
    return [rule[1:] for rule in (list(vmxrules.of_tables("x.c", text)) +
                                  list(vmxrules.of_functions("x.c", text)))]


class RulesTest(unittest.TestCase):
    def test_tables(self):
        self.assertEqual(found(TABLE), [
            ("GUEST_CR0", "bit "), ("GUEST_CR4", 'a "{" is wrong'),
            ("HOST_RIP", "it must be canonical"), ("GUEST_CS_LIMIT", "too far"),
            ("GUEST_DS_LIMIT", "too far")])

    def test_functions(self):
        self.assertEqual(found(FUNCTION),
                         [("VM_ENTRY_MSR_LOAD_COUNT", "this one is wrong")])

    def test_no_rule_escapes(self):
        with self.assertRaises(SystemExit):
            found(TABLE.replace("struct entry_check alone", "struct other alone"))
        with self.assertRaises(SystemExit):
            found(TABLE.replace("VMCB_", "OTHER_"))

    def test_broken_or_not(self):
        rule = vmxrules.Rule("x.c", "HOST_RIP", "it must be canonical")
        good = "HOST_RIP is 0x1: it must be canonical - SDM 3C 27.2.4"
        self.assertTrue(vmxrules.is_broken(rule, ["", good]))
        for bad in (good.replace("HOST", "GUEST"), good.replace("must", "may")):
            self.assertFalse(vmxrules.is_broken(rule, [bad]), bad)


if __name__ == "__main__":
    unittest.main()
