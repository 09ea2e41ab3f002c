/** @file
 * The cases of hv/unittest/, by the file that they are in.
 *
 * Each is a function that gets a guest which is ready to be entered, and leaves
 * in g->why the first thing that is not as it should be.
 */
#ifndef HV_UNITTEST_UNIT_CASES_H
#define HV_UNITTEST_UNIT_CASES_H

struct tiny_guest;

/* clang-format off */
/** X(name, function) for every case; the name says the rule. */
#define UNIT_CASES(X) \
	/* unit_basic.c: entering, leaving, what a guest can see */ \
	X("unit.guest_runs_and_exits", unit_basic_cpuid) \
	X("unit.monitor_exits_before_ecx_is_looked_at", unit_basic_monitor) \
	X("unit.cr8_is_one_for_guest_and_host", unit_basic_cr8) \
	X("unit.acknowledged_interrupt_is_gone", unit_basic_acknowledge) \
	X("unit.window_goes_before_an_interrupt", unit_basic_window_first) \
	X("unit.tsc_offset_counts_in_each_way", unit_basic_tsc) \
	/* unit_offers.c: what the unit cannot do, it does not offer */ \
	X("unit.what_cannot_be_had_is_not_offered", unit_offers_nothing_more) \
	X("unit.xsetbv_is_undefined_in_a_guest", unit_offers_no_xsetbv) \
	X("unit.osxsave_cannot_be_set", unit_offers_no_osxsave) \
	/* unit_state.c: guest and host state, both ways */ \
	X("unit.msrs_of_the_guest_are_switched", unit_state_of_msrs) \
	X("unit.tables_of_the_guest_are_switched", unit_state_of_tables) \
	X("unit.exit_loads_the_hosts_msrs", unit_state_of_host) \
	X("unit.exit_loads_the_hosts_tables", unit_state_of_host_tables) \
	X("unit.cr2_dr0_lstar_are_one_for_both", unit_state_shared) \
	/* unit_insn.c: what SVM does not tell of an instruction */ \
	X("unit.prefixes_choose_the_instruction", unit_insn_prefixes) \
	X("unit.vmx_instructions_in_16_bit_code", unit_insn_16bit) \
	X("unit.rep_means_nothing_to_out", unit_insn_rep_out) \
	X("unit.addresses_that_modrm_does_not_tell", unit_insn_addresses) \
	X("unit.rmw_page_fault_comes_first", unit_insn_rmw_page_fault) \
	X("unit.delivery_only_reads_the_idt", unit_insn_rmw_delivery) \
	X("unit.io_permission_bitmap_decides", unit_insn_permission_bitmap) \
	X("unit.reserved_bits_of_cr0_stay_zero", unit_insn_cr0_reserved) \
	/* unit_debug.c: breakpoints and debug registers */ \
	X("unit.breakpoints_come_from_the_vmcs", unit_debug_dr7_of_vmcs) \
	X("unit.breakpoints_of_the_guest_are_its_own", \
	  unit_debug_dr7_of_guest) \
	X("unit.mov_dr_exit_goes_first", unit_debug_exit_goes_first) \
	/* unit_lists.c: the MSR lists */ \
	X("unit.msr_lists_load_and_store", unit_lists_all) \
	X("unit.msr_list_tells_the_wrong_entry", unit_lists_refused) \
	/* unit_paging.c: guests without EPT */ \
	X("unit.guest_without_ept_exits", unit_paging_exits) \
	X("unit.page_fault_filter_chooses", unit_paging_filter) \
	X("unit.trap_flag_without_ept", unit_paging_step) \
	/* unit_ept.c: translations and how long they last */ \
	X("unit.forgotten_invept_shows_each_time", unit_ept_forgotten_invept) \
	X("unit.added_right_needs_no_invept", unit_ept_added_right) \
	X("unit.translations_belong_to_an_ept", unit_ept_two_pointers) \
	X("unit.large_and_giant_pages", unit_ept_large_pages) \
	X("unit.rights_are_those_of_all_levels", unit_ept_rights_of_levels) \
	X("unit.bad_invept_and_invvpid_are_error_28", unit_ept_bad_operands) \
	X("unit.invvpid_of_all_types", unit_ept_invvpid) \
	/* unit_capacity.c: more than can be remembered */ \
	X("unit.twenty_epts_in_turn", unit_capacity_of_epts) \
	X("unit.more_pages_than_the_shadow_has", unit_capacity_of_pages) \
	X("unit.vpids_of_all_numbers", unit_capacity_of_vpids) \
	/* unit_misconfig.c: entries that cannot be */ \
	X("unit.misconfigured_small_page", unit_misconfig_small) \
	X("unit.misconfigured_execute_only", unit_misconfig_execute_only) \
	X("unit.misconfigured_table_entries", unit_misconfig_tables) \
	X("unit.misconfigured_large_pages", unit_misconfig_large) \
	/* unit_flags.c: accessed and dirty flags of the EPT */ \
	X("unit.ept_flags_are_set", unit_flags_set) \
	X("unit.ept_flags_come_back", unit_flags_again) \
	X("unit.ept_flags_of_large_pages", unit_flags_large) \
	X("unit.ept_flags_make_walks_writes", unit_flags_read_only_table) \
	/* unit_tables.c: page tables in read-only memory */ \
	X("unit.store_to_read_only_table_exits", unit_tables_store) \
	X("unit.flag_in_read_only_table_exits", unit_tables_flags) \
	X("unit.read_only_tables_do_not_show", unit_tables_registers) \
	X("unit.read_only_tables_page_fault", unit_tables_fault) \
	X("unit.read_only_tables_violation", unit_tables_absent) \
	X("unit.read_only_tables_of_32_bit_paging", unit_tables_32bit) \
	X("unit.read_only_tables_of_pae_paging", unit_tables_pae) \
	/* unit_nmi.c: NMIs, blocking, the window */ \
	X("unit.nmi_exit_consumes_and_blocks", unit_nmi_exit) \
	X("unit.blocked_nmi_waits_for_an_entry", unit_nmi_blocked) \
	X("unit.blocked_nmi_is_handed_to_the_host", unit_nmi_handed_over) \
	X("unit.nmi_of_the_guest_nests_never", unit_nmi_of_guest) \
	X("unit.nmi_window_opens_behind_iret", unit_nmi_window) \
	X("unit.virtual_blocking_stops_no_nmi", unit_nmi_virtual) \
	X("unit.iret_that_faults_unblocks_nmis", unit_nmi_iret_fault) \
	/* unit_inject.c: every event that entry can inject */ \
	X("unit.every_exception_can_be_injected", unit_inject_exceptions) \
	X("unit.every_vector_can_be_injected", unit_inject_vectors) \
	X("unit.refused_int_n_is_a_fault", unit_inject_refused) \
	X("unit.interrupted_event_can_be_injected_again", unit_inject_again) \
	/* unit_pending.c: pending debug exceptions */ \
	X("unit.pending_debug_exception_exits", unit_pending_exits) \
	X("unit.pending_debug_exception_is_delivered", \
	  unit_pending_is_delivered) \
	X("unit.trap_flag_alone_traps_behind", unit_pending_nothing) \
	/* unit_halt.c: the activity state HLT */ \
	X("unit.interrupt_window_opens_in_hlt", unit_halt_interrupt_window) \
	X("unit.nmi_window_opens_in_hlt", unit_halt_nmi_window) \
	X("unit.injected_event_ends_hlt", unit_halt_injected_event) \
	X("unit.interrupt_of_the_guest_ends_hlt", unit_halt_guests_interrupt) \
	X("unit.hlt_exits_or_halts", unit_halt_instruction) \
	/* unit_step.c: the monitor trap flag */ \
	X("unit.trap_flag_stops_at_each_instruction", unit_step_plain) \
	X("unit.trap_flag_does_not_show_in_rflags", unit_step_flags) \
	X("unit.trap_flag_stops_before_a_handler", unit_step_events) \
	X("unit.trap_flag_steps_over_syscall", unit_step_syscall) \
	X("unit.trap_flag_gives_way_to_other_exits", unit_step_between) \
	X("unit.trap_flag_stops_at_an_interrupt", unit_step_interrupt) \
	/* unit_task.c: task switches */ \
	X("unit.task_switch_by_jmp_exits", unit_task_jmp) \
	X("unit.task_switch_by_call_exits", unit_task_call) \
	X("unit.task_switch_by_iret_exits", unit_task_iret) \
	X("unit.task_switch_by_gate_exits", unit_task_gate) \
	X("unit.store_to_a_tss_is_no_task_switch", unit_task_own_stores) \
	/* unit_crash.c: when the soft unit itself crashes */ \
	X("unit.crash_in_softvmx_is_survived", unit_crash_is_reported) \
	X("unit.wild_write_meets_a_guard_page", unit_crash_guard_page)
/* clang-format on */

#define UNIT_CASE_PROTOTYPE(name, body) void body(struct tiny_guest *g);
UNIT_CASES(UNIT_CASE_PROTOTYPE)
#undef UNIT_CASE_PROTOTYPE

#endif
