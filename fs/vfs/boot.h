/* SPDX-License-Identifier: MIT */
/* The root file system at the start: the boot archive's files in memory. */
#pragma once

#include "request.h"

/* Fill the view's root from the archive that this process was given; the archive's pages are
 * borrowed, not copied.  What cannot be added is said in the log. */
void boot_fill(struct view *view);
