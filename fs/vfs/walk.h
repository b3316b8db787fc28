/* SPDX-License-Identifier: MIT */
/*
 * Walking paths (path_resolution(7)): from the root of the request's view, over mounts and
 * symbolic links, with search permission in each directory.
 *
 * A walk leaves its trail in the request (lease.h).  W_EXDEV: it has come to another service's
 * mount; rq->elsewhere is the path as that service knows it.
 */
#pragma once

#include "request.h"

enum {
	WALK_NOFOLLOW = 1, /* the last component may be a symbolic link itself */
};

/* *out counts. */
int walk(struct request *rq, const char *path, uint32_t flags, struct path *out);
/* Stop at the parent; the last component's name goes to last[256], "" where the path has
 * none ("/", "a/.."): then *out is the directory itself. */
int walk_parent(struct request *rq, const char *path, struct path *out, char *last);
