/** @file
 * A guest for the emulator's host tests, small enough to see through.
 *
 * Guest memory is an array; the guest's page tables are a list; devices and
 * the VMM are counters.  What the emulator asked for is on record, so that a
 * test can say not only what came out but also how often the way was gone.
 */
#ifndef EMULATOR_TEST_HARNESS_H
#define EMULATOR_TEST_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "emulator/context.h"
#include "emulator/emulator.h"

#define RAM_PAGES    8
#define MAPPINGS_MAX 16
#define TRACES_MAX   64

/** Where the code stands unless a test says otherwise; RAM page 0. */
#define CODE_AT 0x400000ull

/** A page of the guest's, as its page tables have it. */
struct mapping {
	u64 gva;
	u64 gpa;
	bool readonly;
};

/** An in-core device: eight-byte cells, one answer a piece. */
struct core_device {
	u64 base, length;
	unsigned int reads, writes;
	struct mmio_piece last;
	u64 value; /* what a read gets */
};

struct world {
	struct emulator e;
	u64 gpr[16];
	struct mapping mappings[MAPPINGS_MAX];
	unsigned int mapping_count;
	/* guest physical 0 to RAM_PAGES * 4 KiB */
	u8 ram[RAM_PAGES][PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));
	bool ram_readonly[RAM_PAGES];
	struct core_device core;
	struct mmio_trace traces[TRACES_MAX];
	unsigned int trace_count;
	unsigned int walks; /* calls of translate(), fetches aside */
	unsigned int fetches;
	unsigned int rams; /* calls of ram(), fetches among them */
	struct segment_register segments[SEGMENT_TR + 1]; /* flat at first */
	struct table_base tables[2];
	u64 control[SYSTEM_EFER + 1]; /* CR0 to CR8, EFER */
	u64 debug[8];
	struct xmm_value xmm[16];
	u16 x87_control, x87_status;
	unsigned int cpl;
	struct port_piece core_port; /* the core has this port; size 0: none */
	unsigned int core_ports;     /* accesses to it */
	u64 msr_value;		     /* of the one MSR that there is */
	gva_t invalidated;	     /* INVLPG's address */
};

/** The only MSR of this world. */
#define HARNESS_MSR 0x174

/** The guest physical address where RAM page n begins. */
#define RAM(n) ((u64)(n)*PAGE_SIZE)

/** A guest physical address without memory. */
#define MMIO 0xd0000000ull

/** The world, new: code at CODE_AT on RAM page 0 and nothing else mapped. */
struct world *harness_new(void);

/** Map a page, or several in a row. */
void harness_map(struct world *w, u64 gva, u64 gpa, unsigned int pages);

/** The same, not writable. */
void harness_map_readonly(struct world *w, u64 gva, u64 gpa);

/** Two linear pages of harness_pages(). */
#define AT   0x10000000ull
#define NEXT (AT + PAGE_SIZE)

/** A new world with AT and NEXT mapped to these, and RBX pointing to AT. */
struct world *harness_pages(u64 first, u64 second);

/** Put code at CODE_AT and point RIP there. */
void harness_code(struct world *w, const void *bytes, unsigned int length);

/** harness_code() with the bytes as arguments. */
#define CODE(w, ...)                                 \
	harness_code(w, (const u8[]){ __VA_ARGS__ }, \
		     sizeof((const u8[]){ __VA_ARGS__ }))

/** The host's address of guest RAM. */
void *harness_ram(struct world *w, u64 gpa);

/** Decode the code at RIP; fails the test if the result is another. */
void harness_decode(struct world *w, enum emul_result expected);

/** Emulate pass 1; fails the test if the result is another. */
void harness_run(struct world *w, enum emul_result expected);

/** Answer the piece that is due with value; fails the test likewise. */
void harness_answer(struct world *w, u64 value, enum emul_result expected);

/** Check the piece that is due: address, length, direction. */
void harness_expect(struct world *w, u64 gpa, u32 len, bool is_write);

/** The data of the piece that is due, as a number. */
u64 harness_data(struct world *w);

/** Trace events, shortened. */
#define READ(g, n, v) ((struct mmio_trace){ MMIO_READ, n, { g }, v })
#define UNSATISFIED(g, n) \
	((struct mmio_trace){ MMIO_READ_UNSATISFIED, n, { g }, 0 })
#define WRITE(g, n, v) ((struct mmio_trace){ MMIO_WRITE, n, { g }, v })

/** Check trace event n. */
void harness_trace(struct world *w, unsigned int n, struct mmio_trace expected);

/** Emulate until RIP leaves the instruction, which must need no VMM. */
void harness_finish(struct world *w);

#endif
