/* SPDX-License-Identifier: MIT */
/*
 * FIFOs (fifo(7)): a kernel stream exists while somebody has the node open; who
 * opens one side waits for the other.  The bytes never come here, the opens do: the
 * last writer's close is the readers' end of file, until the next writer.
 */
#pragma once

#include "inode.h"

#include <rt/ev.h>

/*
 * The open file (its channel is open_chan, given away with the stream) wants to read
 * or write i; answers m at once or when the other side is there.  The reply's handles:
 * the channel, then the stream's end or ends (read end first).
 */
void fifo_open(struct service *s, struct w_msg *m, struct inode *i, uint32_t flags,
	       w_handle_t open_chan);
void fifo_close(struct inode *i, uint32_t flags);
