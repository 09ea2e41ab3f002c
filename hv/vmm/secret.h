/** @file
 * A secret that a hostile guest must not come to see.
 *
 * It is a word made of the run's nonce.  It is written to every page that is
 * free, to a page of the guest's own VM which is in no slot, and to the image's
 * data.  Wherever the guest finds it, memory of the hypervisor was readable.
 */
#ifndef HV_VMM_SECRET_H
#define HV_VMM_SECRET_H

#include "hv/vmm/bed.h"

/** Hide it.  @param bed with its VM @return 0 or -ENOMEM */
int secret_hide(struct bed *bed) __must_check;

/** When a hostile test has ended, in whatever way: if the secret is in the
 * guest's memory or in a register, that is the verdict. */
void secret_judge(struct bed *bed);

#endif
