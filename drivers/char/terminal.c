// SPDX-License-Identifier: MIT
#include "terminal.h"

#include <rt/module.h>
#include <wherry/signal.h>

/* include/uapi/asm-generic/ioctls.h */
enum {
	TCGETS = 0x5401,
	TCSETS,
	TCSETSW,
	TCSETSF,
	TCSBRK = 0x5409,
	TCXONC,
	TCFLSH,
	TIOCEXCL,
	TIOCNXCL,
	TIOCSCTTY,
	TIOCGPGRP,
	TIOCSPGRP,
	TIOCOUTQ,
	TIOCGWINSZ = 0x5413,
	TIOCSWINSZ,
	FIONREAD = 0x541b,
	TIOCNOTTY = 0x5422,
	TCSBRKP = 0x5425,
	TIOCGSID = 0x5429,
	TIOCVHANGUP = 0x5437,
};

struct who {
	uint32_t pid, pgid, sid;
};

struct service terminal_service;
struct terminal *console;
struct list terminals = LIST_INIT(terminals);
static w_handle_t proc;
static uint64_t procd_koid;

void terminal_reply(struct w_msg *m, int32_t status)
{
	m->nh = 0;
	service_reply(&terminal_service, m, status);
}

static struct who who_is(uint64_t koid)
{
	struct w_msg m = {.op = PROC_INFO};

	if (!proc)
		proc = rt_lookup("proc");
	m.PROC_INFO_in_koid = koid;
	if (rt_call(proc, &m) < 0)
		return (struct who){0, 0, 0};
	procd_koid = m.PROC_INFO_out_procd;
	return (struct who){m.PROC_INFO_out_pid, m.PROC_INFO_out_pgid, m.PROC_INFO_out_sid};
}

static void signal_group(uint32_t pgid, uint32_t sid, int sig)
{
	struct w_msg m = {.op = PROC_SIGNAL_GROUP};

	if (!proc)
		proc = rt_lookup("proc");
	m.PROC_SIGNAL_GROUP_in_pgid = pgid;
	m.PROC_SIGNAL_GROUP_in_sid = sid;
	m.PROC_SIGNAL_GROUP_in_sig = sig;
	w_chan_send(proc, &m);
}

void terminal_signal(struct terminal *t, int sig)
{
	if (t->foreground)
		signal_group(t->foreground, 0, sig);
}

void terminal_hang_up(struct terminal *t)
{
	if (t->session)
		signal_group(0, t->session, SIGHUP);
	terminal_signal(t, SIGHUP);
	terminal_signal(t, SIGCONT);
	t->session = t->foreground = 0;
}

static void discipline_signal(struct tty *tty, int sig)
{
	terminal_signal(container_of(tty, struct terminal, tty), sig);
}

/* ---- life ---- */

struct terminal *terminal_new(void)
{
	struct terminal *t = rt_try_alloc(sizeof(*t));
	int64_t e[2];

	if (!t)
		return NULL;
	e[0] = w_event_create(W_WRITABLE);
	e[1] = w_event_create(W_WRITABLE);
	if (e[0] < 0 || e[1] < 0) {
		if (e[0] > 0)
			w_handle_close(e[0]);
		rt_free(t);
		return NULL;
	}
	t->event = e[0];
	t->master_event = e[1];
	list_init(&t->readers);
	list_init(&t->writers);
	list_init(&t->master_readers);
	list_init(&t->master_writers);
	t->mode = FS_S_IFCHR | 0620;
	t->gid = 5; /* tty */
	t->changed = rt_wall();
	tty_init(&t->tty);
	t->tty.signal = discipline_signal;
	list_append(&terminals, &t->all);
	return t;
}

void terminal_free(struct terminal *t)
{
	terminal_drop(&t->readers, 0);
	terminal_drop(&t->writers, W_EIO);
	terminal_drop(&t->master_readers, W_EIO);
	terminal_drop(&t->master_writers, W_EIO);
	list_del(&t->all);
	w_handle_close(t->event);
	w_handle_close(t->master_event);
	rt_free(t);
}

static void pending_done(struct pending *p)
{
	list_del(&p->link);
	ev_timer_set(&p->timer, 0);
	rt_free(p);
}

bool terminal_wait(struct list *l, struct w_msg *m, struct terminal *t)
{
	struct pending *p = rt_try_alloc(sizeof(*p));

	if (!p) {
		terminal_reply(m, W_ENOMEM);
		return false;
	}
	p->m = *m;
	p->t = t;
	list_append(l, &p->link);
	return true;
}

void terminal_drop(struct list *l, int32_t status)
{
	struct pending *p;

	while (!list_is_empty(l)) {
		p = list_first(l, struct pending, link);
		terminal_reply(&p->m, status);
		pending_done(p);
	}
}

/* ---- reading ---- */

/* Is there enough for a reader who can take room bytes? (termios(3), VMIN and VTIME) */
static bool enough(const struct terminal *t, const struct pending *p)
{
	const struct tty *tty = &t->tty;
	size_t have = tty_available(tty), min = tty->t.cc[TTY_VMIN];

	if (t->hung_up || tty->t.lflag & TTY_ICANON)
		return t->hung_up || tty_readable(tty);
	if (p->timed_out || (!min && !tty->t.cc[TTY_VTIME]))
		return true;
	if (min > p->m.out_len)
		min = p->m.out_len;
	return have && have >= min;
}

static void vtime_fired(struct ev_timer *timer)
{
	struct pending *p = container_of(timer, struct pending, timer);

	p->timed_out = true;
	terminal_changed(p->t);
}

/* The inter-byte timer starts with the first byte; without VMIN with the read. */
static void arm_vtime(struct terminal *t, struct pending *p)
{
	const uint8_t *cc = t->tty.t.cc;

	if (t->tty.t.lflag & TTY_ICANON || !cc[TTY_VTIME] || p->timer.at ||
	    (cc[TTY_VMIN] && !tty_available(&t->tty)))
		return;
	p->timer.fn = vtime_fired;
	ev_timer_set(&p->timer, rt_now() + cc[TTY_VTIME] * 100000000ull);
}

static void feed_readers(struct terminal *t)
{
	static char buf[TTY_BUF];
	static struct tty before;
	struct pending *p;
	size_t n;

	while (!list_is_empty(&t->readers)) {
		p = list_first(&t->readers, struct pending, link);
		if (!enough(t, p)) {
			arm_vtime(t, p);
			break;
		}
		before = t->tty;
		n = t->hung_up ? 0
			       : tty_read(&t->tty, buf,
					  p->m.out_len < sizeof(buf) ? p->m.out_len : sizeof(buf));
		p->m.nh = 0;
		if (service_reply_bytes(&terminal_service, &p->m, n, buf, n) < 0)
			t->tty = before; /* the reader went away: the next one gets it */
		pending_done(p);
	}
}

/* ---- writing ---- */

static size_t output_room(const struct terminal *t)
{
	if (t->tty.stopped)
		return 0;
	/* a newline becomes two, a tab eight */
	return t->pty ? (PTY_OUT - (t->head - t->tail)) / 8 : SERVICE_BYTES;
}

/* Goes on with a write; true: answered. */
static bool write_more(struct terminal *t, struct w_msg *m, uint32_t *done)
{
	char *buf = service_scratch;
	uint32_t n;

	if (t->hung_up) {
		terminal_reply(m, W_EIO);
		return true;
	}
	while (*done < m->in_len) {
		n = m->in_len - *done < SERVICE_BYTES ? m->in_len - *done : SERVICE_BYTES;
		if (n > output_room(t))
			n = output_room(t);
		if (!n)
			return false;
		if (w_msg_copy(terminal_service.port, m->txn, *done, buf, n, 0) < 0) {
			terminal_reply(m, *done ? (int32_t)*done : W_EFAULT);
			return true;
		}
		tty_write(&t->tty, buf, n);
		*done += n;
		if (t->pty)
			pty_master_feed(t);
	}
	terminal_reply(m, m->in_len);
	return true;
}

static void feed_writers(struct terminal *t)
{
	struct pending *p;

	while (!list_is_empty(&t->writers)) {
		p = list_first(&t->writers, struct pending, link);
		if (!write_more(t, &p->m, &p->done))
			break;
		pending_done(p);
	}
}

static void update_event(struct terminal *t)
{
	uint32_t on = (tty_readable(&t->tty) ? W_READABLE : 0) | (output_room(t) ? W_WRITABLE : 0) |
		      (t->hung_up ? W_READABLE | W_WRITABLE | W_HUP : 0);

	w_event_set(t->event, on, ~on & (W_READABLE | W_WRITABLE | W_HUP));
}

void terminal_changed(struct terminal *t)
{
	feed_readers(t);
	feed_writers(t);
	if (t->pty)
		pty_master_feed(t);
	update_event(t);
}

/* ---- job control (POSIX.1-2017, 11.1.4) ---- */

static bool background(const struct terminal *t, uint64_t koid)
{
	struct who w;

	if (!t->session)
		return false;
	w = who_is(koid);
	return w.sid == t->session && w.pgid != t->foreground;
}

static void op_read(struct w_msg *m, struct open_tty *o)
{
	struct terminal *t = o->t;
	struct pending now = {.m = *m};

	if (background(t, m->sender)) {
		terminal_reply(m, FS_BACKGROUND);
		return;
	}
	if (o->flags & FS_O_NONBLOCK && !enough(t, &now) && !tty_available(&t->tty)) {
		terminal_reply(m, W_EAGAIN);
		return;
	}
	if (!terminal_wait(&t->readers, m, t))
		return;
	if (o->flags & FS_O_NONBLOCK)
		list_entry(t->readers.prev, struct pending, link)->timed_out = true;
	terminal_changed(t);
}

static void op_write(struct w_msg *m, struct open_tty *o)
{
	struct terminal *t = o->t;
	uint32_t done = 0;

	if (t->tty.t.lflag & TTY_TOSTOP && !m->FS_WRITE_in_nostop && background(t, m->sender)) {
		terminal_reply(m, FS_BACKGROUND);
		return;
	}
	if (list_is_empty(&t->writers) && write_more(t, m, &done)) {
		update_event(t);
		return;
	}
	if (o->flags & FS_O_NONBLOCK)
		terminal_reply(m, done ? (int32_t)done : W_EAGAIN);
	else if (terminal_wait(&t->writers, m, t))
		list_entry(t->writers.prev, struct pending, link)->done = done;
	update_event(t);
}

/* ---- ioctl ---- */

static void set_termios(struct terminal *t, struct w_msg *m, const char *bytes)
{
	struct tty_termios was = t->tty.t;

	memcpy(&t->tty.t, bytes, sizeof(was));
	if (m->FS_IOCTL_in_request == TCSETSF)
		tty_flush_input(&t->tty);
	tty_changed(&t->tty, &was);
	terminal_reply(m, 0);
	terminal_changed(t);
}

static void set_size(struct terminal *t, const char *bytes)
{
	bool same = !memcmp(&t->tty.size, bytes, sizeof(t->tty.size));

	memcpy(&t->tty.size, bytes, sizeof(t->tty.size));
	if (!same)
		terminal_signal(t, SIGWINCH);
}

static void set_controlling(struct terminal *t, struct w_msg *m)
{
	struct who w = who_is(m->sender);

	if (t->session == w.sid && w.sid) {
		terminal_reply(m, 0);
	} else if (!w.pid || w.sid != w.pid || t->session) {
		terminal_reply(m, W_EPERM);
	} else {
		t->session = w.sid;
		t->foreground = w.pgid;
		terminal_reply(m, 0);
	}
}

static void give_up(struct terminal *t, struct w_msg *m)
{
	struct who w = who_is(m->sender);

	if (w.sid != t->session) {
		terminal_reply(m, W_ENOTTY);
		return;
	}
	if (w.pid == w.sid) {
		terminal_signal(t, SIGHUP);
		terminal_signal(t, SIGCONT);
		t->session = t->foreground = 0;
	}
	terminal_reply(m, 0);
}

static void set_foreground(struct terminal *t, struct w_msg *m, uint32_t pgid)
{
	struct who w = who_is(m->sender);

	if (w.sid != t->session || !t->session) {
		terminal_reply(m, W_ENOTTY);
		return;
	}
	t->foreground = pgid;
	terminal_reply(m, 0);
}

/* Those that change the terminal and so may stop a background process. */
static bool changes(uint64_t request)
{
	return (request >= TCSETS && request <= TCSETSF) || request == TIOCSPGRP ||
	       request == TCSBRK || request == TCXONC || request == TCFLSH;
}

static void flow_control(struct terminal *t, uint32_t how)
{
	if (how < 2) /* TCOOFF, TCOON */
		t->tty.stopped = !how;
	terminal_changed(t);
}

static void op_ioctl(struct w_msg *m, struct open_tty *o, const char *bytes)
{
	struct terminal *t = o->t;
	uint32_t v = 0;

	memcpy(&v, bytes, m->in_len >= 4 ? 4 : 0);
	if (!o->master && changes(m->FS_IOCTL_in_request) && !m->FS_IOCTL_in_nostop &&
	    background(t, m->sender)) {
		terminal_reply(m, FS_BACKGROUND);
		return;
	}
	switch (m->FS_IOCTL_in_request) {
	case TCGETS:
		service_reply_bytes(&terminal_service, m, 0, &t->tty.t, sizeof(t->tty.t));
		return;
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
		if (m->in_len >= sizeof(t->tty.t)) {
			set_termios(t, m, bytes);
			return;
		}
		break;
	case TIOCGWINSZ:
		service_reply_bytes(&terminal_service, m, 0, &t->tty.size, sizeof(t->tty.size));
		return;
	case TIOCSWINSZ:
		if (m->in_len >= sizeof(t->tty.size))
			set_size(t, bytes);
		terminal_reply(m, 0);
		return;
	case TIOCGPGRP:
		if (!o->master && who_is(m->sender).sid != t->session)
			break;
		service_reply_bytes(&terminal_service, m, 0, &t->foreground, 4);
		return;
	case TIOCGSID:
		if (!t->session)
			break;
		service_reply_bytes(&terminal_service, m, 0, &t->session, 4);
		return;
	case TIOCSPGRP:
		set_foreground(t, m, v);
		return;
	case TIOCSCTTY:
		set_controlling(t, m);
		return;
	case TIOCNOTTY:
		give_up(t, m);
		return;
	case TCFLSH:
		if (v == 0 || v == 2)
			tty_flush_input(&t->tty);
		if (v == 1 || v == 2)
			t->tail = t->head;
		terminal_reply(m, 0);
		terminal_changed(t);
		return;
	case FIONREAD:
		v = o->master ? t->head - t->tail : tty_available(&t->tty);
		service_reply_bytes(&terminal_service, m, 0, &v, 4);
		return;
	case TIOCOUTQ:
		v = t->head - t->tail;
		service_reply_bytes(&terminal_service, m, 0, &v, 4);
		return;
	case TCXONC:
		flow_control(t, v);
		terminal_reply(m, 0);
		return;
	case TCSBRK: /* output is never behind; breaks have no line to go to */
	case TCSBRKP:
	case TIOCEXCL:
	case TIOCNXCL:
		terminal_reply(m, 0);
		return;
	}
	terminal_reply(m, W_ENOTTY);
}

/* ---- names: "console", "tty", "ptmx", "/N" below /dev/pts, "/" ---- */

static struct terminal *controlling(uint64_t koid)
{
	struct who w = who_is(koid);
	struct list *l;

	list_for_each (l, &terminals)
		if (w.sid && list_entry(l, struct terminal, all)->session == w.sid)
			return list_entry(l, struct terminal, all);
	return NULL;
}

/* Whoever holds the service's channel may ask for any terminal: its bits decide. */
static bool permitted(const struct terminal *t, uint64_t koid, uint32_t bits)
{
	struct proc_cred c;

	cred_ask(koid, &c, &procd_koid);
	return cred_allows(&c, t->mode, t->uid, t->gid, bits);
}

static struct terminal *by_name(const char *name, uint64_t koid)
{
	if (!strcmp(name, "console"))
		return console;
	if (!strcmp(name, "tty"))
		return controlling(koid);
	if (name[0] == '/' && name[1] >= '0' && name[1] <= '9') {
		name++;
		return pty_by_number(strtoul_at(&name, 10));
	}
	return NULL;
}

void terminal_grant(struct w_msg *m, struct terminal *t, bool master)
{
	struct open_tty *o = rt_try_alloc(sizeof(*o));

	if (o) {
		o->t = t;
		o->master = master;
		o->flags = m->FS_OPEN_in_flags;
	}
	m->h[0] = o ? service_mint(&terminal_service, (uint64_t)o) : 0;
	if (!m->h[0]) {
		rt_free(o);
		terminal_reply(m, W_ENOMEM);
		return;
	}
	if (t && t->pty && master)
		t->master_open = true;
	if (t && t->pty && !master) {
		t->slaves++;
		t->had_slave = true;
	}
	m->nh = 1;
	m->FS_OPEN_out_mode = t ? t->mode : FS_S_IFDIR | 0755;
	m->FS_OPEN_out_size = !t ? 0 : t->pty ? 136 << 8 | t->number : 5 << 8 | 1;
	if (service_reply(&terminal_service, m, 0) < 0)
		w_handle_close(m->h[0]);
}

static void op_open(struct w_msg *m, const char *name)
{
	uint32_t flags = m->FS_OPEN_in_flags;
	struct terminal *t;
	struct who w;

	if (!strcmp(name, "ptmx") || !strcmp(name, "/ptmx")) {
		pty_open_master(m);
		return;
	}
	if (!strcmp(name, "/")) {
		terminal_grant(m, NULL, false);
		return;
	}
	t = by_name(name, m->sender);
	if (!t || (t->pty && (t->locked || t->hung_up))) {
		terminal_reply(m, t && t->locked ? W_EIO : name[0] == '/' ? W_ENOENT : -6);
		return;
	}
	if (strcmp(name, "tty") && !permitted(t, m->sender, cred_open_bits(flags))) {
		terminal_reply(m, W_EACCES);
		return;
	}
	if (!(flags & FS_O_NOCTTY) && !t->session) { /* a session leader takes it over */
		w = who_is(m->sender);
		if (w.pid && w.sid == w.pid && !controlling(m->sender)) {
			t->session = w.sid;
			t->foreground = w.pgid;
		}
	}
	terminal_grant(m, t, false);
	update_event(t);
}

static void op_stat(struct w_msg *m, const struct terminal *t, bool master)
{
	struct fs_stat st = {.ino = 3 + (t ? t->number : 0), .dev = 5, .nlink = 1};

	st.mode = t ? t->mode : FS_S_IFDIR | 0755;
	if (master)
		st.mode = FS_S_IFCHR | 0666;
	st.nlink = t ? 1 : 2;
	st.rdev = !t ? 0 : master ? 5 << 8 | 2 : t->pty ? 136 << 8 | t->number : 5 << 8 | 1;
	st.uid = t ? t->uid : 0;
	st.gid = t ? t->gid : 0;
	st.atime = st.mtime = st.ctime = t ? t->changed : rt_wall();
	service_reply_bytes(&terminal_service, m, 0, &st, sizeof(st));
}

static void op_stat_name(struct w_msg *m, const char *name)
{
	struct terminal *t = by_name(name, m->sender);

	if (!strcmp(name, "/ptmx"))
		op_stat(m, console, true);
	else if (t || !strcmp(name, "/"))
		op_stat(m, t, false);
	else
		terminal_reply(m, W_ENOENT);
}

static void op_setattr(struct w_msg *m, struct terminal *t)
{
	uint32_t what = m->FS_SETATTR_in_what;
	struct proc_cred c;
	bool given;

	if (!t) {
		terminal_reply(m, W_ENOENT);
		return;
	}
	cred_ask(m->sender, &c, &procd_koid);
	given = (what & FS_SET_UID && m->FS_SETATTR_in_uid != t->uid) ||
		(what & FS_SET_GID && m->FS_SETATTR_in_gid != t->gid &&
		 !cred_member(&c, m->FS_SETATTR_in_gid));
	if (c.uid && (c.uid != t->uid || given)) {
		terminal_reply(m, W_EPERM);
		return;
	}
	if (what & FS_SET_MODE)
		t->mode = FS_S_IFCHR | (m->FS_SETATTR_in_mode & 07777);
	if (what & FS_SET_UID)
		t->uid = m->FS_SETATTR_in_uid;
	if (what & FS_SET_GID)
		t->gid = m->FS_SETATTR_in_gid;
	terminal_reply(m, 0);
}

static void op_access(struct w_msg *m, const char *name)
{
	struct terminal *t = by_name(name, m->sender);

	if (!t && strcmp(name, "/ptmx"))
		terminal_reply(m, W_ENOENT);
	else
		terminal_reply(m,
			       !t || permitted(t, m->sender, m->FS_ACCESS_in_mode) ? 0 : W_EACCES);
}

static void op_event(struct w_msg *m, const struct open_tty *o)
{
	m->h[0] = w_handle_dup(o->master ? o->t->master_event : o->t->event, W_READ | W_DUP);
	m->nh = 1;
	service_reply(&terminal_service, m, 0);
}

static void op_flags(struct w_msg *m, struct open_tty *o)
{
	uint32_t mask = m->FS_FLAGS_in_mask & (FS_O_NONBLOCK | FS_O_APPEND);

	o->flags = (o->flags & ~mask) | (m->FS_FLAGS_in_value & mask);
	m->FS_FLAGS_out_flags = o->flags;
	terminal_reply(m, 0);
}

/* ---- dispatch ---- */

static void call_terminal(struct w_msg *m, struct open_tty *o, const char *bytes)
{
	switch (m->op) {
	case FS_READ:
		op_read(m, o);
		break;
	case FS_WRITE:
		op_write(m, o);
		break;
	default:
		if (m->op == FS_IOCTL)
			op_ioctl(m, o, bytes);
		else
			terminal_reply(m, m->op == FS_SEEK ? W_ESPIPE : W_EINVAL);
	}
}

static void call_open(struct w_msg *m, struct open_tty *o, const char *bytes)
{
	if (!o->t) {
		if (m->op == FS_READDIR)
			pty_readdir(m, &o->flags);
		else if (m->op == FS_STAT)
			op_stat(m, NULL, false);
		else
			terminal_reply(m, W_EISDIR);
	} else if (m->op == FS_STAT) {
		op_stat(m, o->t, o->master);
	} else if (m->op == FS_SETATTR) {
		op_setattr(m, o->t);
	} else if (m->op == FS_EVENT) {
		op_event(m, o);
	} else if (m->op == FS_FLAGS) {
		op_flags(m, o);
	} else if (o->master && (m->op == FS_READ || m->op == FS_WRITE)) {
		pty_master_call(m, o, bytes);
	} else if (m->op == FS_IOCTL) {
		if (!o->t->pty || m->FS_IOCTL_in_request < 0x10000)
			op_ioctl(m, o, bytes);
		else
			pty_master_call(m, o, bytes);
	} else {
		call_terminal(m, o, bytes);
	}
}

/* A session leader has ended: who was in front hears of it. */
static void op_note(const struct w_msg *m)
{
	struct terminal *t;
	struct list *l;

	if (m->sender != procd_koid || m->FS_NOTE_in_what != 2)
		return;
	list_for_each (l, &terminals) {
		t = list_entry(l, struct terminal, all);
		if (t->session != m->FS_NOTE_in_koid)
			continue;
		terminal_signal(t, SIGHUP);
		terminal_signal(t, SIGCONT);
		t->session = t->foreground = 0;
	}
}

static void call(struct service *s, struct w_msg *m)
{
	struct open_tty *o = (struct open_tty *)m->badge;
	struct terminal *t = o ? o->t : NULL;

	if (m->op == W_OP_CLOSED) {
		if (t && t->pty) {
			if (!o->master)
				t->slaves--;
			pty_closed(t, o->master);
		}
		rt_free(o);
	} else if (o) {
		call_open(m, o, s->bytes);
	} else if (m->op == FS_OPEN) {
		op_open(m, s->bytes);
	} else if (m->op == FS_STAT) {
		op_stat_name(m, s->bytes);
	} else if (m->op == FS_SETATTR) {
		op_setattr(m, by_name(s->bytes, m->sender));
	} else if (m->op == FS_ACCESS) {
		op_access(m, s->bytes);
	} else if (m->op == FS_NOTE) {
		op_note(m);
	} else {
		terminal_reply(m, W_ENOENT);
	}
}

static void start(void)
{
	console = terminal_new();
	if (!console)
		rt_die("console: no memory");
	terminal_service.call = call;
	uart_start(console);
	service_start(&terminal_service, "console");
}

const struct module console_module = {"console", start};
