/* SPDX-License-Identifier: MIT */
/*
 * POSIX message queues (mq_overview(7)).  A queue is a file below /dev/mqueue, so that names,
 * permissions and lifetime are those of files; its messages are here.  Whoever must wait has a
 * pending call.  The readiness event is READABLE with a message, WRITABLE with room.
 */
#pragma once

#include "inode.h"

#include <rt/ev.h>

struct mqueue;

/* A queue for the fresh file i of user uid.  W_EMFILE: the user's queues would be too large. */
int mqueue_create(struct inode *i, uint32_t uid, uint64_t most, uint64_t size);
void mqueue_free(struct mqueue *q);
w_handle_t mqueue_event(const struct mqueue *q); /* borrows */
/* Each answers m, at once or when it can. */
void mqueue_send(struct service *s, struct w_msg *m, struct mqueue *q, bool nonblock);
void mqueue_receive(struct service *s, struct w_msg *m, struct mqueue *q, bool nonblock);
void mqueue_attr(struct service *s, struct w_msg *m, const struct mqueue *q, uint32_t flags);
void mqueue_notify(struct service *s, struct w_msg *m, struct mqueue *q);
void mqueue_process_gone(uint64_t koid); /* its requests for notice end */
