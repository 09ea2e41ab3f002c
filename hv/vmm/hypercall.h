/** @file
 * Hypercalls: what a guest program and the VMM say to each other.
 *
 * A guest program tests the hypervisor from inside, but half of what it
 * claims can only be seen from outside: how many exits an access cost, how
 * often a device was really asked, what stands in the EPT.  It asks for that
 * with VMCALL, and it changes the world under its own feet in the same way
 * (slots come and go, entries are zapped or spoiled, a swap is held open).
 *
 *	VMCALL  rax = number, arguments in rdi, rsi, rdx, r10, r8
 *	        result in rax; a negative errno when the VMM refuses
 *
 * The VMM believes nothing: an address which does not lie in the guest's RAM,
 * a number without a meaning, a slot that cannot be, is refused with -EINVAL
 * or -EFAULT and the test goes on.  Strings are read up to
 * HYPERCALL_TEXT_SIZE bytes.
 *
 * This is the only header of the hypervisor that guests include; what is about
 * devices of a test's own stands in hypercall_device.h, what is about the MMIO
 * cache in hypercall_cache.h, what plays reads in hypercall_reads.h, what is
 * about several vCPUs in hypercall_vcpu.h, about the buses in hypercall_bus.h,
 * about real mode in hypercall_real.h, of hostile tests in hypercall_hostile.h;
 * they come with it.
 */
#ifndef HV_VMM_HYPERCALL_H
#define HV_VMM_HYPERCALL_H

#include "bus/errno.h"
#include "bus/types.h"
#include "hv/vmm/hypercall_bus.h"
#include "hv/vmm/hypercall_cache.h"
#include "hv/vmm/hypercall_device.h"
#include "hv/vmm/hypercall_doorbell.h"
#include "hv/vmm/hypercall_hostile.h"
#include "hv/vmm/hypercall_reads.h"
#include "hv/vmm/hypercall_real.h"
#include "hv/vmm/hypercall_vcpu.h"

/** Bytes of a guest's string that are looked at, its end included. */
#define HYPERCALL_TEXT_SIZE 256

/* ---- The guest's world -------------------------------------------------- */

/** RAM of a test's VM, at guest-physical 0; the first slot. */
#define GUEST_RAM_SIZE (16ull << 20)
#define GUEST_RAM_SLOT 0

/** The bench's VM is smaller, as in the measurement of Linux KVM. */
#define GUEST_RAM_SIZE_BENCH (4ull << 20)

/** Below this the loader keeps its page tables, GDT and boot page. */
#define GUEST_LINK_MIN (2ull << 20)

/** Devices answered by the VMM: one page each, outside of every slot. */
#define DEVICE_FIFO_GPA 0xd0000000ull	 /* a load takes the next value */
#define DEVICE_COUNTER_GPA 0xd0001000ull /* a load gives how often it was read */
#define DEVICE_SCRATCH_GPA 0xd0002000ull /* storage */
#define DEVICE_PATTERN_GPA 0xd0003000ull /* a load's value is a function of its
					  * address: hypercall_pattern() */
/** Pages from here to the next line: nobody; reads give ~0. */
#define DEVICE_NOBODY_GPA 0xd0010000ull
#define DEVICE_NOBODY_END 0xd0100000ull

/** Devices answered in the core, on its bus: one page each. */
#define DEVICE_CORE_SCRATCH_GPA 0xd0100000ull
#define DEVICE_CORE_PATTERN_GPA 0xd0101000ull

/** Ports answered by the VMM; 0x80 swallows, the other two are storage. */
#define DEVICE_PORT_SINK 0x80
#define DEVICE_PORT_SCRATCH 0x300

/** For slots: RAM of the VMM that is in no slot when a test starts. */
#define BACKING_SIZE (4ull << 20)
#define SLOT_MAX 8 /* slots 1 to 7 are the guest's to use */

/** What the pattern devices give at an address, byte by byte. */
static inline u8 hypercall_pattern(u64 address)
{
	return (u8)(address * 0x9d + (address >> 8) * 0x35 + 0x5b);
}

/* ---- Where a program starts --------------------------------------------- */

#define BOOT_MAGIC 0x3934746978656f62ull

/** The boot page; rdi holds its address when the program starts. */
struct boot_info {
	u64 magic;
	u64 function;	 /* the test's entry, from its record */
	u64 memory_size; /* bytes of RAM at 0 */
	u64 flags;	 /* the record's flags */
	u64 iterations;	 /* bench: how many to measure */
	u64 warm_up;	 /* bench: how many before that */
	u64 seed;	 /* random cases: the first one's number */
	u64 cases;	 /* ... and how many there are */
	char name[64];	 /* the test's name, or the bench's row */
};

/** The program header that says where the records of the tests are. */
#define PT_TEST_RECORDS 0x60000049

#define TEST_NAME_SIZE 64

/* Flags of a test; where it has no meaning, it is skipped. */
#define TEST_NEEDS_EPT BIT(0)
#define TEST_NEEDS_SHADOW BIT(1) /* only without EPT */
/** A test's VM has no MMIO cache: its subject is what the cache would hide. */
#define TEST_NO_MMIO_CACHE BIT(2)
/** It starts a second vCPU.  The tools give the machine two CPUs then. */
#define TEST_NEEDS_CPUS BIT(3)
/** Its VM has local APICs: hv/vcpu/irqchip.h. */
#define TEST_NEEDS_APIC BIT(4)
/** It is hostile: a secret is hidden from it, and on the second CPU runs a VM
 * that is none of its business (hv/vmm/neighbour.h).  With TEST_NEEDS_CPUS. */
#define TEST_HOSTILE BIT(5)
/** It starts a second vCPU though the last CPU is a neighbour's. */
#define TEST_NEEDS_3_CPUS BIT(6)

/** One test; the section .tests is an array of them. */
struct test_record {
	char name[TEST_NAME_SIZE];
	u64 function; /* its address: void (*)(void) */
	u64 flags;    /* TEST_* */
};

/* ---- The numbers -------------------------------------------------------- */

enum hypercall {
	/* Verdicts. */
	HYPERCALL_END = 0x4900,	 /* rdi: checks made; the test has passed */
	HYPERCALL_FAIL,		 /* rdi: struct hypercall_check; test ends */
	HYPERCALL_EXPECT_STOP,	 /* rdi: struct hypercall_expect */
	HYPERCALL_PRINT,	 /* rdi: string, for people on COM1 */
	HYPERCALL_STAMPS,	 /* rdi: u32 array, rsi: how many; bench: the
				  * time stamps of the measured iterations */

	/* Counting. */
	HYPERCALL_COUNTER,	 /* rdi: enum hypercall_counter -> value */
	HYPERCALL_COUNTERS,	 /* rdi: u64[COUNTER_COUNT] to fill */
	HYPERCALL_EXITS,	 /* rdi: basic exit reason -> exits so far */
	HYPERCALL_IO_LOG,	 /* rdi: struct hypercall_io to fill, rsi: n-th
				  * exit to the VMM since the log was cleared,
				  * from 0; -ENOENT: there is none */
	HYPERCALL_IO_LOG_CLEAR,	 /* -> how many were in it */
	HYPERCALL_TRACE_READ,	 /* rdi: struct hypercall_trace to fill, rsi: n,
				  * 0 is the newest; -ENOENT: there is none */

	/* Devices. */
	HYPERCALL_DEVICE_READ,	 /* rdi: gpa, rsi: enum device_count -> value */
	HYPERCALL_DEVICE_FILL,	 /* rdi: gpa, rsi: value; FIFO: one more to
				  * give; scratch: set all bytes to it */
	HYPERCALL_DEVICE_RESET,	 /* rdi: gpa; counts and contents back to 0 */
	HYPERCALL_DEVICE_MAKE,	 /* rdi: struct hypercall_device -> its name,
				  * which stands for the gpa in all of these */
	HYPERCALL_DEVICE_LOG,	 /* rdi: gpa, rsi: struct hypercall_access to
				  * fill, rdx: n-th access of a made device,
				  * from 0; -ENOENT: there is none */
	HYPERCALL_DEVICE_PUT,	 /* rdi: gpa, rsi: bytes, rdx: how many; into a
				  * mirror, from its beginning */
	HYPERCALL_DEVICE_GET,	 /* the same, out of it */

	/* What happens at an exit to the VMM. */
	HYPERCALL_IO_STATE,	 /* rdi: struct hypercall_io_state to fill, rsi:
				  * n-th exit, as for HYPERCALL_IO_LOG */
	HYPERCALL_IO_HOOK,	 /* rdi: struct hypercall_io_hook; up to four */
	HYPERCALL_READS,	 /* rdi: struct hypercall_read_step array, rsi:
				  * how many; played in order, results filled */

	/* Slots. */
	HYPERCALL_SLOT_CHANGE,	 /* rdi: struct hypercall_slot; 0, or 1 when it
				  * is held in the middle, or an errno */
	HYPERCALL_SLOT_FINISH,	 /* rdi: steps to do, ~0: all that are left
				  * -> 1 if some are left, else 0; -ENOENT: no
				  * change is held */
	HYPERCALL_SLOT_BUMP,	 /* rdi: n; n changes of a slot far away */
	HYPERCALL_BACKING_READ,	 /* rdi: offset -> 8 bytes */
	HYPERCALL_BACKING_WRITE, /* rdi: offset, rsi: 8 bytes */
	HYPERCALL_GENERATION,	 /* -> the slots' generation, bit 63 as it is */
	HYPERCALL_GENERATION_SKIP, /* rdi: n, at most 2^20; the generation is
				  * what it would be after n changes */
	HYPERCALL_DIRTY_LOG,	 /* rdi: slot, rsi: u64 array for the bitmap,
				  * rdx: its size in bytes; reads, clears and
				  * protects -> how many pages were dirty */

	/* The EPT. */
	HYPERCALL_EPT_PEEK,	 /* rdi: struct hypercall_ept to fill, rsi: gpa,
				  * rdx: level to stop at the latest */
	HYPERCALL_EPT_POKE,	 /* rdi: struct hypercall_poke, at once;
				  * refused to hostile tests */
	HYPERCALL_EPT_UNMAP,	 /* rdi: gpa, rsi: pages */
	HYPERCALL_EPT_PROTECT,	 /* rdi: gpa, rsi: pages; no more stores */
	HYPERCALL_EPT_CODEC,	 /* rdi: struct hypercall_codec, both ways */
	HYPERCALL_PHYSICAL_WIDTH, /* rdi: bits of a physical address that the
				   * fault handler goes by, 36 to 52 */
	HYPERCALL_HOOK,		 /* rdi: struct hypercall_hook; one at a time */

	/* Another CPU. */
	HYPERCALL_STORM,	 /* rdi: struct hypercall_slot, rsi: rounds; it
				  * adds and deletes the slot so many times;
				  * -ENODEV: there is no other CPU */
	HYPERCALL_STORM_LEFT,	 /* -> rounds left, 0: it has ended, or why it
				  * ended early */

	/* The MMIO cache. */
	HYPERCALL_CACHE,	 /* rdi: struct hypercall_cache to fill */
	HYPERCALL_IS_SHADOW,	 /* -> 1 with shadow paging, 0 with EPT */
	HYPERCALL_EMULATE,	 /* rdi: so many instructions behind the next
				  * CPUID are emulated, whatever they are, in
				  * one read section; 0 counts as 1.  The first
				  * one that needs the VMM is the last */
	HYPERCALL_NESTED,	 /* rdi: 1: from now on the addresses of faults
				  * count as those of a guest's guest; 0: not */
	HYPERCALL_RESTORE,	 /* reset the vCPU, then give it the registers
				  * back that it had */

	/* In the middle of an access. */
	HYPERCALL_MIDDLE,	 /* rdi: struct hypercall_middle to fill; what
				  * came of hooks since the last such call */
	HYPERCALL_MMIO_EVENTS,	 /* rdi: struct hypercall_trace array, rsi: how
				  * many fit, rdx: an enum hypercall_event, 0:
				  * kvm_mmio; those since the last such call,
				  * oldest first -> how many */
	HYPERCALL_COALESCED,	 /* rdi: struct hypercall_coalesced, filled */

	/* More vCPUs; hypercall_vcpu.h. */
	HYPERCALL_VCPU_START,	 /* rdi: struct hypercall_vcpu; -ENODEV: there
				  * is no CPU for it; -EEXIST: it runs */
	HYPERCALL_VCPU_WAIT,	 /* rdi: number -> the value that it has ended
				  * with; -ENOENT: it was not started */
	HYPERCALL_VCPU_END,	 /* rdi: value; this vCPU, not 0, ends */
	HYPERCALL_VCPU_KICK,	 /* rdi: number; its vcpu_run() shall return
				  * -EINTR -> how often it has, by now;
				  * -ENOENT: it does not run */

	/* The core's buses; hypercall_bus.h. */
	HYPERCALL_BUS,		 /* rdi: struct hypercall_bus, filled */
	HYPERCALL_STALE,	 /* from now on the bus' loads are as stale as
				  * the memory model allows; -EBUSY: another
				  * CPU is at work */

	/* Doorbells; hypercall_doorbell.h. */
	HYPERCALL_DOORBELL_MAKE, /* rdi: struct hypercall_doorbell -> its
				  * number, or an errno of the bus */
	HYPERCALL_DOORBELL_REMOVE, /* rdi: number; nobody rings it any more */
	HYPERCALL_DOORBELL_COUNT,  /* rdi: number -> rings not taken yet */
	HYPERCALL_DOORBELL_TAKE,   /* the same, and takes them */
	HYPERCALL_DOORBELL_WAIT,   /* the same, but waits for the first; by
				    * another vCPU, which does nothing else */

	/* Real mode; hypercall_real.h. */
	HYPERCALL_REAL,		 /* rdi: struct hypercall_real; this vCPU goes
				  * on in real mode until ... */
	HYPERCALL_REAL_END,	 /* from there: back behind HYPERCALL_REAL */
	HYPERCALL_EMULATE_ALL,	 /* rdi: 1: the emulator does every instruction
				  * of this vCPU; 0: only those that it must */

	/* Hostile tests; hypercall_hostile.h. */
	HYPERCALL_SECRET,	 /* rdi: enum hypercall_secret; TEST_HOSTILE */

	HYPERCALL_BEYOND,	 /* from here on: none */
};

/** Counters of the calling vCPU and its VM since the test began. */
enum hypercall_counter {
	COUNTER_VIOLATIONS,    /* EPT violations taken; without EPT, page faults
				* that are not the guest's own */
	COUNTER_MISCONFIGS,    /* EPT misconfigurations taken; without EPT, page
				* faults by a reserved bit */
	COUNTER_EMULATIONS,    /* instructions that the emulator decoded */
	COUNTER_SPURIOUS,      /* faults that were none (spec 1.4) */
	COUNTER_RETRIES,       /* faults that ended in "try again" (spec 1.3) */
	COUNTER_SLOW_PATHS,    /* faults that had to ask the slots */
	COUNTER_INVALIDATIONS, /* how often one was asked for */
	COUNTER_MMIO_EXITS,    /* MMIO exits to the VMM */
	COUNTER_MMIO_READS,    /* ... of which reads */
	COUNTER_MMIO_WRITES,   /* ... of which writes */
	COUNTER_IO_EXITS,      /* port exits to the VMM */
	COUNTER_HOOKS,	       /* hooks that have acted */
	COUNTER_QUICK_RINGS,   /* doorbells rung without emulation */
	COUNTER_COUNT,
};

/* ---- Verdicts ----------------------------------------------------------- */

/** How seen and expected are to be printed. */
enum hypercall_format {
	FORMAT_HEX,
	FORMAT_DECIMAL,
	FORMAT_TEXT, /* both are addresses of strings */
	FORMAT_BOOL, /* "no" or "yes" */
	FORMAT_EXITS, /* "1 exit", "2 exits" */
};

/** A check that failed. */
struct hypercall_check {
	u64 rule;     /* string: the rule, a whole sentence */
	u64 seen;
	u64 expected;
	u64 file;     /* string */
	u32 line;
	u32 format;   /* enum hypercall_format */
};

/** How a VM may have to end, for tests in which that is the right end. */
enum hypercall_stop {
	STOP_RUN_ERROR,	  /* vcpu_run() fails: an entry of ours is spoiled */
	STOP_EMULATION,	  /* emulation failure: no such instruction, no code */
	STOP_DELIVERY,	  /* internal error while an event was delivered */
	STOP_TRIPLE_FAULT,
	STOP_COUNT,
};

/** "What comes next ends this VM, and in this way." */
struct hypercall_expect {
	u64 rule;   /* string */
	u64 file;   /* string */
	u32 line;
	u32 stop;   /* enum hypercall_stop */
	u64 gpa;    /* ... about this address; ~0: any */
	u64 checks; /* made so far, as for HYPERCALL_END */
	u64 ept_exits; /* EPT exits from here to the end, exactly; ~0: any */
};

/* ---- Counting ----------------------------------------------------------- */

enum device_count {
	DEVICE_READS,
	DEVICE_WRITES,
	DEVICE_LAST_VALUE,  /* the last one written or given */
	DEVICE_LAST_LENGTH, /* its bytes */
	DEVICE_LAST_OFFSET, /* where in the device */
	DEVICE_LEFT,	    /* FIFO: values not taken yet */
	DEVICE_REFUSED,	    /* made ones: accesses of a width it has not */
	DEVICE_COUNT_COUNT,
};

/** One exit to the VMM, MMIO or port. */
struct hypercall_io {
	u64 address; /* guest-physical, or the port */
	u64 data;    /* what went over, little-endian */
	u32 length;  /* bytes, 1 to 8 */
	u8 is_write;
	u8 is_port;
	u8 zero[2];
};

/** The events of the trace ring, under Linux's names. */
enum hypercall_event {
	EVENT_NONE,
	EVENT_KVM_ENTRY,      /* a = RIP */
	EVENT_KVM_EXIT,	      /* a = RIP, b = qualification, arg = reason */
	EVENT_KVM_PAGE_FAULT, /* a = RIP, b = gpa, c = qualification */
	EVENT_KVM_MMIO,	      /* a = gpa, b = value, arg = length, kind = 0: a
			       * read not answered yet, 1: a read, 2: a write */
	EVENT_KVM_EMULATE_INSN, /* a = RIP, arg = bytes, kind = 1: failed */
	EVENT_KVM_INJ,	      /* arg = vector, a = error code */
	EVENT_KVM_ENTRY_FAILED,
	EVENT_KVM_FAST_MMIO,  /* a = gpa: a doorbell rung without emulation */
};

/** One event of the trace ring. */
struct hypercall_trace {
	u32 event; /* enum hypercall_event */
	u32 kind;
	u64 arg;
	u64 a;
	u64 b;
	u64 c;
};

/* ---- Slots -------------------------------------------------------------- */

#define SLOT_READONLY BIT(0)
#define SLOT_LOG_DIRTY BIT(1)

enum hypercall_slot_kind {
	SLOT_ADD,
	SLOT_DELETE, /* slot */
	SLOT_MOVE,   /* slot, gpa */
	SLOT_FLAGS,  /* slot, flags */
	SLOT_KIND_COUNT,
};

/** The steps of a change (mmu/memslot.h); deleting and moving take all, the
 * others begin at SLOT_STEP_OPEN. */
enum hypercall_slot_step {
	SLOT_STEP_NONE,
	SLOT_STEP_OPEN_INVALID,
	SLOT_STEP_WAIT_INVALID,
	SLOT_STEP_CLOSE_INVALID,
	SLOT_STEP_ZAP,
	SLOT_STEP_OPEN,
	SLOT_STEP_WAIT,
	SLOT_STEP_CLOSE,
	SLOT_STEP_PROTECT,
};

/** A change of the slots.  With `hold` it stops when that step is done, and
 * the guest goes on inside of it until HYPERCALL_SLOT_FINISH. */
struct hypercall_slot {
	u32 kind;    /* enum hypercall_slot_kind */
	u32 slot;    /* 1 to SLOT_MAX - 1 */
	u32 flags;   /* SLOT_READONLY, SLOT_LOG_DIRTY */
	u32 hold;    /* enum hypercall_slot_step; SLOT_STEP_NONE: do it all */
	u64 gpa;     /* page-aligned */
	u64 pages;
	u64 backing; /* offset into the backing RAM, page-aligned */
};

/* ---- The EPT ------------------------------------------------------------ */

/** An entry of the EPT. */
struct hypercall_ept {
	u64 entry;	/* as it is, 0 when absent */
	u32 level;	/* where it stands: 1 a page's, 2 a 2 MiB block's */
	u32 is_mmio;	/* an MMIO entry; then also: */
	u64 generation; /* what it was made with, 19 bits */
	u64 gpa;	/* what it was made for */
};

/** Change an entry: entry = (entry & and) | or, and no stale translation is
 * left. */
struct hypercall_poke {
	u64 gpa;
	u64 and;
	u64 or;
	u64 level; /* of the entry; it must be reached */
};

enum hypercall_hook_action {
	HOOK_POKE,   /* do the poke */
	HOOK_SEND,   /* an IPI to APIC 0, poke.or as in an ICR */
	HOOK_FINISH, /* finish the held change of the slots */
	HOOK_ACTION_COUNT,
};

/** What "another CPU" does after an EPT exit and before our look at the
 * tables: once, at the n-th exit for the page from now on. */
struct hypercall_hook {
	u32 action;
	u32 nth; /* from 1 */
	struct hypercall_poke poke; /* poke.gpa also says which page */
};

/** The MMIO entry's code, there and back. */
struct hypercall_codec {
	u64 gpa;	     /* in */
	u64 generation;	     /* in */
	u64 now;	     /* in: the slots' generation to compare with */
	u64 entry;	     /* out: the entry made of gpa and generation */
	u64 gpa_back;	     /* out: read back from it */
	u64 generation_back; /* out */
	u64 is_mmio;	     /* out: recognised as an MMIO entry */
	u64 is_stale;	     /* out: at generation `now` */
};

/* ---- In the middle of an access ------------------------------------------ */

/** What came of the hooks that ask a vCPU back or move it. */
struct hypercall_middle {
	u64 interrupts; /* how often vcpu_run() has said -EINTR */
	u64 pieces;	/* MMIO exits that came before that nevertheless */
	u64 rip;	/* the registers at the last -EINTR */
	u64 rax;
	u64 moves; /* how often the vCPU has moved */
	s64 error; /* a move was refused with this errno */
};

/** What HYPERCALL_COALESCED does. */
enum hypercall_coalesced_action {
	COALESCED_ADD,	  /* gpa, length: a zone */
	COALESCED_REMOVE, /* gpa: the zone that begins there */
	COALESCED_PEEK,	  /* index: gpa, length and data of that entry */
	COALESCED_SET,	  /* first, last: whatever they are */
	COALESCED_DRAIN,  /* let the devices have what is in the ring; length:
			   * how many stores that were */
	COALESCED_ACTION_COUNT,
};

/** Entries of the ring of coalesced stores; one of them is always free. */
#define COALESCED_RING 170

/** Zones of coalesced stores, and the ring; first and last are filled. */
struct hypercall_coalesced {
	u32 action; /* enum hypercall_coalesced_action */
	u32 index;
	u64 gpa;
	u64 length;
	u64 data;
	u32 first;
	u32 last;
};

#endif
