/* SPDX-License-Identifier: MIT */
/*
 * Who a caller is, and what the permission bits of a file let him do (credentials(7),
 * path_resolution(7)).  For servers: what is behind a channel that every program holds is
 * theirs to protect, whatever the Linux personality has checked before.
 *
 * procd is the authority.  cred_ask() calls it each time; a service that must not pay that
 * for every request keeps the answer and listens to procd's notes (fs/cred.c).
 */
#pragma once

#include <rt/rt.h>
#include <wherry/proc.h>

enum { MAY_X = 1, MAY_W = 2, MAY_R = 4 };

/* The effective ids of the process koid.  Who is not known to procd is nobody, and the
 * result is false.  *procd (may be NULL): procd's own koid, so that its notes are known. */
bool cred_ask(uint64_t koid, struct proc_cred *out, uint64_t *procd);
bool cred_member(const struct proc_cred *c, uint32_t gid);
bool cred_allows(const struct proc_cred *c, uint32_t mode, uint32_t uid, uint32_t gid,
		 uint32_t bits);
/* What opening with these FS_O_* flags asks for. */
uint32_t cred_open_bits(uint32_t flags);
