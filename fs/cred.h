/* SPDX-License-Identifier: MIT */
/*
 * Who calls, and what they may do (credentials(7), path_resolution(7)).
 *
 * procd is the authority: it is asked once per process, and not before it matters who a
 * caller is (what everybody may, he may too).  Of the processes that we asked about it
 * tells us when they change their credentials or are gone.  Those notes are queued before
 * the change is answered, so no call of that process comes between.
 */
#pragma once

#include "ramfs.h"

#include <rt/cred.h>

void cred_enter(uint64_t koid); /* the call being served is of process koid */
void cred_enter_self(void);	/* it is nobody's: we ourselves may all */
/* The caller's; NULL: ourselves.  From now on procd tells us of him. */
const struct proc_cred *cred_me(void);
/* Let the call go on with other credentials of the same process. */
void cred_assume(const struct proc_cred *c);
void cred_forget(uint64_t koid);
bool cred_is_procd(uint64_t koid); /* may send notes */
bool cred_may(const struct node *n, uint32_t mode);
bool cred_owns(const struct node *n); /* root or the owner */
/* May the entry n of dir be removed or renamed (write, search, sticky bit)? */
bool cred_may_remove(const struct node *dir, const struct node *n);
