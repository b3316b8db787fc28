// SPDX-License-Identifier: MIT
/* Descriptors that stand for signals and processes: signalfd(2), pidfd_open(2). */
#include "lx.h"

#include <lib/fmt.h>
#include <wherry/signal.h>

struct signalfd_siginfo { /* include/uapi/linux/signalfd.h */
	uint32_t signo;
	int32_t err, code;
	uint32_t pid, uid;
	int32_t fd;
	uint32_t tid, band, overrun, trapno;
	int32_t status, value;
	uint64_t ptr, utime, stime, addr;
	uint16_t addr_lsb, pad2;
	int32_t syscall;
	uint64_t call_addr;
	uint32_t arch;
	uint8_t pad[28];
};
_Static_assert(sizeof(struct signalfd_siginfo) == 128, "as Linux has it");

/* Whoever waits for a signalfd is woken by the kick that every signal brings; what it
 * then sees is the event that is set here. */
void signalfd_update(void)
{
	uint64_t pending = lx_pending();
	struct lx_file *f;
	uint32_t i;

	for (i = 0; i < proc()->view.nfds; i++) {
		f = proc()->fd[i].file;
		if (!f || f->kind != K_SIGNALFD)
			continue;
		if (pending & f->sigmask)
			w_event_set(f->h, W_READABLE, 0);
		else
			w_event_set(f->h, 0, W_READABLE);
	}
}

LX(signalfd4)
{
	struct lx_file *f = (int32_t)a[0] >= 0 ? fd_file(a[0]) : NULL;
	uint64_t mask;
	int64_t e;
	long fd;

	if (a[2] != 8 || a[3] & ~(02000000ull | FS_O_NONBLOCK))
		return -EINVAL;
	if (get_user(&mask, a[1], 8))
		return -EFAULT;
	mask &= ~(1ull << (SIGKILL - 1) | 1ull << (SIGSTOP - 1));
	if ((int32_t)a[0] >= 0) {
		if (!f || f->kind != K_SIGNALFD)
			return f ? -EINVAL : -EBADF;
		f->sigmask = mask;
		signalfd_update();
		return a[0];
	}
	e = w_event_create(0);
	if (e < 0)
		return e;
	f = file_new(K_SIGNALFD, 2 | (a[3] & FS_O_NONBLOCK));
	if (!f) {
		w_handle_close(e);
		return -ENOMEM;
	}
	f->h = e;
	f->sigmask = mask;
	proc()->signalfds++;
	fd = fd_install(f, 0, a[3] & 02000000);
	signalfd_update();
	return fd;
}

LX(signalfd)
{
	const uint64_t b[6] = {a[0], a[1], a[2], 0};

	return lx_signalfd4(b);
}

static void fill(struct signalfd_siginfo *s, const struct lx_siginfo *i)
{
	memset(s, 0, sizeof(*s));
	s->signo = i->signo;
	s->code = i->code;
	s->pid = i->code == -2 ? 0 : i->pid;
	s->tid = i->code == -2 ? i->pid : 0;
	s->uid = i->uid;
	s->overrun = i->overrun;
	s->value = i->value;
	s->ptr = i->value;
	if (i->signo == SIGCHLD)
		s->status = i->value;
}

long signalfd_read(struct lx_file *f, uint64_t buf, uint64_t len)
{
	struct signalfd_siginfo s;
	struct lx_siginfo info;
	uint64_t done = 0;
	long err;

	if (len < sizeof(s))
		return -EINVAL;
	while (done + sizeof(s) <= len) {
		if (lx_claim(~f->sigmask, &info)) {
			fill(&s, &info);
			if (put_user(buf + done, &s, sizeof(s)))
				return -EFAULT;
			done += sizeof(s);
			continue;
		}
		signalfd_update();
		if (done)
			break;
		if (f->oflags & FS_O_NONBLOCK)
			return -EAGAIN;
		err = lx_wait_ready(f, W_READABLE, W_FOREVER);
		if (err == ERESTARTSYS) { /* by the kick that brought it? */
			self()->tcb.kicked = 0;
			__atomic_thread_fence(__ATOMIC_SEQ_CST);
			signalfd_update();
			if (!lx_signal_waiting())
				continue;
		}
		if (err < 0)
			return err;
	}
	signalfd_update();
	return done;
}

/* ---- processes ---- */

LX(pidfd_open)
{
	struct w_msg m = {.op = PROC_PIDFD};
	struct lx_file *f;
	long err;

	if ((int32_t)a[0] <= 0 || a[1] & ~(uint64_t)FS_O_NONBLOCK)
		return -EINVAL;
	m.PROC_PIDFD_in_pid = a[0];
	err = lx_chan(LX_H_PROC, &m);
	if (err < 0)
		return err;
	f = file_new(K_PIDFD, 2 | a[1]);
	if (!f) {
		w_handle_close(m.h[0]);
		return -ENOMEM;
	}
	f->h = m.h[0];
	f->pid = a[0];
	return fd_install(f, 0, true);
}

/* What has ended keeps its number until it is waited for; then somebody else may get it. */
static bool still_has_pid(const struct lx_file *f)
{
	struct w_msg m = {.op = PROC_PIDFD};
	struct w_obj_info ours = {0}, now = {0};

	w_obj_info(f->h, &ours);
	if (!(ours.signals & W_ENDED))
		return true;
	m.PROC_PIDFD_in_pid = f->pid;
	if (lx_chan(LX_H_PROC, &m) < 0)
		return false;
	w_obj_info(m.h[0], &now);
	w_handle_close(m.h[0]);
	return now.koid == ours.koid;
}

LX(pidfd_send_signal)
{
	struct lx_file *f = fd_file(a[0]);
	const char *digits = f && f->path && !strncmp(f->path, "/proc/", 6) ? f->path + 6 : "x";
	const uint64_t b[6] = {f && f->kind == K_PIDFD ? f->pid : strtoul_at(&digits, 10), a[1]};

	if (a[3])
		return -EINVAL;
	if (f && f->kind == K_FILE && b[0] && !*digits) /* the directory /proc/PID will do */
		return lx_kill(b);
	if (!f || f->kind != K_PIDFD)
		return -EBADF;
	return still_has_pid(f) ? lx_kill(b) : -ESRCH;
}

/* ---- /proc/self/fd ---- */

/* ".", "..", then a link per open descriptor. */
long fddir_list(struct lx_file *f, uint64_t buf, uint64_t len)
{
	char entry[sizeof(struct fs_dirent) + 24] __attribute__((aligned(8)));
	struct fs_dirent *d = (struct fs_dirent *)entry;
	uint64_t used = 0;
	uint32_t size;

	for (; f->next < proc()->view.nfds + 2ull; f->next++) {
		if (f->next >= 2 && !proc()->fd[f->next - 2].file)
			continue;
		memset(entry, 0, sizeof(entry));
		if (f->next < 2)
			strlcpy(d->name, f->next ? ".." : ".", 4);
		else
			fmt(d->name, 12, "%u", (uint32_t)f->next - 2);
		size = (offsetof(struct fs_dirent, name) + strlen(d->name) + 8) & ~7u;
		if (used + size > len)
			break;
		d->ino = f->next + 1;
		d->next = f->next + 1;
		d->len = size;
		d->type = f->next < 2 ? 4 : 10;
		if (put_user(buf + used, entry, size))
			return -EFAULT;
		used += size;
	}
	return used || f->next >= proc()->view.nfds + 2ull ? (long)used : -EINVAL;
}
