/* SPDX-License-Identifier: MIT */
/* What fs/srfs/ needs of its surroundings, on the host: memory, and locks that nobody waits for. */
#pragma once

#include <stdint.h>
#include <stdlib.h>

#include "../../fs/srfs/volume.h"

#include <rt/rt.h>

/* Allocation number alloc_fails (from 1 on) says no; 0: none does. */
static uint64_t alloc_fails, allocs;

void *rt_try_alloc(size_t n)
{
	return ++allocs == alloc_fails ? NULL : calloc(1, n ? n : 1);
}

void rt_free(void *p)
{
	free(p);
}

struct srfs_lock {
	int held;
};

struct srfs_lock *srfs_lock_new(void)
{
	return calloc(1, sizeof(struct srfs_lock));
}

void srfs_lock_free(struct srfs_lock *l)
{
	free(l);
}

void srfs_lock(struct srfs *fs)
{
	if (fs->lock->held++)
		abort(); /* an operation inside another */
}

void srfs_unlock(struct srfs *fs)
{
	fs->lock->held--;
}

void srfs_sleep(struct srfs *fs)
{
	(void)fs;
	abort(); /* nothing is in flight here */
}

void srfs_broke(struct srfs *fs, int err)
{
	if (fs->broken || !err)
		abort(); /* once, and with a reason */
}

void srfs_wake(struct srfs *fs)
{
	(void)fs;
}
