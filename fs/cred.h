/* SPDX-License-Identifier: MIT */
/*
 * Who calls, and what they may do (credentials(7), path_resolution(7)).
 *
 * procd is the authority: it is asked once per process, and tells us when a process
 * changes its credentials or is gone.  Those notes are queued before the change is
 * answered, so no call of that process comes between.
 */
#pragma once

#include "ramfs.h"

#include <rt/cred.h>

extern const struct proc_cred *me; /* of the call being served; NULL: ourselves, may all */

void cred_enter(uint64_t koid); /* sets me */
void cred_forget(uint64_t koid);
bool cred_is_procd(uint64_t koid); /* may send notes */
bool cred_may(const struct node *n, uint32_t mode);
bool cred_owns(const struct node *n); /* root or the owner */
/* May the entry n of dir be removed or renamed (write, search, sticky bit)? */
bool cred_may_remove(const struct node *dir, const struct node *n);
