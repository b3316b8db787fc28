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

#include "request.h"

#include <rt/cred.h>

/* The caller's; NULL: ourselves.  From now on procd tells us of him. */
const struct proc_cred *permission_cred(struct request *rq);
void permission_release(struct request *rq);
void permission_forget(uint64_t koid);
bool permission_from_procd(uint64_t koid); /* may send notes */

bool may(struct request *rq, const struct inode *i, uint32_t bits);
bool may_all(struct request *rq);		      /* root, or ourselves */
bool owns(struct request *rq, const struct inode *i); /* root or the owner */
/* May the entry i of dir be removed or renamed (write, search, sticky bit)?  0, EPERM, EACCES. */
int may_remove(struct request *rq, const struct inode *dir, const struct inode *i);
/* May he set the set-group-id bit of what is that group's?  Its members, and root. */
bool may_give_group(struct request *rq, uint32_t gid);
/*
 * The set-id bits that go with another owner or content.  The set-group-id bit without execution
 * for the group means mandatory locking: it stays, if he may have set it.
 */
uint32_t passing_bits(struct request *rq, const struct inode *i);
/* What a write by the caller leaves of the mode (set-id bits go, unless he may all). */
uint32_t mode_after_write(struct request *rq, const struct inode *i);
