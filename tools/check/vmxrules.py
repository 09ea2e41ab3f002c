"""The rules of VM entry, as they stand in the tables of hv/softvmx/entry_checks_*.c.

A rule is known by the field that it names and by its words. Both are read from the
preprocessed source, where macros are resolved and the fields still have their names, so
that a new row cannot escape: vmx-entry fails until a test has broken it.
"""
import collections
import glob
import re

import checklib

FOLDER = "hv/softvmx/"
TABLE = re.compile(r"static const struct (entry|segment)_check \w+(\[\])? = "
                   r"\{(.*?)\n?\};", re.S)
WORDS = re.compile(r"\.rule =\s*\"")
STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
SEGMENT = re.compile(r"\bVMCB_([A-Z]+)\b")
# MSR lists are not tables: these functions return their rules.
RETURNS = re.compile(r"^static const char \*\w+_rule\(.*?^\}", re.S | re.M)
MSR_FIELD = "VM_ENTRY_MSR_LOAD_COUNT"
WRMSR = "WRMSR refuses it"
ANY_BIT = "bit "

Rule = collections.namedtuple("Rule", "source field words")


def preprocess(path):
    status, out = checklib.run(["gcc", "-E", "-P", "-I.", "-ffreestanding", path])
    if status:
        raise SystemExit(out)
    return out


def text_of(source):
    """The string literals of a piece of C as one text."""
    return "".join(STRING.findall(source)).replace('\\"', '"')


def rows(body):
    """Split the initializer of a table at its outermost braces."""
    depth, start, plain = 0, 0, STRING.sub(lambda m: "_" * len(m.group()), body)
    for at, char in enumerate(plain):
        if char == "{":
            start = at + 1 if depth == 0 else start
            depth += 1
        elif char == "}":
            depth -= 1
            if depth == 0:
                yield body[start:at]


def rule_words(row):
    found = re.search(r"\.rule = (.*?)(?:,\s*\.\w+ =|$)", row, re.S)
    return text_of(found.group(1)) if found else ANY_BIT


def fields_of(kind, row):
    """The fields that a row may name: its own, or one for each segment register."""
    if kind == "entry":
        return [row.split(",")[0].strip()]
    suffix = re.search(r"GUEST_ES_(\w+)", row).group(1)
    registers = SEGMENT.findall(row.split("GUEST_ES_")[0])
    if not registers:
        raise SystemExit("a row of a segment check names no segment register: " + row)
    return ["GUEST_%s_%s" % (register, suffix) for register in registers]


def of_tables(path, text):
    found = [(kind, row) for kind, many, body in TABLE.findall(text)
             for row in (rows(body) if many else [body])]
    if sum(len(WORDS.findall(row)) for _, row in found) != len(WORDS.findall(text)):
        raise SystemExit("%s: a rule stands in no table that vmxrules.py knows" % path)
    for kind, row in found:
        for field in fields_of(kind, row):
            yield Rule(path, field, rule_words(row))


def of_functions(path, text):
    for function in RETURNS.findall(text):
        for match in re.finditer(r"(?:%s\s*)+" % STRING.pattern, function):
            yield Rule(path, MSR_FIELD, text_of(match.group()))


def all_rules():
    found = []
    for path in sorted(glob.glob(FOLDER + "entry_checks_*.c")):
        text = preprocess(path)
        found += of_tables(path, text)
        found += of_functions(path, text)
    return found + [Rule(FOLDER + "entry_checks_msr.c", MSR_FIELD, WRMSR)]


def is_broken(rule, sentences):
    return any(sentence.startswith(rule.field + " is ") and rule.words in sentence
               for sentence in sentences)
