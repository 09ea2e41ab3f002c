/** @file
 * What the tests of lab 4 share: two pages side by side, and what left.
 *
 * Every access here is judged by what the VMM has seen of it: which exits, in
 * which order, with which address, length and bytes.  And since a page of
 * guest-virtual memory may lie anywhere, two neighbours here never do.
 */
#ifndef GUEST_TESTS_LAB4_LAB4_H
#define GUEST_TESTS_LAB4_LAB4_H

#include "guest-tests/lib/test.h"

/** Bytes that tell where they were. */
#define VALUE 0x8877665544332211ull

/** Guest-physical pages of nobody: stores go nowhere, loads give ones. */
#define NOBODY_NEAR (DEVICE_NOBODY_GPA + 2 * PAGE_SIZE)
#define NOBODY_FAR (DEVICE_NOBODY_GPA + 9 * PAGE_SIZE)

/** Two pages of the test's own RAM. */
extern u8 lab4_ram[2][PAGE_SIZE];

/**
 * Map two guest-physical pages side by side.
 * @return where the second one begins; accesses below it are split
 */
u64 lab4_window(u64 first, u64 second);

/** The same with nothing in place of the second page. */
u64 lab4_window_half(u64 first);

/** The guest-physical address of one of the pages of RAM. */
static inline u64 lab4_ram_gpa(unsigned int n)
{
	return (u64)lab4_ram[n];
}

/** Forget exits and events until now. */
void lab4_begin(void);

/** The n-th exit to the VMM since lab4_begin(), from 0, was this one. */
void lab4_exit(const struct check_place *place, unsigned int n,
	       struct hypercall_io expected);

/** There have been so many exits to the VMM since lab4_begin(). */
void lab4_exits(const struct check_place *place, u64 expected);

/** A load that left: an address, a length and the answer. */
#define LOAD(gpa, bytes, value)                                          \
	((struct hypercall_io){ .address = (gpa), .length = (bytes),     \
				.data = (value) })

/** A store that left. */
#define STORE(gpa, bytes, value)                                         \
	((struct hypercall_io){ .address = (gpa), .length = (bytes),     \
				.data = (value), .is_write = true })

#define CHECK_LEFT(n, expected, rule) \
	lab4_exit(CHECK_PLACE(rule, FORMAT_TEXT), (n), (expected))
#define CHECK_LEAVES(expected, rule) \
	lab4_exits(CHECK_PLACE(rule, FORMAT_EXITS), (expected))

/** The kvm_mmio events since lab4_begin(), oldest first, are exactly these. */
void lab4_events(const struct check_place *place, unsigned int count,
		 const struct hypercall_trace *expected);

/** One of them; kind as in enum hypercall_event's comment. */
#define EVENT(the_kind, bytes, gpa, value) \
	{ EVENT_KVM_MMIO, (the_kind), (bytes), (gpa), (value), 0 }
#define UNSATISFIED(bytes, gpa) EVENT(0, bytes, gpa, 0)
#define READ(bytes, gpa, value) EVENT(1, bytes, gpa, value)
#define WRITE(bytes, gpa, value) EVENT(2, bytes, gpa, value)

#define CHECK_EVENTS(rule, ...)                                           \
	lab4_events(CHECK_PLACE(rule, FORMAT_TEXT),                       \
		    sizeof((struct hypercall_trace[]){ __VA_ARGS__ }) /   \
			    sizeof(struct hypercall_trace),               \
		    (const struct hypercall_trace[]){ __VA_ARGS__ })
#define CHECK_NO_EVENT(rule) \
	lab4_events(CHECK_PLACE(rule, FORMAT_TEXT), 0, NULL)

/** How often the hypervisor has injected that vector since lab4_begin() or the
 * last look at events. */
u64 lab4_injections(u64 vector);

/** What the VMM shall do besides at the n-th exit from now on, from 1. */
void lab4_hook(enum hypercall_io_action action, u32 nth);

/** What came of it; checks that no move was refused. */
struct hypercall_middle lab4_middle(void);

/** The low bytes of a value, from its byte `first` on. */
static inline u64 lab4_part(u64 value, unsigned int first, unsigned int bytes)
{
	return value >> (8 * first) & (~0ull >> (64 - 8 * bytes));
}

/** What the pattern devices give for so many bytes, at most 8, from gpa on. */
u64 lab4_pattern(u64 gpa, unsigned int bytes);

#endif
