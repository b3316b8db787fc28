// SPDX-License-Identifier: MIT
/*
 * The console: a 16550 at COM1 (PC16550D data sheet) under one terminal, served
 * with the fs protocol so that a descriptor of it behaves like any file.
 *
 * A read without input stays a pending call; ^C and friends go to procd, which
 * knows process groups.
 */
#include "tty.h"

#include <rt/module.h>
#include <wherry/fs.h>

#define COM1 0x3f8
#define COM1_IRQ 4
enum { RBR = 0, THR = 0, IER = 1, IIR = 2, FCR = 2, LCR = 3, MCR = 4, LSR = 5 };
#define LSR_DATA 1
#define LSR_THRE 0x20

/* include/uapi/asm-generic/ioctls.h */
enum {
	TCGETS = 0x5401,
	TCSETS,
	TCSETSW,
	TCSETSF,
	TCSBRK = 0x5409,
	TCXONC,
	TCFLSH,
	TIOCSCTTY = 0x540e,
	TIOCGPGRP,
	TIOCSPGRP,
	TIOCGWINSZ = 0x5413,
	TIOCSWINSZ,
	FIONREAD = 0x541b,
	TIOCNOTTY = 0x5422,
	TIOCGSID = 0x5429,
	TCSBRKP = 0x5425,
};

struct reader {
	struct list link;
	struct w_msg m;
};

struct open_tty { /* one per open: the badge */
	uint32_t flags;
};

static struct tty tty;
static struct service service;
static struct ev_source irq_src;
static w_handle_t uart, irq, ready_event, proc;
static struct list readers = LIST_INIT(readers);
static uint32_t foreground, session;

static int reg_in(int r)
{
	return w_ioport_in(uart, r, 1);
}

static void uart_output(struct tty *t, const char *p, size_t n)
{
	size_t i;
	int spins;

	(void)t;
	for (i = 0; i < n; i++) {
		/* 16 bytes fit once the holding register is empty */
		for (spins = 0; i % 16 == 0 && !(reg_in(LSR) & LSR_THRE) && spins < 100000; spins++)
			;
		w_ioport_out(uart, THR, 1, (uint8_t)p[i]);
	}
}

static void send_signal(struct tty *t, int sig)
{
	struct w_msg m = {.op = PROC_SIGNAL_GROUP};

	(void)t;
	if (!foreground)
		return;
	if (!proc)
		proc = rt_lookup("proc");
	m.PROC_SIGNAL_GROUP_in_pgid = foreground;
	m.PROC_SIGNAL_GROUP_in_sig = sig;
	w_chan_send(proc, &m);
}

static void update_ready(void)
{
	bool r = tty_readable(&tty);

	w_event_set(ready_event, r ? W_READABLE : 0, r ? 0 : W_READABLE);
}

static void feed_readers(void)
{
	char buf[1024];
	struct reader *r;
	struct tty before;
	size_t n;

	while (!list_is_empty(&readers) && tty_readable(&tty)) {
		r = list_first(&readers, struct reader, link);
		list_del(&r->link);
		before = tty;
		n = tty_read(&tty, buf, r->m.out_len < sizeof(buf) ? r->m.out_len : sizeof(buf));
		if (service_reply_bytes(&service, &r->m, n, buf, n) < 0)
			tty = before; /* the reader went away: the next one gets it */
		rt_free(r);
	}
	update_ready();
}

static void uart_ready(struct ev_source *s, uint32_t bits)
{
	(void)s;
	(void)bits;
	reg_in(IIR);
	w_irq_ack(irq);
	while (reg_in(LSR) & LSR_DATA)
		tty_receive(&tty, reg_in(RBR));
	feed_readers();
}

static void op_read(struct w_msg *m, const struct open_tty *o)
{
	struct reader *r;

	if (o->flags & FS_O_NONBLOCK && !tty_readable(&tty)) {
		service_reply(&service, m, W_EAGAIN);
		return;
	}
	r = rt_try_alloc(sizeof(*r));
	if (!r) {
		service_reply(&service, m, W_ENOMEM);
		return;
	}
	r->m = *m;
	list_append(&readers, &r->link);
	feed_readers();
}

static void op_write(struct w_msg *m)
{
	uint32_t done, n;

	for (done = 0; done < m->in_len; done += n) {
		n = m->in_len - done < SERVICE_BYTES ? m->in_len - done : SERVICE_BYTES;
		if (w_msg_copy(service.port, m->txn, done, service.bytes, n, 0) < 0) {
			service_reply(&service, m, W_EFAULT);
			return;
		}
		tty_write(&tty, service.bytes, n);
	}
	service_reply(&service, m, m->in_len);
}

static void sender_info(uint64_t koid, uint32_t *pid, uint32_t *sid)
{
	struct w_msg m = {.op = PROC_INFO};

	if (!proc)
		proc = rt_lookup("proc");
	m.PROC_INFO_in_koid = koid;
	if (rt_call(proc, &m) < 0)
		return;
	*pid = m.PROC_INFO_out_pid;
	*sid = m.PROC_INFO_out_sid;
}

static void set_termios(struct w_msg *m, const char *bytes)
{
	bool was_canonical = tty.t.lflag & TTY_ICANON;

	memcpy(&tty.t, bytes, sizeof(tty.t));
	if (m->FS_IOCTL_in_request == TCSETSF)
		tty_flush_input(&tty);
	if (was_canonical && !(tty.t.lflag & TTY_ICANON))
		tty.line = tty.end;
	service_reply(&service, m, 0);
	feed_readers();
}

static void op_ioctl(struct w_msg *m, const char *bytes)
{
	uint32_t v = 0, pid = 0, sid = 0;

	memcpy(&v, bytes, m->in_len >= 4 ? 4 : 0);
	switch (m->FS_IOCTL_in_request) {
	case TCGETS:
		service_reply_bytes(&service, m, 0, &tty.t, sizeof(tty.t));
		return;
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
		if (m->in_len >= sizeof(tty.t)) {
			set_termios(m, bytes);
			return;
		}
		break;
	case TIOCGWINSZ:
		service_reply_bytes(&service, m, 0, &tty.size, sizeof(tty.size));
		return;
	case TIOCSWINSZ:
		if (m->in_len >= sizeof(tty.size))
			memcpy(&tty.size, bytes, sizeof(tty.size));
		send_signal(&tty, 28); /* SIGWINCH */
		service_reply(&service, m, 0);
		return;
	case TIOCGPGRP:
		service_reply_bytes(&service, m, 0, &foreground, 4);
		return;
	case TIOCSPGRP:
		foreground = v;
		service_reply(&service, m, 0);
		return;
	case TIOCGSID:
		service_reply_bytes(&service, m, 0, &session, 4);
		return;
	case TIOCSCTTY:
		sender_info(m->sender, &pid, &sid);
		session = foreground = sid;
		service_reply(&service, m, sid == pid ? 0 : W_EPERM);
		return;
	case TCFLSH:
		tty_flush_input(&tty);
		update_ready();
		service_reply(&service, m, 0);
		return;
	case FIONREAD:
		v = (tty.t.lflag & TTY_ICANON ? tty.line : tty.end) - tty.start;
		service_reply_bytes(&service, m, 0, &v, 4);
		return;
	case TCSBRK:
	case TCSBRKP:
	case TCXONC:
	case TIOCNOTTY:
		service_reply(&service, m, 0);
		return;
	}
	service_reply(&service, m, W_EINVAL);
}

static void op_stat(struct w_msg *m)
{
	struct fs_stat st = {
		.ino = 5, .mode = FS_S_IFCHR | 0620, .nlink = 1, .rdev = 5 << 8 | 1, .dev = 5};

	st.atime = st.mtime = st.ctime = rt_wall();
	service_reply_bytes(&service, m, 0, &st, sizeof(st));
}

static void op_open(struct w_msg *m)
{
	struct open_tty *o = rt_try_alloc(sizeof(*o));
	uint32_t pid = 0, sid = 0;

	if (!o) {
		service_reply(&service, m, W_ENOMEM);
		return;
	}
	o->flags = m->FS_OPEN_in_flags;
	if (!(o->flags & FS_O_NOCTTY)) { /* a session leader takes the terminal over */
		sender_info(m->sender, &pid, &sid);
		if (pid && sid == pid)
			session = foreground = sid;
	}
	m->h[0] = service_mint(&service, (uint64_t)o);
	m->nh = 1;
	m->FS_OPEN_out_mode = FS_S_IFCHR | 0620;
	if (service_reply(&service, m, 0) < 0)
		w_handle_close(m->h[0]);
}

static void op_event(struct w_msg *m)
{
	m->h[0] = w_handle_dup(ready_event, W_READ | W_DUP);
	m->nh = 1;
	service_reply(&service, m, 0);
}

static void op_flags(struct w_msg *m, struct open_tty *o)
{
	uint32_t mask = m->FS_FLAGS_in_mask & (FS_O_NONBLOCK | FS_O_APPEND);

	o->flags = (o->flags & ~mask) | (m->FS_FLAGS_in_value & mask);
	m->FS_FLAGS_out_flags = o->flags;
	service_reply(&service, m, 0);
}

static void call(struct service *s, struct w_msg *m)
{
	struct open_tty *o = (struct open_tty *)m->badge;

	if (m->op == FS_OPEN && !o) {
		op_open(m);
	} else if (m->op == W_OP_CLOSED) {
		rt_free(o);
	} else if (!o) {
		service_reply(s, m, W_EINVAL);
	} else if (m->op == FS_READ) {
		op_read(m, o);
	} else if (m->op == FS_WRITE) {
		op_write(m);
	} else if (m->op == FS_IOCTL) {
		op_ioctl(m, s->bytes);
	} else if (m->op == FS_STAT) {
		op_stat(m);
	} else if (m->op == FS_EVENT) {
		op_event(m);
	} else if (m->op == FS_FLAGS) {
		op_flags(m, o);
	} else {
		service_reply(s, m, m->op == FS_SEEK ? W_ESPIPE : W_EINVAL);
	}
}

static void uart_start(void)
{
	struct w_msi unused;
	int64_t p = w_ioport_create(W_H_IOROOT, COM1, 8);
	int64_t i = w_irq_create(W_H_IOROOT, W_IRQ_GSI, COM1_IRQ, &unused);

	if (p < 0 || i < 0)
		rt_die("console: no serial port: errors %ld %ld", p, i);
	uart = p;
	irq = i;
	w_ioport_out(uart, LCR, 1, 3);	  /* 8n1 */
	w_ioport_out(uart, FCR, 1, 0xc7); /* FIFOs on, cleared */
	w_ioport_out(uart, MCR, 1, 0x0b); /* DTR, RTS, OUT2: interrupts reach the PIC */
	w_ioport_out(uart, IER, 1, 1);	  /* received data */
	irq_src.fn = uart_ready;
	ev_add(&irq_src, irq, W_READABLE);
}

static void start(void)
{
	int64_t e = w_event_create(W_WRITABLE);

	if (e < 0)
		rt_die("console: no event");
	ready_event = e;
	tty_init(&tty);
	tty.output = uart_output;
	tty.signal = send_signal;
	uart_start();
	service.call = call;
	service_start(&service, "console");
	uart_ready(&irq_src, 0); /* what came before we listened */
}

const struct module console_module = {"console", start};
