/* SPDX-License-Identifier: MIT */
/*
 * Terminals as files: the serial console and pseudo-terminals (pty(7)) behind the fs
 * protocol.  A terminal joins a line discipline (tty.h), those who wait to read or
 * write it, and the session that it controls.
 *
 * Calls that must wait stay pending; they are looked at again whenever input, room
 * for output or the terminal's state changes (terminal_changed()).
 */
#pragma once

#include "tty.h"

#include <rt/cred.h>
#include <rt/ev.h>
#include <wherry/fs.h>

#define PTY_OUT 8192 /* bytes that a program may be ahead of the master's reader */

struct terminal {
	struct list all;
	struct tty tty;
	uint32_t session, foreground; /* 0: controls none */
	struct list readers, writers; /* struct pending, of the terminal side */
	w_handle_t event;	      /* readiness of the terminal side */
	uint32_t mode, uid, gid;
	uint64_t changed;

	/* pseudo-terminals only */
	bool pty, locked, master_open;
	bool hung_up; /* the master is gone */
	uint32_t number, slaves;
	bool had_slave;
	char out[PTY_OUT]; /* to the master: [tail, head) modulo PTY_OUT */
	uint32_t head, tail;
	struct list master_readers, master_writers;
	w_handle_t master_event;
};

struct pending {
	struct list link;
	struct w_msg m;
	uint32_t done;	       /* bytes already written */
	struct ev_timer timer; /* VTIME */
	struct terminal *t;
	bool timed_out;
};

/* One per open: the badge of its channel. */
struct open_tty {
	struct terminal *t;
	bool master;
	uint64_t flags; /* of the directory: the offset of readdir */
};

extern struct service terminal_service;
extern struct terminal *console;
extern struct list terminals;

struct terminal *terminal_new(void); /* NULL: no memory */
void terminal_changed(struct terminal *t);
void terminal_signal(struct terminal *t, int sig); /* to the foreground group */
void terminal_hang_up(struct terminal *t);	   /* its session loses it */
void terminal_reply(struct w_msg *m, int32_t status);
bool terminal_wait(struct list *l, struct w_msg *m, struct terminal *t); /* false: answered */
void terminal_drop(struct list *l, int32_t status);
void terminal_grant(struct w_msg *m, struct terminal *t, bool master); /* answers an open */
void terminal_free(struct terminal *t);

/* pty.c: the master's side */
void pty_open_master(struct w_msg *m);
struct terminal *pty_by_number(uint32_t n);
void pty_master_call(struct w_msg *m, struct open_tty *o, const char *bytes);
void pty_master_feed(struct terminal *t);
void pty_closed(struct terminal *t, bool master);
void pty_readdir(struct w_msg *m, uint64_t *off);

/* uart.c: the console's line */
void uart_start(struct terminal *t);
