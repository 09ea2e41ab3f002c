/** @file
 * Which of the two copies of the bus' file is run.
 */
#ifndef HV_STALE_STALE_SWITCH_H
#define HV_STALE_STALE_SWITCH_H

#include "bus/types.h"

/**
 * Switch between the copy that is led to the shim and the plain one.
 * @param stale which
 * @return false: another CPU is busy, nothing has changed
 * For CPU 0, while no function of the bus is being run.
 */
bool stale_switch(bool stale) __must_check;

#endif
