/** @file
 * Walking the chain of frame pointers.
 *
 * Compiled with -fno-omit-frame-pointer, each function begins by pushing RBP
 * and pointing it at that word:
 *
 *	rbp -> | the caller's rbp |  | return address |
 *
 * RBP may be rubbish when the crash was bad enough, so a frame is only read
 * when it lies whole on one of our stacks and above the frame before it.
 *
 * A function which calls nobody may do without a frame, and any function can
 * be interrupted before it has made one.  Its return address then still lies
 * where RSP points.  So does, sometimes, any other number; it is taken for a
 * return address when a call of this very function stands before it.
 */
#include "hv/lib/backtrace.h"

#include "hv/boot/image.h"
#include "hv/lib/printf.h"
#include "hv/lib/symbol.h"
#include "hv/x86/stack.h"
#include "hv/x86/trap.h"

/** What RBP points at. */
struct frame {
	unsigned long caller_rbp;
	unsigned long return_address;
};

/** Alignment keeps both words on one side of the end of a stack. */
static bool is_readable(unsigned long rbp)
{
	struct stack_place place;

	return rbp % 8 == 0 && stack_find(rbp, &place) && !place.is_guard &&
	       place.high - rbp >= sizeof(struct frame);
}

/**
 * Follow the chain.  Stacks grow down, so a caller's frame lies above: a chain
 * that does not rise is rubbish, or goes in a circle, and ends here.  So does
 * the chain of a whole stack: its first function was entered with RBP 0.
 */
static void walk(unsigned long rbp, struct backtrace *trace)
{
	while (trace->count < BACKTRACE_MAX && is_readable(rbp)) {
		const struct frame *frame = (const struct frame *)rbp;

		if (!frame->return_address) {
			return;
		}
		trace->address[trace->count++] = frame->return_address;
		if (frame->caller_rbp <= rbp) {
			return;
		}
		rbp = frame->caller_rbp;
	}
}

void backtrace_here(struct backtrace *trace)
{
	trace->count = 0;
	trace->first_is_return = true;
	walk((unsigned long)__builtin_frame_address(0), trace);
}

void backtrace_from(unsigned long rip, unsigned long rbp,
		    struct backtrace *trace)
{
	trace->count = 1;
	trace->first_is_return = false;
	trace->address[0] = rip;
	walk(rbp, trace);
}

static bool in_text(unsigned long address)
{
	return address >= (unsigned long)image_text_start &&
	       address < (unsigned long)image_text_end;
}

/**
 * @return whether the instruction before `address` calls the function that
 * starts at `function`, or calls through a register (which may be it)
 */
static bool follows_call(unsigned long address, unsigned long function)
{
	const u8 *code = (const u8 *)address;
	s32 distance;

	if (!in_text(address) || !in_text(address - 5)) {
		return false;
	}
	if (code[-2] == 0xff && (code[-1] & 0xf8) == 0xd0) {
		return true; /* CALL r64: FF /2 */
	}
	memcpy(&distance, code - 4, sizeof(distance));
	return code[-5] == 0xe8 && address + distance == function;
}

/** The return address of an interrupted function without a frame, or 0. */
static unsigned long frameless_return(const struct trap_frame *frame)
{
	struct symbol symbol;
	unsigned long word;

	if (!is_readable(frame->rsp)) {
		return 0;
	}
	word = *(const unsigned long *)frame->rsp;
	if (!in_text(frame->rip)) {
		return in_text(word) ? word : 0; /* a call of rubbish */
	}
	/* Whoever is interrupted later in its life has pushed other things,
	 * hence the look at the call. */
	symbol_lookup(frame->rip, &symbol);
	return follows_call(word, frame->rip - symbol.offset) ? word : 0;
}

void backtrace_from_frame(const struct trap_frame *frame,
			  struct backtrace *trace)
{
	unsigned long caller = frameless_return(frame);

	trace->count = 1;
	trace->first_is_return = false;
	trace->address[0] = frame->rip;
	/* With RSP just above RBP it is the word that walk() begins with. */
	if (caller && frame->rbp + 8 != frame->rsp) {
		trace->address[trace->count++] = caller;
	}
	walk(frame->rbp, trace);
}

void backtrace_format(const struct backtrace *trace, unsigned int i,
		      char *buffer, size_t size)
{
	bool is_return = i > 0 || trace->first_is_return;

	symbol_format(trace->address[i], is_return, buffer, size);
}

void backtrace_print(const struct backtrace *trace)
{
	char text[160];

	for (unsigned int i = 0; i < trace->count; i++) {
		backtrace_format(trace, i, text, sizeof(text));
		printf("  #%-2u %s\n", i, text);
	}
}
