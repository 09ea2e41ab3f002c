/** @file
 * From a hypercall's number to its function.
 *
 * A guest program asks the far side of its VM for what it cannot see itself:
 * how often it has exited, what a device has counted, what an EPT entry holds.
 * The numbers are in hypercall.h, which guests include; the functions are
 * grouped by what they are about (calls_*.c), and each gets the bed and the raw
 * arguments.
 *
 * The guest may be anything, also a wild one: a number without a function is
 * -EINVAL, and each function checks what it is given.  A result below 0 is
 * always an errno.
 *
 *	guest          rax = number, VMCALL        (at CPL 0 only)
 *	core           VCPU_EXIT_HYPERCALL, arguments in struct vcpu_run
 *	bed_run.c      handle(), under the bed's lock
 *	here           table[number - HYPERCALL_END](bed, args)
 *	core           the result goes to rax, RIP is behind VMCALL already
 */
#include "hv/vmm/calls.h"

#include "hv/vmm/calls_groups.h"

/*
 * By number and not by position, so that the order of rows does not matter and
 * a number without a row leaves NULL behind.
 */
#define ROW(number, function) [(number) - HYPERCALL_END] = (function)

/* table */
static const calls_fn_t table[] = {
	ROW(HYPERCALL_END, calls_verdict_end),
	ROW(HYPERCALL_FAIL, calls_verdict_fail),
	ROW(HYPERCALL_EXPECT_STOP, calls_verdict_expect_stop),
	ROW(HYPERCALL_PRINT, calls_verdict_print),
	ROW(HYPERCALL_STAMPS, bench_stamps),
	ROW(HYPERCALL_COUNTER, calls_count_counter),
	ROW(HYPERCALL_COUNTERS, calls_count_counters),
	ROW(HYPERCALL_EXITS, calls_count_exits),
	ROW(HYPERCALL_IO_LOG, calls_count_io_log),
	ROW(HYPERCALL_IO_LOG_CLEAR, calls_count_io_log_clear),
	ROW(HYPERCALL_TRACE_READ, calls_count_trace_read),
	ROW(HYPERCALL_DEVICE_READ, calls_device_read),
	ROW(HYPERCALL_DEVICE_FILL, calls_device_fill),
	ROW(HYPERCALL_DEVICE_RESET, calls_device_reset),
	ROW(HYPERCALL_DEVICE_MAKE, calls_device_make),
	ROW(HYPERCALL_DEVICE_LOG, calls_device_log),
	ROW(HYPERCALL_DEVICE_PUT, calls_device_put),
	ROW(HYPERCALL_DEVICE_GET, calls_device_get),
	ROW(HYPERCALL_IO_STATE, calls_io_state),
	ROW(HYPERCALL_IO_HOOK, calls_io_hook),
	ROW(HYPERCALL_READS, calls_reads_play),
	ROW(HYPERCALL_SLOT_CHANGE, calls_slots_change),
	ROW(HYPERCALL_SLOT_FINISH, calls_slots_finish),
	ROW(HYPERCALL_SLOT_BUMP, calls_slots_bump),
	ROW(HYPERCALL_BACKING_READ, calls_slots_backing_read),
	ROW(HYPERCALL_BACKING_WRITE, calls_slots_backing_write),
	ROW(HYPERCALL_GENERATION, calls_slots_generation),
	ROW(HYPERCALL_GENERATION_SKIP, calls_slots_generation_skip),
	ROW(HYPERCALL_DIRTY_LOG, calls_slots_dirty_log),
	ROW(HYPERCALL_EPT_PEEK, calls_ept_peek),
	ROW(HYPERCALL_EPT_POKE, calls_ept_poke),
	ROW(HYPERCALL_EPT_UNMAP, calls_ept_unmap),
	ROW(HYPERCALL_EPT_PROTECT, calls_ept_protect),
	ROW(HYPERCALL_EPT_CODEC, calls_ept_codec),
	ROW(HYPERCALL_PHYSICAL_WIDTH, calls_ept_physical_width),
	ROW(HYPERCALL_HOOK, calls_ept_hook),
	ROW(HYPERCALL_STORM, calls_storm_begin),
	ROW(HYPERCALL_STORM_LEFT, calls_storm_left),
	ROW(HYPERCALL_CACHE, calls_mmio_cache),
	ROW(HYPERCALL_IS_SHADOW, calls_mmio_is_shadow),
	ROW(HYPERCALL_EMULATE, calls_mmio_emulate),
	ROW(HYPERCALL_NESTED, calls_mmio_nested),
	ROW(HYPERCALL_RESTORE, calls_mmio_restore),
	ROW(HYPERCALL_MIDDLE, calls_middle_read),
	ROW(HYPERCALL_MMIO_EVENTS, calls_middle_events),
	ROW(HYPERCALL_COALESCED, calls_middle_coalesced),
	ROW(HYPERCALL_VCPU_START, calls_vcpu_start),
	ROW(HYPERCALL_VCPU_WAIT, calls_vcpu_wait),
	ROW(HYPERCALL_VCPU_END, calls_vcpu_end),
	ROW(HYPERCALL_VCPU_KICK, calls_vcpu_kick),
	ROW(HYPERCALL_BUS, calls_bus),
	ROW(HYPERCALL_STALE, calls_bus_stale),
	ROW(HYPERCALL_DOORBELL_MAKE, calls_doorbell_make),
	ROW(HYPERCALL_DOORBELL_REMOVE, calls_doorbell_remove),
	ROW(HYPERCALL_DOORBELL_COUNT, calls_doorbell_count),
	ROW(HYPERCALL_DOORBELL_TAKE, calls_doorbell_take),
	ROW(HYPERCALL_REAL, calls_real_begin),
	ROW(HYPERCALL_REAL_END, calls_real_end),
	ROW(HYPERCALL_EMULATE_ALL, calls_real_emulate_all),
	ROW(HYPERCALL_DOORBELL_WAIT, calls_doorbell_wait),
	ROW(HYPERCALL_SECRET, secret_call),
};
/* end of table */

/**
 * A number below the first one wraps to a huge index and is refused with those
 * that are too large.
 */
s64 calls_handle(struct bed *bed, u64 nr, const u64 *args)
{
	u64 i = nr - HYPERCALL_END;

	if (i >= ARRAY_SIZE(table) || !table[i]) {
		return -EINVAL;
	}
	return table[i](bed, args);
}
