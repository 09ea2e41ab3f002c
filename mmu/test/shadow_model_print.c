/** @file
 * A model of a TLB: operations in words (shadow_model.h).
 *
 * Who reads this has a mistake to find, and a few lines that show it.  So each
 * operation is told as what it does, with its arguments as they are meant.
 */
#include "mmu/test/shadow_model.h"

#include "mmu/test/shadow_model_state.h"

#include <stdio.h>

static unsigned long long page(u64 n)
{
	return model_addresses[n % ADDRESSES];
}

/** Where an entry leads and what it allows. */
static void print_entry(u64 entry)
{
	printf("-> 0x%llx%s%s%s%s%s%s\n",
	       (unsigned long long)(entry & BITS(51, 12)),
	       entry & RW ? " writable" : "", entry & US ? " user" : "",
	       entry & NX ? " no-execute" : "", entry & G ? " global" : "",
	       entry & D ? " dirty" : "", entry & PS ? " (2 MiB)" : "");
}

static void print_access(const struct model_op *op, const char *verb)
{
	u32 access = model_access(op);

	printf("%s 0x%llx: %s by %s\n", verb, page(op->a),
	       access & GUEST_WALK_FETCH ? "fetch" :
	       access & GUEST_WALK_WRITE ? "store" :
					   "load",
	       access & GUEST_WALK_USER ? "a program" : "the kernel");
}

static void print_table(const struct model_op *op)
{
	static const char *const rights[] = { "writable", "user", "no-execute",
					      "global" };
	unsigned int space = op->a % SPACES;

	if (op->kind == MODEL_SET_PAGE) {
		printf("space %u: 0x%llx ", space, page(op->b));
		print_entry(model_new_page(op->c));
	} else if (op->kind == MODEL_SET_LARGE) {
		printf("space %u: 0x200000 ", space);
		print_entry(model_new_large(op));
	} else if (op->kind == MODEL_SET_RIGHT) {
		printf("space %u: 0x%llx, the other way round: %s\n", space,
		       page(op->b), rights[op->c % ARRAY_SIZE(rights)]);
	} else {
		printf("space %u: 0x%llx is neither accessed nor dirty\n",
		       space, page(op->b));
	}
}

static void print_flush(const struct model_op *op)
{
	static const char *const types[] = { "page", "PCID", "all",
					     "all but global" };

	if (op->kind == MODEL_CR3) {
		printf("MOV to CR3: space %u, PCID %u%s\n", op->a % SPACES,
		       op->b % PCIDS, op->c % 2 ? ", bit 63: no flush" : "");
	} else if (op->kind == MODEL_INVLPG) {
		printf("INVLPG 0x%llx\n", page(op->a));
	} else {
		printf("INVPCID %s: PCID %u, 0x%llx\n", types[op->a % 4],
		       op->b % PCIDS, page(op->c));
	}
}

static void print_mode(u8 how)
{
	printf("CR0.PG %d, CR0.WP %d, SMEP %d, SMAP %d\n", how % 8 != 0,
	       !(how & 8), !!(how & 16), !!(how & 32));
}

static void print_slot(const struct model_op *op)
{
	static const char *const changes[] = {
		[MODEL_SLOT] = "add, delete or move it",
		[MODEL_SLOT_BEGIN] = "begin to add, delete or move it",
		[MODEL_SLOT_STEP] = "the next step of the change under way",
	};

	if (op->kind == MODEL_LOG) {
		printf("%s\n", op->a % 2 ? "logging of dirty pages on or off" :
					   "the log of dirty pages is read");
	} else if (op->kind == MODEL_GENERATION) {
		printf("slots elsewhere change %u times\n", op->a + 1);
	} else {
		printf("slot %u: %s\n", op->a % SLOTS, changes[op->kind]);
	}
}

void model_print(const struct model_op *op)
{
	switch ((enum model_kind)op->kind) {
	case MODEL_ACCESS:
		print_access(op, "access");
		break;
	case MODEL_EMULATE:
		print_access(op, "emulated access");
		break;
	case MODEL_SET_PAGE:
	case MODEL_SET_LARGE:
	case MODEL_SET_RIGHT:
	case MODEL_CLEAN:
		print_table(op);
		break;
	case MODEL_CR3:
	case MODEL_INVLPG:
	case MODEL_INVPCID:
		print_flush(op);
		break;
	case MODEL_OPTIONS:
		print_mode(op->a);
		break;
	case MODEL_SLOT:
	case MODEL_SLOT_BEGIN:
	case MODEL_SLOT_STEP:
	case MODEL_LOG:
	case MODEL_GENERATION:
	case MODEL_KINDS:
		print_slot(op);
		break;
	}
}
