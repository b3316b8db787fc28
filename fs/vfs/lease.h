/* SPDX-License-Identifier: MIT */
/*
 * Leases: what a process may keep in mind of a path, and for how long.
 *
 * There is a page of counters that every process may read and only we write.  Each file has
 * one of them (others may have the same), and it grows whenever something changes that
 * stat(2), a walk or an open of the file depends on.  An answer about a path comes with the
 * numbers of the counters of all files that the walk met and their sum at that moment: while
 * the sum is the same, so is the answer, and nobody needs to ask.
 *
 * An open of a file for reading may also outlive its close.  The process *parks* it: it
 * writes so into a page that it shares with us, and may take it back by itself.  A parked
 * open keeps no file alive: when the last name goes, we revoke it.  The page is the process's
 * own; what it writes there can hurt only its own opens.
 */
#pragma once

#include "request.h"

struct lease_client;

/* Part of an open file; all zero: it cannot be parked. */
struct parking {
	struct list of_inode;	     /* in inode_state.parkings */
	struct list of_client;	     /* in lease_client.opens */
	struct lease_client *client; /* NULL: this open cannot be parked */
	uint32_t slot, seen;	     /* of fs_parking; how often it was taken back, as we know */
	void (*revoked)(struct parking *p); /* it was parked, and is to let go of its file */
};

void lease_init(void);
w_handle_t lease_counters(void);	   /* the memory object; borrows */
void lease_changed(const struct inode *i); /* its attributes, entries, or who may open it */

/* The trail of a walk: begun by walk(), which reports each file it meets. */
void lease_begin(struct request *rq);
void lease_visit(struct request *rq, const struct inode *i);
/* The last walk's trail and sum, for the answer; trail[0] is 0 when it met too many. */
void lease_end(const struct request *rq, uint64_t trail[2], uint64_t *sum);

/* Process koid lends us the page where it parks (mem is ours from now on). */
int lease_client_new(uint64_t koid, w_handle_t mem);
void lease_client_gone(uint64_t koid);
/* The open of i is the client's slot; false: that is no slot of his. */
bool lease_park(struct parking *p, uint64_t koid, uint32_t slot, struct inode *i);
bool lease_reopened(struct parking *p); /* since the last call: its offset is 0 again */
void lease_closed(struct parking *p);
void lease_revoke(struct inode *i); /* the file's last name is gone: parked opens end */
