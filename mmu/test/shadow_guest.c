/** @file
 * A guest with several address spaces, for the host tests of shadow paging
 * (shadow_guest.h).
 */
#include "mmu/test/shadow_guest.h"

u64 *guest_pte(struct fixture *f, u64 space)
{
	return bed_table(&f->bed, PT(space), VA / PAGE_SIZE);
}

u64 *guest_pde(struct fixture *f, u64 space)
{
	return bed_table(&f->bed, PD(space), LARGE_VA >> 21);
}

struct fixture *guest_setup(void)
{
	static struct fixture fixture;
	struct fixture *f = &fixture;
	struct memslot ram = { .pages = BED_PAGES };

	memset(f, 0, sizeof(*f));
	bed_create(&f->bed);
	bed_add(&f->bed, &ram, 0);
	f->paging = (struct guest_paging){
		.mode = GUEST_WALK_4_LEVEL,
		.flags = GUEST_WALK_WP | GUEST_WALK_NX | GUEST_WALK_1G,
		.root = gpa(frame(PML4(0))),
		.phys_bits = 40,
	};
	for (u64 n = 0; n < SPACES; n++) {
		*bed_table(&f->bed, PML4(n), 0) = frame(PDPT(n)) | ALL;
		*bed_table(&f->bed, PDPT(n), 0) = frame(PD(n)) | ALL;
		*bed_table(&f->bed, PD(n), 0) = frame(PT(n)) | ALL;
		*guest_pte(f, n) = frame(40 + n) | ALL;
	}
	shadow_new_mode(&f->bed.shadow, &f->paging, 0);
	return f;
}

void guest_teardown(struct fixture *f)
{
	bed_destroy(&f->bed);
}

struct shadow_counters *guest_count(struct fixture *f)
{
	return &f->bed.shadow.counters;
}

bool guest_load_cr3(struct fixture *f, u64 space, u16 pcid, bool no_flush)
{
	f->paging.root = gpa(frame(PML4(space)));
	return shadow_new_pgd(&f->bed.shadow, &f->paging, pcid, no_flush);
}

struct bed_outcome guest_touch(struct fixture *f, u64 addr, u32 access)
{
	return bed_access(&f->bed, gva(addr), access);
}

void guest_expect_at(struct fixture *f, u64 addr, u32 access, u64 to)
{
	struct bed_outcome out = guest_touch(f, addr, access);

	assert_int_equal(out.end, BED_MEMORY);
	assert_true(out.gpa.v == to);
}

void guest_expect_exits(struct fixture *f, u64 addr, u32 access, int exits)
{
	struct bed_outcome out = guest_touch(f, addr, access);

	assert_int_equal(out.end, BED_MEMORY);
	assert_int_equal(out.exits, exits);
}

void guest_options(struct fixture *f, u32 flags)
{
	f->paging.flags = flags;
	shadow_new_mode(&f->bed.shadow, &f->paging, 0);
}
