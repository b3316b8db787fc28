// SPDX-License-Identifier: MIT
/*
 * Pseudo-terminals: the master's side of a terminal (pty(7), ptmx(4)).  What programs
 * write waits in the ring for the master to read; what the master writes is typed.
 */
#include "terminal.h"

#define PTY_MAX 256

/* include/uapi/asm-generic/ioctls.h */
enum {
	TIOCGPTN = 0x80045430,
	TIOCSPTLCK = 0x40045431,
	TIOCSIG = 0x40045436,
	TIOCGPTLCK = 0x80045439,
};

static void ring_output(struct tty *tty, const char *p, size_t n)
{
	struct terminal *t = container_of(tty, struct terminal, tty);
	size_t i;

	for (i = 0; i < n && t->head - t->tail < PTY_OUT; i++) /* echo may be lost, as on Linux */
		t->out[t->head++ % PTY_OUT] = p[i];
}

struct terminal *pty_by_number(uint32_t n)
{
	struct list *l;

	list_for_each (l, &terminals) {
		struct terminal *t = list_entry(l, struct terminal, all);

		if (t->pty && t->number == n && t->master_open)
			return t;
	}
	return NULL;
}

static bool number_taken(uint32_t n)
{
	struct list *l;

	list_for_each (l, &terminals) {
		struct terminal *t = list_entry(l, struct terminal, all);

		if (t->pty && t->number == n)
			return true;
	}
	return false;
}

void pty_open_master(struct w_msg *m)
{
	struct proc_cred who;
	struct terminal *t;
	uint32_t n = 0;

	while (n < PTY_MAX && number_taken(n))
		n++;
	t = n < PTY_MAX ? terminal_new() : NULL;
	if (!t) {
		terminal_reply(m, n < PTY_MAX ? W_ENOMEM : W_ENOSPC);
		return;
	}
	cred_ask(m->sender, &who, NULL);
	t->uid = who.uid;
	t->pty = true;
	t->number = n;
	t->locked = true;
	t->tty.output = ring_output;
	t->tty.size = (struct tty_winsize){0};
	m->FS_OPEN_in_flags |= FS_O_RDWR;
	terminal_grant(m, t, true);
	if (!t->master_open)
		terminal_free(t);
}

static bool slave_gone(const struct terminal *t)
{
	return t->had_slave && !t->slaves;
}

static void update_master(struct terminal *t)
{
	uint32_t on = (t->head != t->tail ? W_READABLE : 0) |
		      (tty_room(&t->tty) > 1 ? W_WRITABLE : 0) |
		      (slave_gone(t) ? W_HUP | W_READABLE : 0);

	w_event_set(t->master_event, on, ~on & (W_READABLE | W_WRITABLE | W_HUP));
}

/* Bytes out of the ring into the call; false: there are none yet. */
static bool master_read(struct terminal *t, struct w_msg *m)
{
	static char buf[PTY_OUT];
	uint32_t n = t->head - t->tail, i;

	if (!n && !slave_gone(t))
		return false;
	if (!n) {
		terminal_reply(m, W_EIO);
		return true;
	}
	if (n > m->out_len)
		n = m->out_len;
	for (i = 0; i < n; i++)
		buf[i] = t->out[(t->tail + i) % PTY_OUT];
	m->nh = 0;
	if (service_reply_bytes(&terminal_service, m, n, buf, n) >= 0)
		t->tail += n;
	return true;
}

static bool master_write(struct terminal *t, struct w_msg *m, uint32_t *done)
{
	char *buf = service_scratch;
	uint32_t n, i;

	while (*done < m->in_len) {
		n = m->in_len - *done < 256 ? m->in_len - *done : 256;
		if (n > tty_room(&t->tty) && !(t->tty.t.lflag & TTY_ICANON))
			n = tty_room(&t->tty);
		if (!n)
			return false;
		if (w_msg_copy(terminal_service.port, m->txn, *done, buf, n, 0) < 0) {
			terminal_reply(m, *done ? (int32_t)*done : W_EFAULT);
			return true;
		}
		for (i = 0; i < n; i++)
			tty_receive(&t->tty, buf[i]);
		*done += n;
	}
	terminal_reply(m, m->in_len);
	return true;
}

static void done(struct pending *p)
{
	list_del(&p->link);
	rt_free(p);
}

void pty_master_feed(struct terminal *t)
{
	struct pending *p;

	while (!list_is_empty(&t->master_readers)) {
		p = list_first(&t->master_readers, struct pending, link);
		if (!master_read(t, &p->m))
			break;
		done(p);
	}
	while (!list_is_empty(&t->master_writers)) {
		p = list_first(&t->master_writers, struct pending, link);
		if (!master_write(t, &p->m, &p->done))
			break;
		done(p);
	}
	update_master(t);
}

static void op_read(struct w_msg *m, struct open_tty *o)
{
	struct terminal *t = o->t;

	if (!master_read(t, m)) {
		if (o->flags & FS_O_NONBLOCK)
			terminal_reply(m, W_EAGAIN);
		else
			terminal_wait(&t->master_readers, m, t);
	}
	terminal_changed(t); /* there may be room for writers now */
}

static void op_write(struct w_msg *m, struct open_tty *o)
{
	struct terminal *t = o->t;
	uint32_t sent = 0;

	if (!list_is_empty(&t->master_writers) || !master_write(t, m, &sent)) {
		if (o->flags & FS_O_NONBLOCK)
			terminal_reply(m, sent ? (int32_t)sent : W_EAGAIN);
		else if (terminal_wait(&t->master_writers, m, t))
			list_entry(t->master_writers.prev, struct pending, link)->done = sent;
	}
	terminal_changed(t);
}

static void op_ioctl(struct w_msg *m, struct open_tty *o, const char *bytes)
{
	struct terminal *t = o->t;
	uint32_t v = 0;

	memcpy(&v, bytes, m->in_len >= 4 ? 4 : 0);
	switch (o->master ? m->FS_IOCTL_in_request : 0) {
	case TIOCGPTN:
		service_reply_bytes(&terminal_service, m, 0, &t->number, 4);
		return;
	case TIOCGPTLCK:
		v = t->locked;
		service_reply_bytes(&terminal_service, m, 0, &v, 4);
		return;
	case TIOCSPTLCK:
		t->locked = v;
		break;
	case TIOCSIG:
		terminal_signal(t, v);
		break;
	default:
		terminal_reply(m, W_ENOTTY);
		return;
	}
	terminal_reply(m, 0);
}

void pty_master_call(struct w_msg *m, struct open_tty *o, const char *bytes)
{
	if (m->op == FS_READ)
		op_read(m, o);
	else if (m->op == FS_WRITE)
		op_write(m, o);
	else
		op_ioctl(m, o, bytes);
}

void pty_closed(struct terminal *t, bool master)
{
	if (master) {
		t->master_open = false;
		t->hung_up = true;
		terminal_hang_up(t);
	}
	if (t->slaves || t->master_open)
		terminal_changed(t);
	else
		terminal_free(t);
}

/* "ptmx" and the numbers of those whose master is open. */
void pty_readdir(struct w_msg *m, uint64_t *off)
{
	char *buf = service_scratch, name[12];
	size_t used = 0, len, room = m->out_len < SERVICE_BYTES ? m->out_len : SERVICE_BYTES;
	struct fs_dirent *d;
	uint32_t at;

	for (at = *off; at < PTY_MAX + 3; at++) {
		if (at >= 3 && !pty_by_number(at - 3))
			continue;
		if (at >= 3)
			fmt(name, sizeof(name), "%u", at - 3);
		else
			strlcpy(name, at == 0 ? "." : at == 1 ? ".." : "ptmx", sizeof(name));
		len = (offsetof(struct fs_dirent, name) + strlen(name) + 1 + 7) & ~7ul;
		if (used + len > room)
			break;
		d = (struct fs_dirent *)(buf + used);
		d->ino = at + 1;
		d->next = at + 1;
		d->len = len;
		d->type = at < 2 ? 4 : 2;
		strlcpy(d->name, name, len - offsetof(struct fs_dirent, name));
		used += len;
	}
	*off = at;
	service_reply_bytes(&terminal_service, m, used, buf, used);
}
