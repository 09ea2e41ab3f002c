/** @file
 * The staleness shim: the history of pointers, and what each CPU may see.
 *
 * Publications have a time, which is their number.  The history keeps what a
 * place held *until* a publication; a CPU whose floor is below that time may
 * still see it.  The oldest such value is given.
 *
 * "Before the read section" needs no clock of the readers: a publication notes
 * the counter of every vCPU's reader.  A section whose counter is greater has
 * begun after it.
 *
 * A grace period that has ended binds all CPUs: no section is left that may
 * have missed what was published before.  So does a free, which comes after
 * one; from then on nothing older than its memory is given to anybody.  Frees
 * are put off until somebody waits for a grace period or too many do, as the
 * model allows: else one that is over at once, because nobody reads, would do
 * the barrier's work.
 */
#include "hv/stale/stale.h"

#include "bus/access.h"
#include "bus/errno.h"
#include "hv/lib/panic.h"
#include "hv/lib/spinlock.h"
#include "hv/stale/stale_switch.h"
#include "hv/vcpu/vcpu.h"
#include "hv/vcpu/vm.h"
#include "hv/x86/cpu.h"

/** Publications that are remembered; older ones everybody has seen. */
#define KEPT 64
/** Frees that are put off. */
#define PUT_OFF 8

/** Until `time`, `place` held `old`. */
struct publication {
	const volatile void *place;
	u64 old;
	u64 time; /* from 1 */
	u32 cpu;  /* who has published */
	u32 reader[VM_VCPUS]; /* the counters of all vCPUs' readers by then */
};

struct late_call {
	struct srcu *srcu;
	struct srcu_head *head;
	void (*call)(struct srcu_head *head);
};

/*
 * The history is a ring of KEPT; publication number t is at t % KEPT.  What a
 * CPU may not see any more is said by three times, of which the latest counts:
 *
 *	floors[cpu]     its own barriers and acquires
 *	told_to_all     grace periods and frees
 *	now - KEPT      the end of the ring
 */
static struct spinlock lock;

/* Under the lock. */
static struct vm *watched; /* NULL: the shim is off */
static struct publication history[KEPT];
static u64 now;		   /* the time of the last publication */
static u64 floors[CPU_MAX]; /* up to this time the CPU has been told all */
static u64 told_to_all;	   /* by grace periods */

/* Under the lock of the VM's buses. */
static struct late_call late[PUT_OFF];
static unsigned int late_calls;

/* What a CPU may see ------------------------------------------------------- */

/** The vCPU on this CPU, if it is in a read section of the watched VM. */
static const struct vcpu *reading(void)
{
	const struct vcpu *vcpu = this_cpu()->vcpu;

	return vcpu && vcpu->vm == watched && (vcpu->reader.count & 1) ? vcpu
								      : NULL;
}

/** Whether a place is where the watched VM's buses keep their pointers. */
static bool is_watched(const volatile void *place, size_t size)
{
	u64 offset = (u64)place - (u64)watched;

	return watched && size == sizeof(u64) && offset < sizeof(struct vm);
}

/** The n-th youngest publication, from 0; its time is 0 if there is none. */
static const struct publication *youngest(unsigned int n)
{
	return &history[(now - n) % KEPT];
}

/**
 * What this CPU is given in place of the newest value.  Its own stores it sees
 * in any case, and nothing older.
 * @return NULL: the newest value
 */
static const struct publication *find(const volatile void *place)
{
	u32 cpu = this_cpu()->id;
	const struct publication *found = NULL;

	for (unsigned int n = 0; n < KEPT && n < now; n++) {
		const struct publication *p = youngest(n);

		if (p->time <= floors[cpu] || p->time <= told_to_all) {
			break;
		}
		if (p->place == place && p->cpu == cpu) {
			break;
		}
		if (p->place == place) {
			found = p;
		}
	}
	return found;
}

/** When the place was last published before a time. */
static u64 time_before(const volatile void *place, u64 time)
{
	for (unsigned int n = 0; n < KEPT && n < now; n++) {
		const struct publication *p = youngest(n);

		if (p->place == place && p->time < time) {
			return p->time;
		}
	}
	return 0;
}

/** A floor never falls: what a CPU has been told it does not forget. */
static void raise(u64 time)
{
	u64 *mine = &floors[this_cpu()->id];

	if (time > *mine) {
		*mine = time;
	}
}

/**
 * The newest publication before the read section that this CPU is in.
 *
 * The counters go round at 2^32, so their difference is looked at and not which
 * is greater.  A counter that equals the section's was noted inside of it: such
 * a publication is not before it.
 */
static u64 time_of_section(void)
{
	const struct vcpu *vcpu = reading();

	for (unsigned int n = 0; vcpu && n < KEPT && n < now; n++) {
		const struct publication *p = youngest(n);

		if ((s32)(p->reader[vcpu->number] - vcpu->reader.count) < 0) {
			return p->time;
		}
	}
	return 0;
}

/* Loads, stores, barriers -------------------------------------------------- */

void stale_load(const volatile void *place, void *value, size_t size,
		enum stale_order order)
{
	const struct publication *p = NULL;

	spinlock_lock(&lock);
	memcpy(value, (const void *)place, size);
	if (is_watched(place, size) && reading()) {
		p = find(place);
	}
	if (p) {
		memcpy(value, &p->old, size);
	}
	if (order == STALE_ACQUIRE) {
		/* It is told what its publisher knew, and no more. */
		raise(is_watched(place, size)
			      ? time_before(place, p ? p->time : now + 1)
			      : now);
	}
	spinlock_unlock(&lock);
}

/** Called before the store: `old` is what the place still holds. */
static void remember(const volatile void *place)
{
	struct publication *p = &history[++now % KEPT];

	p->place = place;
	p->old = *(const volatile u64 *)place;
	p->time = now;
	p->cpu = this_cpu()->id;
	for (unsigned int i = 0; i < VM_VCPUS; i++) {
		const struct vcpu *vcpu = watched->vcpu[i];

		p->reader[i] = vcpu ? READ_ONCE(vcpu->reader.count) : 0;
	}
}

void stale_store(volatile void *place, const void *value, size_t size)
{
	spinlock_lock(&lock);
	smp_mb();
	if (is_watched(place, size)) {
		remember(place);
	}
	memcpy((void *)place, value, size);
	spinlock_unlock(&lock);
	smp_mb();
}

/*
 * A read barrier tells all that was published up to now.  The barrier of the
 * lock is worth what the lock was worth, wherever it stands: it tells what was
 * published before the section began, and nothing later.
 */
void stale_fence(enum stale_order order)
{
	smp_mb();
	spinlock_lock(&lock);
	if (order == STALE_READ) {
		raise(now);
	} else if (order == STALE_LOCK) {
		raise(time_of_section());
	}
	spinlock_unlock(&lock);
}

/* Grace periods ------------------------------------------------------------ */

/** Everybody has been told what was published up to a time. */
static void tell_all(u64 time)
{
	spinlock_lock(&lock);
	if (time > told_to_all) {
		told_to_all = time;
	}
	spinlock_unlock(&lock);
}

/* A pointer into the memory is the old value of the publication that took it
 * away; subtraction finds those inside, as one below would wrap. */
void stale_forget(const void *memory, size_t size)
{
	u64 time = 0;

	if (!watched) {
		return;
	}
	for (unsigned int n = 0; n < KEPT && n < now; n++) {
		const struct publication *p = youngest(n);

		if (p->old - (u64)memory < size && p->time > time) {
			time = p->time;
		}
	}
	tell_all(time);
}

/** The oldest n of those that were put off are put off no longer. */
static void call_late(unsigned int n)
{
	struct late_call ready[PUT_OFF];

	memcpy(ready, late, n * sizeof(late[0]));
	late_calls -= n;
	memmove(late, late + n, late_calls * sizeof(late[0]));
	for (unsigned int i = 0; i < n; i++) {
		call_srcu(ready[i].srcu, ready[i].head, ready[i].call);
	}
}

void stale_call_srcu(struct srcu *srcu, struct srcu_head *head,
		     void (*call)(struct srcu_head *head))
{
	if (!watched || srcu != &watched->srcu) {
		call_srcu(srcu, head, call);
		return;
	}
	if (late_calls == PUT_OFF) {
		call_late(1);
	}
	late[late_calls++] = (struct late_call){ srcu, head, call };
}

/* The time is taken before the wait: a grace period promises nothing about what
 * is published while it lasts. */
void stale_synchronize_srcu(struct srcu *srcu)
{
	u64 begun = now;

	synchronize_srcu(srcu);
	if (watched && srcu == &watched->srcu) {
		tell_all(begun);
		call_late(late_calls);
	}
}

void stale_srcu_barrier(struct srcu *srcu)
{
	if (watched && srcu == &watched->srcu) {
		call_late(late_calls);
	}
	srcu_barrier(srcu);
}

/* On and off --------------------------------------------------------------- */

/* Of the history before nothing is left: for a CPU that is idle now all of it
 * is known. */
int stale_begin(struct vm *vm)
{
	if (watched == vm) {
		return 0;
	}
	if (watched || !stale_switch(true)) {
		return -EBUSY;
	}
	memset(history, 0, sizeof(history));
	memset(floors, 0, sizeof(floors));
	told_to_all = 0;
	now = 0;
	late_calls = 0;
	watched = vm;
	return 0;
}

void stale_end(void)
{
	if (!watched) {
		return;
	}
	/* What was put off goes with the VM: it is a lab's, and may be bad. */
	watched = NULL;
	if (!stale_switch(false)) {
		panic("a CPU runs while the staleness shim is switched off");
	}
}
