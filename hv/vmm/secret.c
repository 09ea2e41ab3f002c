/** @file
 * Hiding the secret, and looking for it.
 *
 * Both halves of it are equal, so that a load of four bytes betrays it too.
 */
#include "hv/vmm/secret.h"

#include "hv/lib/options.h"
#include "hv/lib/page.h"
#include "hv/vmm/calls_groups.h"

/** Where the guest has its program, tables and stacks. */
#define SEARCHED (4ull << 20)
#define WORDS (PAGE_SIZE / sizeof(u64))

static u64 secret;
static u64 hidden[WORDS] __aligned(4096);

/** FNV-1a over the nonce (Fowler, Noll, Vo). */
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
