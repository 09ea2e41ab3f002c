/** @file
 * Error numbers for "the environment said no".
 *
 * exit49 keeps four kinds of error apart (docs/style.md): our own bug is a
 * panic, the guest's mistake is a struct exception, an instruction or exit
 * that we do not support stops that VM, and everything else - a range that
 * overlaps, no memory left - is one of these numbers, returned negative.
 * Values are Linux's, so that they read the same in both worlds.  On the host
 * <errno.h> may have defined them already, to the same values.
 */
#ifndef BUS_ERRNO_H
#define BUS_ERRNO_H

#ifndef EINVAL
#define ENOENT 2
#define EINTR 4
#define EIO 5
#define E2BIG 7
#define ENOEXEC 8
#define EAGAIN 11
#define ENOMEM 12
#define EFAULT 14
#define EBUSY 16
#define EEXIST 17
#define ENODEV 19
#define EINVAL 22
#define ENOSPC 28
#define ERANGE 34
#define EOPNOTSUPP 95
#endif

#endif
