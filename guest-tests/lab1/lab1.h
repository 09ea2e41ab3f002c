/** @file
 * What the tests of lab 1 share: they run without the MMIO cache.
 *
 * With it the fault handler would be asked about a device's page once and never
 * again while the slots stay, and a mistake in it would hide behind that.
 */
#ifndef GUEST_TESTS_LAB1_LAB1_H
#define GUEST_TESTS_LAB1_LAB1_H

#define TEST_FLAGS TEST_NO_MMIO_CACHE

#include "guest-tests/lib/cache.h"
#include "guest-tests/lib/test.h"

#endif
