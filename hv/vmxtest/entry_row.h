/** @file
 * A test of one VM-entry check as a row: break exactly this, and see.
 *
 * From a valid VMCS a few fields are changed so that one rule of SDM 3C 27 is
 * broken and no other.  The row says what the entry must do then, and which
 * words the sentence must have; the field that the sentence blames is the first
 * one changed, unless the row names another.
 */
#ifndef HV_VMXTEST_ENTRY_ROW_H
#define HV_VMXTEST_ENTRY_ROW_H

#include "bus/types.h"
#include "hv/vmx/vmx_caps.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/vmxtest/entry_rig.h"
#include "hv/x86/cr.h"

enum entry_change_kind {
	CHANGE_NONE,
	CHANGE_SET,   /* to the value */
	CHANGE_ON,    /* set these bits */
	CHANGE_OFF,   /* clear these bits */
	CHANGE_SPARE, /* to the address of the spare page plus the value */
	CHANGE_VMCS,  /* to the address of the current VMCS */
};

/** A field, and what becomes of it. */
struct entry_change {
	enum vmcs_field field;
	enum entry_change_kind kind;
	u64 value;
};

#define SET(field, value) { field, CHANGE_SET, value }
#define ON(field, bits) { field, CHANGE_ON, bits }
#define OFF(field, bits) { field, CHANGE_OFF, bits }
#define SPARE(field, offset) { field, CHANGE_SPARE, offset }
#define CURRENT(field) { field, CHANGE_VMCS, 0 }

/** What the first word of the spare page is, in place of spare[0]. */
enum entry_first_word {
	FIRST_PLAIN,
	FIRST_REVISION, /* a VMCS */
	FIRST_SHADOW,	/* a shadow VMCS */
	FIRST_OTHER,	/* a VMCS of another revision */
};

#define ENTRY_CHANGES 5

struct entry_row {
	const char *name;
	enum entry_mode mode;
	struct entry_change change[ENTRY_CHANGES];
	/* What must come of it: one of the two, or neither: the guest runs. */
	u32 error;	   /* VMfail with this error */
	u32 reason;	   /* a failed entry with this basic exit reason */
	u64 qualification; /* of that exit */
	const char *words; /* what the sentence must have in it */
	u32 blames;	   /* the field it begins with; 0: the first changed */
	u64 spare[4];	   /* the first words of the spare page */
	enum entry_first_word first;
	/* Controls without which the rule cannot be reached: where they are not
	 * offered, that is what the sentence says. */
	struct {
		enum vmx_control word;
		u32 controls;
	} needs[2];
};

#define ENTERS .error = 0
#define CONTROLS .error = 7
#define HOST .error = 8
#define GUEST .reason = 33
#define QUALIFIED(n) .reason = 33, .qualification = (n)
#define MSR_ENTRY(n) .reason = 34, .qualification = (n)
#define WORDS(text) .words = text
#define NEEDS(word, controls) .needs = { { VMX_CONTROL_##word, controls } }

/** A table of rows. */
struct entry_rows {
	const struct entry_row *row;
	size_t count;
};

extern const struct entry_rows entry_rows_execution, entry_rows_ept,
	entry_rows_switch, entry_rows_event, entry_rows_host,
	entry_rows_register, entry_rows_segment, entry_rows_rights,
	entry_rows_state, entry_rows_memory;

#endif
