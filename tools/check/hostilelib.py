"""What a run of hostile.elf must come to: for tools/check/hostile and its tests."""
import re

EXPECTED = "guest-tests/hostile/expected.txt"
STEPS = re.compile(r"hostile: steps \+(\d+)")
NEVER = {"fault", "panic", "error", "leak"}
"""What the hypervisor says of itself: right for no test."""


def parse_expected(text):
    """{test or family: words that are right}"""
    rows = [line.split("|") for line in text.split("\n")
            if line.strip() and line[0] != "#"]
    return {name.strip(): words.split() for name, words in rows}


def stop_of(result):
    """How a test ended: "ok", or the word behind `stop:`."""
    if result.skipped:
        return "skipped"
    return "ok" if result.ok else result.text("stop")


def is_ours(result):
    """Whether the hypervisor itself has failed, not the guest."""
    return stop_of(result) in NEVER or "the hypervisor is" in result.text("message")


def right_words(name, expected, machine):
    """Of a test, else of its family, which is all tests that differ in a number. A
    word like `entry@bochs` is right on that machine only."""
    family = re.sub(r"_\d+$", "", name)
    words = expected.get(name, expected.get(family, ["ok"]))
    return [word.split("@")[0] for word in words
            if "@" not in word or word.endswith("@" + machine)]


def faults(results, normal, expected, machine, cpus=2):
    """(test, what is wrong with it) of one boot. Races need a third CPU."""
    if not (normal and results):
        yield "the run ends normally", "it does not"
    for result in results:
        stop, words = stop_of(result), right_words(result.name, expected, machine)
        if cpus < 3 and result.skipped and result.name.startswith("race_"):
            continue
        if is_ours(result) or stop not in words:
            yield result.name, "ended with %s, not %s" % (stop, " or ".join(words))


def steps(console):
    """How many steps of random bytes the console tells of."""
    return sum(map(int, STEPS.findall(console)))


def too_few(done, wanted):
    """'' if that many steps are enough, else what is wrong."""
    return "" if done >= wanted else "%d steps, not %d" % (done, wanted)
