/** @file
 * The groups of hypercalls; calls.c puts them into its table.
 */
#ifndef HV_VMM_CALLS_GROUPS_H
#define HV_VMM_CALLS_GROUPS_H

#include "hv/vmm/calls.h"

/** calls_verdict.c: the guest says how its test goes. */
s64 calls_verdict_end(struct bed *bed, const u64 *args);
s64 calls_verdict_fail(struct bed *bed, const u64 *args);
s64 calls_verdict_expect_stop(struct bed *bed, const u64 *args);
s64 calls_verdict_print(struct bed *bed, const u64 *args);

/** calls_count.c: counters, logs. */
s64 calls_count_counter(struct bed *bed, const u64 *args);
s64 calls_count_counters(struct bed *bed, const u64 *args);
s64 calls_count_exits(struct bed *bed, const u64 *args);
s64 calls_count_io_log(struct bed *bed, const u64 *args);
s64 calls_count_io_log_clear(struct bed *bed, const u64 *args);
s64 calls_count_trace_read(struct bed *bed, const u64 *args);

/** calls_device.c: what devices have seen and shall give; new ones. */
s64 calls_device_read(struct bed *bed, const u64 *args);
s64 calls_device_fill(struct bed *bed, const u64 *args);
s64 calls_device_reset(struct bed *bed, const u64 *args);
s64 calls_device_make(struct bed *bed, const u64 *args);
s64 calls_device_log(struct bed *bed, const u64 *args);
s64 calls_device_put(struct bed *bed, const u64 *args);
s64 calls_device_get(struct bed *bed, const u64 *args);

/** calls_doorbell.c: doorbells of the test's own. */
s64 calls_doorbell_make(struct bed *bed, const u64 *args);
s64 calls_doorbell_remove(struct bed *bed, const u64 *args);
s64 calls_doorbell_count(struct bed *bed, const u64 *args);
s64 calls_doorbell_take(struct bed *bed, const u64 *args);
s64 calls_doorbell_wait(struct bed *bed, const u64 *args);

/** calls_io.c: registers and hooks at an exit to the VMM. */
s64 calls_io_state(struct bed *bed, const u64 *args);
s64 calls_io_hook(struct bed *bed, const u64 *args);

/** calls_storm.c: slots that another CPU changes. */
s64 calls_storm_begin(struct bed *bed, const u64 *args);
s64 calls_storm_left(struct bed *bed, const u64 *args);

/** calls_mmio.c: the MMIO cache. */
s64 calls_mmio_cache(struct bed *bed, const u64 *args);
s64 calls_mmio_is_shadow(struct bed *bed, const u64 *args);
s64 calls_mmio_emulate(struct bed *bed, const u64 *args);
s64 calls_mmio_nested(struct bed *bed, const u64 *args);
s64 calls_mmio_restore(struct bed *bed, const u64 *args);

/** calls_reads.c: the reads of an instruction that there is not. */
s64 calls_reads_play(struct bed *bed, const u64 *args);

/** calls_slots.c: the slots and their memory. */
s64 calls_slots_change(struct bed *bed, const u64 *args);
s64 calls_slots_finish(struct bed *bed, const u64 *args);
s64 calls_slots_bump(struct bed *bed, const u64 *args);
s64 calls_slots_backing_read(struct bed *bed, const u64 *args);
s64 calls_slots_backing_write(struct bed *bed, const u64 *args);
s64 calls_slots_generation(struct bed *bed, const u64 *args);
s64 calls_slots_generation_skip(struct bed *bed, const u64 *args);
s64 calls_slots_dirty_log(struct bed *bed, const u64 *args);

/** calls_ept.c: the entries themselves, and the hook before a fault. */
s64 calls_ept_peek(struct bed *bed, const u64 *args);
s64 calls_ept_poke(struct bed *bed, const u64 *args);
s64 calls_ept_unmap(struct bed *bed, const u64 *args);
s64 calls_ept_protect(struct bed *bed, const u64 *args);
s64 calls_ept_codec(struct bed *bed, const u64 *args);
s64 calls_ept_physical_width(struct bed *bed, const u64 *args);
s64 calls_ept_hook(struct bed *bed, const u64 *args);

/** calls_middle.c: what happens between two pieces of an access. */
s64 calls_middle_read(struct bed *bed, const u64 *args);
s64 calls_middle_events(struct bed *bed, const u64 *args);
s64 calls_middle_coalesced(struct bed *bed, const u64 *args);

/** calls_vcpu.c: more vCPUs. */
s64 calls_vcpu_start(struct bed *bed, const u64 *args);
s64 calls_vcpu_wait(struct bed *bed, const u64 *args);
s64 calls_vcpu_end(struct bed *bed, const u64 *args);
s64 calls_vcpu_kick(struct bed *bed, const u64 *args);

/** calls_bus.c: the core's buses. */
s64 calls_bus(struct bed *bed, const u64 *args);
s64 calls_bus_stale(struct bed *bed, const u64 *args);

/** calls_real.c: real mode, and nothing but the emulator. */
s64 calls_real_begin(struct bed *bed, const u64 *args);
s64 calls_real_end(struct bed *bed, const u64 *args);
s64 calls_real_emulate_all(struct bed *bed, const u64 *args);

/** secret.c: what the guest must never see. */
s64 secret_call(struct bed *bed, const u64 *args);

/** bench.c: the stamps of a measurement. */
s64 bench_stamps(struct bed *bed, const u64 *args);

#endif
