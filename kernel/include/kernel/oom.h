/* SPDX-License-Identifier: MIT */
/*
 * When the machine's memory is used up.  Not whoever happens to ask next has to end, but the
 * one who has most: of all programs (ordinary processes) those count together that share an
 * account, a program and all that it forks, and of those the process with most pages goes.
 * Whoever asked waits for what it had, and asks again.
 *
 * A process that is at its own account's limit gets nothing by this: it hears ENOMEM, or
 * ends.
 */
#pragma once

#include <kernel/lock.h>
#include <stdbool.h>

BKL_BEGIN
/* The running process has been refused memory.  True: some comes, let it ask again (after
 * others have run: resched is set).  False: it is the one that has most, or there is no
 * shortage. */
bool oom_make_room(void);
BKL_END
