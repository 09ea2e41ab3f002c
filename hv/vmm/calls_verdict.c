/** @file
 * How a test ends: by its own word, or in the way it has announced.
 *
 * A test that never checks anything has not passed, and one whose announced end
 * did not come has failed by the rule that it named.
 *
 * The guest's first failed check is the verdict; what comes after it is a
 * consequence.  Texts are copied out of the guest when the check fails, since
 * its memory is gone by the time they are printed.
 */
#include "hv/vmm/calls_groups.h"

#include "hv/lib/printf.h"

/**
 * HYPERCALL_END is the guest's last call. Zero checks is no pass: a test whose
 * loop ran over an empty table would otherwise look well.
 */
s64 calls_verdict_end(struct bed *bed, const u64 *args)
{
	struct verdict *verdict = &bed->verdict;

	verdict->checks = args[0];
	if (bed->expect.set) {
		/* calls_judge_stop() makes a failed check of this. */
		verdict_stop(verdict, VERDICT_UNFINISHED,
			     "the guest went on to the end of its test");
	} else if (!args[0]) {
		verdict_stop(verdict, VERDICT_UNFINISHED,
			     "the test ended without a single check");
	} else {
		verdict_stop(verdict, VERDICT_PASSED, "passed");
	}
	return 0;
}

/**
 * A value as its check wants it to be read. The guest sends numbers and says
 * how to show them: a check is written by people, and "seen no, expected yes"
 * needs no key.
 */
static void format_value(struct bed *bed, char *to, u64 value, u32 format)
{
	unsigned long long v = value;

	switch ((enum hypercall_format)format) {
	case FORMAT_DECIMAL:
		if ((s64)value < 0) {
			snprintf(to, VERDICT_TEXT, "%lld", (long long)value);
		} else {
			snprintf(to, VERDICT_TEXT, "%llu", v);
		}
		return;
	case FORMAT_TEXT:
		bed_text(bed, value, to);
		return;
	case FORMAT_BOOL:
		snprintf(to, VERDICT_TEXT, "%s", value ? "yes" : "no");
		return;
	case FORMAT_EXITS:
		snprintf(to, VERDICT_TEXT, "%llu exit%s", v,
			 value == 1 ? "" : "s");
		return;
	case FORMAT_HEX:
		break;
	}
	snprintf(to, VERDICT_TEXT, "0x%llx", v);
}

/**
 * The rule is a whole sentence and comes from the test itself. File and line
 * are those of the check in the guest's source.
 */
static void set_place(struct bed *bed, u64 rule, u64 file, u32 line)
{
	char name[HYPERCALL_TEXT_SIZE];

	bed_text(bed, rule, bed->verdict.rule);
	bed_text(bed, file, name);
	snprintf(bed->verdict.at, VERDICT_TEXT, "%s:%u", name, line);
}

/**
 * Seen and expected are kept twice: in fields of their own, for tools, and in
 * the message, for whoever reads the console. The result goes to nobody, since
 * the test ends here.
 */
s64 calls_verdict_fail(struct bed *bed, const u64 *args)
{
	const struct hypercall_check *from =
		bed_memory(bed, args[0], sizeof(*from));
	struct hypercall_check check;
	struct verdict *verdict = &bed->verdict;

	if (!from) {
		verdict_stop(verdict, VERDICT_CHECK, "a check failed, and its "
			     "record is not in the guest's memory");
		return -EFAULT;
	}
	memcpy(&check, from, sizeof(check));
	set_place(bed, check.rule, check.file, check.line);
	format_value(bed, verdict->seen, check.seen, check.format);
	format_value(bed, verdict->expected, check.expected, check.format);
	verdict_stop(verdict, VERDICT_CHECK, "seen %s, expected %s",
		     verdict->seen, verdict->expected);
	return 0;
}

/**
 * Some rules can only be shown by a VM that dies: a misconfigured entry must
 * end vcpu_run() with an error. The guest announces that end beforehand, since
 * afterwards it cannot say anything. The checks it has made are handed over for
 * the same reason. `exits_before` is taken now, so that the EPT exits on the
 * way can be counted.
 */
s64 calls_verdict_expect_stop(struct bed *bed, const u64 *args)
{
	const struct hypercall_expect *from =
		bed_memory(bed, args[0], sizeof(*from));
	struct hypercall_expect expect;

	if (!from) {
		return -EFAULT;
	}
	memcpy(&expect, from, sizeof(expect));
	if (expect.stop >= STOP_COUNT || bed->expect.set) {
		return -EINVAL;
	}
	set_place(bed, expect.rule, expect.file, expect.line);
	bed->verdict.checks = expect.checks;
	bed->expect = (struct bed_expect){
		.set = true,
		.stop = expect.stop,
		.gpa = gpa(expect.gpa),
		.ept_exits = expect.ept_exits,
		.exits_before = bed_ept_exits(bed),
	};
	return 0;
}

s64 calls_verdict_print(struct bed *bed, const u64 *args)
{
	char text[HYPERCALL_TEXT_SIZE];

	bed_text(bed, args[0], text);
	printf("%s: %s\n", bed->plan.test->name, text);
	return 0;
}

/**
 * The verdict that an announced end comes as. A VM that goes on to
 * HYPERCALL_END has another verdict than any of these, so calls_judge_stop()
 * makes a failed check of it.
 */
static enum verdict_stop announced(const struct bed *bed)
{
	static const enum verdict_stop stops[STOP_COUNT] = {
		[STOP_RUN_ERROR] = VERDICT_ERROR,
		[STOP_EMULATION] = VERDICT_EMULATION,
		[STOP_DELIVERY] = VERDICT_DELIVERY,
		[STOP_TRIPLE_FAULT] = VERDICT_TRIPLE_FAULT,
	};

	return stops[bed->expect.stop];
}

/** Did it happen at the right address? Exits without one do not say. */
static bool right_place(const struct bed *bed)
{
	u64 wanted = bed->expect.gpa.v, seen = bed->vcpu->run.internal.gpa.v;

	return wanted == ~0ull || seen == wanted;
}

/**
 * Rule and place were noted when the end was announced, so the report is that
 * of an ordinary failed check.
 */
static void fail_stop(struct bed *bed, const char *expected)
{
	struct verdict *verdict = &bed->verdict;

	snprintf(verdict->expected, VERDICT_TEXT, "%s", expected);
	verdict->stop = VERDICT_CHECK;
}

/**
 * Three questions in this order, since each makes sense only when the one
 * before it is answered with yes: was it this kind of end, was it about this
 * address, and did it come after so many exits? A check that has failed before
 * stays the verdict.
 */
void calls_judge_stop(struct bed *bed)
{
	struct verdict *verdict = &bed->verdict;
	u64 took = bed_ept_exits(bed) - bed->expect.exits_before;
	char exits[48];

	if (!bed->expect.set || verdict->stop == VERDICT_CHECK) {
		return;
	}
	snprintf(exits, sizeof(exits), "an end after %llu EPT exits",
		 (unsigned long long)bed->expect.ept_exits);
	if (verdict->stop != announced(bed)) {
		struct verdict wanted = { .stop = announced(bed) };

		snprintf(verdict->seen, VERDICT_TEXT, "%s: %s",
			 verdict_stop_name(verdict), verdict->message);
		fail_stop(bed, verdict_stop_name(&wanted));
	} else if (!right_place(bed)) {
		snprintf(verdict->seen, VERDICT_TEXT, "gpa 0x%llx",
			 (unsigned long long)bed->vcpu->run.internal.gpa.v);
		fail_stop(bed, "another address");
	} else if (bed->expect.ept_exits != ~0ull &&
		   bed->expect.ept_exits != took) {
		snprintf(verdict->seen, VERDICT_TEXT,
			 "an end after %llu EPT exits",
			 (unsigned long long)took);
		fail_stop(bed, exits);
	} else {
		verdict->stop = VERDICT_PASSED;
	}
}
