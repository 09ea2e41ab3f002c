/** @file
 * Hypercalls about the middle of an access: what came of disturbing it, what
 * the trace says, and which stores wait in the ring.
 *
 * Between two pieces of an access the guest does not run and cannot look.  What
 * shall happen there is ordered in advance (middle.h); what came of it is
 * fetched afterwards, here, and forgotten, so that the next test begins with
 * nothing.
 *
 * Coalesced stores are those to a zone in which the VMM wants no exit for each:
 * they wait in a ring, and the VMM takes them out at its next exit (spec 4.4).
 * The ring is shared memory, so the core must survive any indices that a VMM
 * may have put there. COALESCED_SET plays such a VMM.
 */
#include "hv/vmm/calls_groups.h"

#include "bus/access.h"
#include "bus/coalesced.h"
#include "hv/lib/trace.h"
#include "hv/vcpu/vm_coalesced.h"
#include "hv/vmm/middle.h"

_Static_assert(COALESCED_RING == COALESCED_ENTRIES, "coalesced.h");

/**
 * Fetched and forgotten in one call: nothing of an earlier disturbance can
 * count for a later one.
 */
s64 calls_middle_read(struct bed *bed, const u64 *args)
{
	void *to = bed_memory(bed, args[0], sizeof(bed->middle));

	if (!to) {
		return -EFAULT;
	}
	memcpy(to, &bed->middle, sizeof(bed->middle));
	memset(&bed->middle, 0, sizeof(bed->middle));
	return 0;
}

/**
 * The events of a kind among those that have come since the last call.
 * `events_seen` and `next` are numbers that only grow; a record's place is the
 * number modulo the ring's size. What was overwritten meanwhile is skipped.
 * `count` goes on beyond `room`, so that the caller learns that there were
 * more.
 */
s64 calls_middle_events(struct bed *bed, const u64 *args)
{
	const struct trace_ring *ring = trace_of(bed->vcpu->cpu);
	u64 event = args[2] ? args[2] : TRACE_KVM_MMIO;
	u64 at = bed->events_seen, room = args[1], count = 0;
	struct hypercall_trace *to;

	if (room > TRACE_RECORDS) {
		return -EINVAL;
	}
	to = bed_memory(bed, args[0], room * sizeof(*to));
	if (!to) {
		return -EFAULT;
	}
	if (ring->next - at > TRACE_RECORDS) {
		at = ring->next - TRACE_RECORDS;
	}
	for (; at < ring->next; at++) {
		const struct trace_record *r =
			&ring->record[at % TRACE_RECORDS];

		if (trace_event_of(r) == event && count++ < room) {
			*to++ = (struct hypercall_trace){
				trace_event_of(r), trace_kind_of(r),
				trace_arg_of(r), r->a, r->b, r->c
			};
		}
	}
	bed->events_seen = at;
	return (s64)count;
}

/** An entry by its place in the ring, whether it is in use or not. */
static s64 peek(struct coalesced_ring *ring, struct hypercall_coalesced *call)
{
	/* Once: another vCPU may write to the guest's struct meanwhile. */
	u32 index = READ_ONCE(call->index);
	const struct coalesced_entry *entry;

	if (!ring || index >= COALESCED_ENTRIES) {
		return -ENOENT;
	}
	entry = &ring->entry[index];
	call->gpa = entry->address;
	call->length = entry->length;
	memcpy(&call->data, entry->data, sizeof(call->data));
	return 0;
}

/**
 * Whatever they are: out of range, or saying that the ring is full or empty
 * when it is not.
 */
static s64 set_indices(struct coalesced_ring *ring,
		       const struct hypercall_coalesced *call)
{
	if (!ring) {
		return -ENOENT;
	}
	ring->first = call->first;
	ring->last = call->last;
	return 0;
}

static s64 coalesced(struct bed *bed, struct hypercall_coalesced *call)
{
	struct coalesced_ring *ring = vm_coalesced_ring(bed->vm);

	switch ((enum hypercall_coalesced_action)call->action) {
	case COALESCED_ADD:
		return vm_coalesced_add(bed->vm, gpa(call->gpa), call->length);
	case COALESCED_REMOVE:
		return vm_coalesced_remove(bed->vm, gpa(call->gpa));
	case COALESCED_PEEK:
		return peek(ring, call);
	case COALESCED_SET:
		return set_indices(ring, call);
	case COALESCED_DRAIN:
		call->length = middle_drain_ring(bed);
		return 0;
	case COALESCED_ACTION_COUNT:
		break;
	}
	return -EINVAL;
}

/**
 * `coalesces` stays true only while the VM has a ring, so that all other tests
 * spare handle() in bed_run.c the look at it.
 */
s64 calls_middle_coalesced(struct bed *bed, const u64 *args)
{
	struct hypercall_coalesced *call =
		bed_memory(bed, args[0], sizeof(*call));
	const struct coalesced_ring *ring;
	s64 result;

	if (!call) {
		return -EFAULT;
	}
	result = coalesced(bed, call);
	ring = vm_coalesced_ring(bed->vm);
	call->first = ring ? ring->first : 0;
	call->last = ring ? ring->last : 0;
	bed->coalesces = ring;
	return result;
}
