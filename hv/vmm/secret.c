/** @file
 * Hiding the secret, and looking for it.
 *
 * Both halves of it are equal, so that a load of four bytes betrays it too.
 *
 * The secret stands for whatever a hypervisor holds and a guest must never see:
 * another VM's pages, keys, its own stack. It is put where a leak would most
 * likely take it from:
 *
 *	free pages         a page that is given out without being zeroed
 *	`hidden`           the image's data, reached by a wrong address
 *	a page of the VM   in its owner's name, but in no slot
 *
 * The guest looks for it by its complement (SECRET_COMPLEMENT): it has to know
 * what it searches, but handing over the secret itself would put it into the
 * very memory and registers that are searched in the end.
 */
#include "hv/vmm/secret.h"

#include "hv/lib/options.h"
#include "hv/lib/page.h"
#include "hv/vmm/calls_groups.h"

/** Where the guest has its program, tables and stacks. */
#define SEARCHED (4ull << 20)
#define WORDS (PAGE_SIZE / sizeof(u64))

/**
 * Made once per run and the same in all its tests, as page_fill_free() goes
 * over all of memory.
 */
static u64 secret;
static u64 hidden[WORDS] __aligned(4096);

/**
 * FNV-1a over the nonce (Fowler, Noll, Vo). The nonce differs from run to run
 * and no guest is told it, so a guest program cannot be built with the answer
 * inside. The product puts the 32 bits into both halves.
 */
static u64 make_secret(void)
{
	u32 hash = 0x811c9dc5;

	for (const char *c = options.nonce; *c; c++) {
		hash = (hash ^ (u8)*c) * 0x01000193;
	}
	return hash * 0x100000001ull;
}

static void fill(u64 *page)
{
	for (unsigned int i = 0; i < WORDS; i++) {
		page[i] = secret;
	}
}

/**
 * The page below is allocated and never used: it is there to be found by a
 * guest that gets hold of a page beside its own. It goes with the VM.
 */
int secret_hide(struct bed *bed)
{
	u64 *page;

	if (!secret) {
		secret = make_secret();
		page_fill_free(secret);
		fill(hidden);
	}
	page = page_alloc(bed->vm->owner);
	if (!page) {
		return -ENOMEM;
	}
	fill(page);
	return 0;
}

/**
 * SECRET_BETRAY commits the leak on purpose, by a slot's RAM: the test that
 * asks for it must then fail.
 */
s64 secret_call(struct bed *bed, const u64 *args)
{
	if (!(bed->plan.test->flags & TEST_HOSTILE)) {
		return -EINVAL;
	}
	if (args[0] == SECRET_BETRAY) {
		fill((u64 *)bed->backing);
		return 0;
	}
	if (args[0] == SECRET_HARM) {
		return neighbour_harm(&bed->neighbour, args[1]);
	}
	return args[0] == SECRET_COMPLEMENT ? (s64)~secret : -EINVAL;
}

/**
 * By aligned words only: a leak comes by whole pages, words or registers. To go
 * through all of RAM after each test would take long where the processor is
 * interpreted.
 */
static bool is_in_memory(const struct bed *bed)
{
	const u64 *word = (const u64 *)bed->ram;
	u64 count = SEARCHED / sizeof(*word);

	while (count && *word != secret) {
		word++;
		count--;
	}
	return count;
}

/** A value can be taken out and be used without ever being stored. */
static bool is_in_register(const struct bed *bed)
{
	struct vcpu_regs regs;
	bool found = false;

	vcpu_regs_get(bed->vcpu, &regs);
	for (unsigned int i = 0; i < ARRAY_SIZE(regs.gpr); i++) {
		found |= regs.gpr[i] == secret;
	}
	return found;
}

/**
 * After the end of the test, when its vCPUs stand still. A crash is left as the
 * verdict: it says more, and the vCPU's registers cannot be trusted then.
 * Otherwise this outweighs what the guest says, even a pass.
 */
void secret_judge(struct bed *bed)
{
	const char *where = NULL;

	if (!(bed->plan.test->flags & TEST_HOSTILE) || !bed->vcpu ||
	    bed->verdict.stop == VERDICT_CRASH) {
		return;
	}
	if (is_in_memory(bed)) {
		where = "memory";
	} else if (is_in_register(bed)) {
		where = "registers";
	}
	if (where) {
		bed->verdict.stop = VERDICT_NONE;
		verdict_stop(&bed->verdict, VERDICT_SECRET,
			     "the hypervisor's secret is in the guest's %s",
			     where);
	}
}
