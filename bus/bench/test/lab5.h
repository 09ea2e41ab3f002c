/** @file
 * What the scenarios of the bus share: one bus, one domain, two vCPUs.
 */
#ifndef BUS_BENCH_TEST_LAB5_H
#define BUS_BENCH_TEST_LAB5_H

#include "bus/bus.h"

#include "bus/access.h"
#include "bus/bench/bench.h"

#define HERE BENCH_HERE(0, BENCH_ONCE)

/** What one vCPU may write to while it is on the bus. */
struct lab5_vcpu {
	struct srcu_reader reader;
	unsigned int rung; /* how often its stores have rung */
};

extern struct srcu lab5_domain;
extern struct bus lab5_bus;
extern struct lab5_vcpu lab5_vcpu[2];
extern int lab5_lock, lab5_flag;
extern struct bus_device lab5_dev60;

/** An empty bus. */
void lab5_prepare(void);

/** A bus with device 40. */
void lab5_prepare_one(void);

/** Register a device; it must work. */
void lab5_add(struct bus_device *device);

/**
 * One byte is stored, in an exit of its own.
 * @return as bus_dispatch()
 */
int lab5_out(u64 port, int vcpu);

/** Fail unless so many devices and doorbells are left, and nothing else. */
void lab5_finish(u32 devices, u32 doorbells);

/* The doorbells' scenarios (lab5_doorbells.c). */

/** Device 40 and no doorbell. */
void lab5_doorbells_prepare_none(void);

/** Device 40 and doorbell 90, of any length, on the heap. */
void lab5_doorbells_prepare_one(void);

/** The same, and five with lengths and values. */
void lab5_doorbells_prepare_many(void);

/** Host: make doorbell 50, register it, set the flag. */
void lab5_doorbells_add(void *unused);

/** Host: unregister doorbell 90 and free it. */
void lab5_doorbells_remove(void *unused);

/** Host: register a device and another doorbell. */
void lab5_doorbells_add_others(void *unused);

/** vCPU: a store to doorbell 50 rings if the flag was seen. */
void lab5_doorbells_flag_store(void *unused);

/** vCPU 1: doorbell 50 is found if the flag was seen. */
void lab5_doorbells_flag_find(void *unused);

/** vCPU: a store to doorbell 90, which may be gone. */
void lab5_doorbells_store(void *unused);

/** vCPU 1: look for doorbell 90, which may be gone. */
void lab5_doorbells_find(void *unused);

/** vCPU: doorbell 90 and device 40 were there all the time. */
void lab5_doorbells_store_always(void *unused);

/** vCPU, alone: which access rings what. */
void lab5_doorbells_rules(void *unused);

/** Host, alone: what collides, what is no doorbell. */
void lab5_doorbells_refusals(void *unused);

/** Of lab5_doorbells_add() nothing is left over. */
void lab5_doorbells_finish_added(void);

/** Of lab5_doorbells_remove() nothing is left over. */
void lab5_doorbells_finish_removed(void);

/** Of lab5_doorbells_add_others() nothing is left over. */
void lab5_doorbells_finish_others(void);

/** All of lab5_doorbells_prepare_many() are there. */
void lab5_doorbells_finish_many(void);

#endif
