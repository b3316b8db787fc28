/* SPDX-License-Identifier: MIT */
/*
 * One request while it is served, in a fiber of its own: who asks, what of a tree he sees, and
 * what the walk met on the way.  Each request is answered once.
 */
#pragma once

#include "mount.h"

#include <rt/ev.h>

#define VFS_PATH 4096 /* PATH_MAX: with its NUL */
#define TRAIL_MOST (FS_TRAIL + 1)

struct request {
	struct w_msg *m;
	char *bytes; /* what was lent, at most SERVICE_BYTES, terminated */
	struct view *view;
	/* who (permission.h) */
	uint64_t koid; /* 0: we ourselves */
	const struct proc_cred *cred;
	struct known *known; /* counted: owns what cred points to */
	/* the trail of the last walk (lease.h) */
	uint32_t met[FS_TRAIL], nmet;
	/* where a walk that failed with W_EXDEV goes on */
	char *elsewhere; /* VFS_PATH bytes */
};

extern struct service vfs_service;
extern struct view *vfs_view; /* the first one: of who was given no other */

void request_begin(struct request *rq, struct w_msg *m, char *bytes, struct view *view);
void request_end(struct request *rq);
void reply(struct request *rq, int64_t status);
/* h: a handle that is given away, or the error. */
void reply_handle(struct request *rq, int64_t h);
void reply_bytes(struct request *rq, int64_t status, const void *p, uint32_t n);

/* "first NUL second" of the lent bytes: the second; NULL: there is none. */
const char *request_second(const struct request *rq);
