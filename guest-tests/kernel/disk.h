/** @file
 * A driver for the virtio disk, the smallest that there can be.
 */
#ifndef GUEST_TESTS_KERNEL_DISK_H
#define GUEST_TESTS_KERNEL_DISK_H

#include "guest-tests/kernel/chips.h"

/**
 * Try the disk of DISK=, four sectors at least: read it, write to it and read
 * that back, by chains of both kinds, and ask for what is not there.  Tells the
 * sum of the bytes that were in its first two sectors, and what was wrong.
 */
void disk_try(const struct chips_console *console);

#endif
