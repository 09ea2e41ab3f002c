/** @file
 * Windows, logs and events.
 */
#include "guest-tests/lab4/lab4.h"

#include "guest-tests/lib/text.h"

#define WINDOW gva(PAGES_FREE_GVA)
#define EVENTS 32

u8 lab4_ram[2][PAGE_SIZE] __aligned(4096);

/** A checked log is still there for the next question. */
static struct hypercall_trace events[EVENTS];

u64 lab4_window_half(u64 first)
{
	pages_map(WINDOW, gpa(first), PAGES_WRITE);
	return PAGES_FREE_GVA + PAGE_SIZE;
}

u64 lab4_window(u64 first, u64 second)
{
	u64 middle = lab4_window_half(first);

	pages_map(gva(middle), gpa(second), PAGES_WRITE);
	return middle;
}

/** Those since the last call, of one kind. @return how many */
static u64 read_events(enum hypercall_event event)
{
	return (u64)vmcall3(HYPERCALL_MMIO_EVENTS, vmcall_address(events),
			    EVENTS, event);
}

void lab4_begin(void)
{
	read_events(EVENT_KVM_MMIO);
	vmcall0(HYPERCALL_IO_LOG_CLEAR);
}

static void add_exit(struct text *text, const struct hypercall_io *io)
{
	text_add(text, io->is_write ? "write " : "read ");
	text_add_decimal(text, io->length);
	text_add(text, " at ");
	text_add_hex(text, io->address);
	text_add(text, ": ");
	text_add_hex(text, io->data);
}

void lab4_exit(const struct check_place *place, unsigned int n,
	       struct hypercall_io expected)
{
	struct text seen = { .length = 0 }, wanted = { .length = 0 };
	struct hypercall_io io = { 0 };

	text_add(&seen, "no exit");
	if (!vmcall2(HYPERCALL_IO_LOG, vmcall_address(&io), n)) {
		seen.length = 0;
		add_exit(&seen, &io);
	}
	add_exit(&wanted, &expected);
	check_text(place, seen.buffer, wanted.buffer);
}

void lab4_exits(const struct check_place *place, u64 expected)
{
	struct hypercall_io io;
	u64 count = 0;

	while (!vmcall2(HYPERCALL_IO_LOG, vmcall_address(&io), count)) {
		count++;
	}
	check_equal(place, count, expected);
}

static void add_event(struct text *text, const struct hypercall_trace *event)
{
	static const char *const kind[] = { "unsatisfied ", "read ", "write " };

	text_add(text, event->kind < 3 ? kind[event->kind] : "? ");
	text_add_decimal(text, event->arg);
	text_add(text, " at ");
	text_add_hex(text, event->a);
	text_add(text, ": ");
	text_add_hex(text, event->b);
}

/** Event n as a text; "nothing" behind the last one. */
static void describe(struct text *text, unsigned int n, u64 count,
		     const struct hypercall_trace *all)
{
	if (n < count) {
		add_event(text, &all[n]);
	} else {
		text_add(text, "nothing");
	}
}

void lab4_events(const struct check_place *place, unsigned int count,
		 const struct hypercall_trace *expected)
{
	u64 seen = read_events(EVENT_KVM_MMIO);

	for (unsigned int n = 0; n < count || n < seen; n++) {
		struct text is = { .length = 0 }, shall = { .length = 0 };

		describe(&is, n, seen, events);
		describe(&shall, n, count, expected);
		check_text(place, is.buffer, shall.buffer);
	}
	if (!count && !seen) {
		check_text(place, "nothing", "nothing");
	}
}

u64 lab4_injections(u64 vector)
{
	u64 seen = read_events(EVENT_KVM_INJ), count = 0;

	for (u64 n = 0; n < seen && n < EVENTS; n++) {
		count += events[n].arg == vector;
	}
	return count;
}

void lab4_hook(enum hypercall_io_action action, u32 nth)
{
	struct hypercall_io_hook hook = { .action = action, .nth = nth };

	CHECK_DONE(vmcall1(HYPERCALL_IO_HOOK, vmcall_address(&hook)));
}

struct hypercall_middle lab4_middle(void)
{
	struct hypercall_middle out = { 0 };

	CHECK_DONE(vmcall1(HYPERCALL_MIDDLE, vmcall_address(&out)));
	CHECK_COUNT(out.error, 0,
		    "a vCPU can be saved and restored between any two calls "
		    "of vcpu_run() (spec 10.9)");
	return out;
}

u64 lab4_pattern(u64 gpa, unsigned int bytes)
{
	u64 value = 0;

	while (bytes--) {
		value = value << 8 | hypercall_pattern(gpa + bytes);
	}
	return value;
}
