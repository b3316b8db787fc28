/* SPDX-License-Identifier: MIT */
/*
 * The root file system at the start: in memory, filled from the boot archive, whose pages are
 * borrowed; the archive itself, read-only; or on a disk, which the archive fills when it is
 * empty.  The boot option root= says which: ram, flatfs (the archive), srfs (the first partition
 * of that type), or a device's name (vda2), which has a flatfs or an srfs.
 */
#pragma once

#include "request.h"

/* In a fiber.  A disk that should be there and is not ends in one in memory, and a line that
 * says so. */
struct view *boot_root(void);
