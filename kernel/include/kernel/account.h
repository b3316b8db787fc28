/* SPDX-License-Identifier: MIT */
/*
 * Who pays for memory (design D3).  Every frame and every byte of the kernel's heap is
 * charged, when it is allocated, to the account of the process that runs: its private
 * pages, page tables, kernel objects, messages in flight.  It is given back when it is
 * freed, whoever frees it.
 *
 * proc_create() makes an account below the creator's; proc_clone() shares its parent's:
 * a program and all that it forks have one bound.  A charge counts in every account
 * up to init's and fails if one has no room, so that exhaustion is an error for
 * whoever asked.
 *
 *	AC1  used is the sum of what this account's processes and those below it hold.
 *	AC2  an account lives while it has processes, accounts below it, or something used.
 */
#pragma once

#include <kernel/lock.h>
#include <wherry/types.h>

struct account {
	uint32_t refs;	    /* [k] processes and accounts below */
	uint64_t used;	    /* [k] bytes */
	uint64_t limit;	    /* [k] of used, 0: none; moves between 0 and hard */
	uint64_t hard;	    /* [c] the creator's word, 0: none */
	bool ordinary;	    /* [c] as one above: cannot have the last memory */
	struct account *up; /* [c] counted */
};

BKL_BEGIN
/* NULL: out of memory */
struct account *account_new(struct account *up, uint64_t hard, bool ordinary);
uint64_t account_reserve(void); /* frames */
void account_get(struct account *a);
void account_put(struct account *a);
/* The running process's; NULL while the system starts: nobody pays. */
struct account *account_current(void);
bool account_charge(struct account *a, uint64_t bytes);
void account_give_back(struct account *a, uint64_t bytes);
BKL_END
