/** @file
 * Exceptions in a guest: some are expected, all others fail the test.
 *
 * trap_catch() calls a function and tells which exception ended it, if one
 * did.  trap_user() calls a function at CPL 3 on a stack of its own; the only
 * way back from there is an exception, which it also returns.
 *
 *	struct trap trap;
 *
 *	trap_catch(touch_nothing, &trap);
 *	CHECK_EQ(trap.vector, TRAP_PF, "...");
 */
#ifndef GUEST_TESTS_LIB_TRAP_H
#define GUEST_TESTS_LIB_TRAP_H

#include "bus/types.h"

/* Exception vectors - SDM 3A 6.3.1 */
#define TRAP_DE 0
#define TRAP_DB 1
#define TRAP_UD 6
#define TRAP_DF 8
#define TRAP_GP 13
#define TRAP_PF 14
/** No exception: the function returned. */
#define TRAP_NONE 255

/** What happened. */
struct trap {
	u64 vector; /* TRAP_*; vectors 0 to 31 */
	u64 error;  /* the error code, 0 without one */
	u64 rip;
	u64 cs;
	u64 cr2;
	u64 rcx; /* how far a string instruction got */
	u64 rsi;
	u64 rdi;
};

/** Load GDT, TSS and IDT; called once by boot_main(). */
void trap_init(void);

/** Call fn() and catch the exception that ends it. @param out what happened */
void trap_catch(void (*fn)(void), struct trap *out);

/** The same at CPL 3; fn must not return but end in an exception. */
void trap_user(void (*fn)(void), struct trap *out);

/** Where single-step traps came, in their order. */
struct trap_steps {
	u64 count; /* all of them; the first 16 are in rip[] */
	u64 rip[16];
};

/**
 * Call fn() and let it go on after each single-step trap (#DB); it sets TF
 * and clears it itself.  @param out where the traps were
 */
void trap_step(void (*fn)(void), struct trap_steps *out);

/** The selector of its code segment. */
#define TRAP_CODE32 0x38

/**
 * Call 32-bit code: compatibility mode, flat segments, 32-bit stack, CPL 0.
 * @param code  below 4 GiB, written with .code32; ends with LRET and leaves
 *              EBX, EBP and ESP as they were
 */
void trap_call32(const void *code);

/** Let the processor look for its IDT there (a page with no memory, say). */
void trap_load_idt(u64 base);

#endif
