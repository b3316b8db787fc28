/* SPDX-License-Identifier: MIT */
/*
 * Locks on files: POSIX record locks belong to a process (fcntl_locking(2)) and go
 * when it closes any descriptor of the file; flock(2) locks and record locks by F_OFD_* belong
 * to the open file.  Record locks of both owners conflict with each other.
 * Calls that wait are answered when the lock is theirs, or their caller is gone.
 */
#pragma once

#include "inode.h"

#include <rt/ev.h>

struct locks; /* of one file; NULL while it has none */

/* Answers m, at once or later. */
void lock_record(struct service *s, struct w_msg *m, struct inode *i, const void *open_file);
void lock_flock(struct service *s, struct w_msg *m, struct inode *i, const void *open_file);
void lock_close(struct inode *i, uint64_t koid); /* the process's record locks */
void lock_end(struct inode *i, const void *open_file);
void lock_process_gone(uint64_t koid);
