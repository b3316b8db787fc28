// SPDX-License-Identifier: MIT
/*
 * Set-id programs.  What runs in this process is not to be trusted with another user's
 * rights, the personality included: procd makes a fresh process, which gets the pid, our
 * descriptors and a description of them, and this one ends.  The receiver believes
 * nothing: a descriptor that is not what it says reads as an error, since services
 * refuse calls that are not theirs.
 */
#include "lx.h"

#define RECORDS (sizeof(struct lx_inherit) + LX_INHERIT_FDS * sizeof(struct lx_inherit_fd))
/* Beside the arguments, in LX_START_SIZE: files whose paths have no room have none. */
#define PATHS_MAX (128u << 10)

static void describe(struct lx_inherit_fd *to, const struct lx_file *f)
{
	to->kind = f->kind;
	to->oflags = f->oflags;
	to->mode = f->mode;
	to->sock_state = f->sock_state;
	to->dev = f->dev;
	to->efd_flags = f->efd_flags;
	to->unix_domain = f->unix_domain;
	to->sock_type = f->sock_type;
	to->h = f->h;
	to->stream = f->stream;
	to->event = f->event;
	to->ticket = f->ticket;
	to->interval = f->interval;
	to->next = f->next;
}

/* Its path, in the n bytes at end of what is handed over; how many they are then. */
static uint32_t describe_path(struct lx_inherit *in, struct lx_inherit_fd *to,
			      const struct lx_file *f, uint32_t end, uint32_t size)
{
	uint32_t n = f->path ? strlen(f->path) + 1 : 0;

	if (!n || n > size - end)
		return end;
	memcpy((char *)in + end, f->path, n);
	to->path = end;
	return end + n;
}

static uint32_t describe_all(struct lx_inherit *in, uint32_t size)
{
	struct lx_proc *p = proc();
	struct lx_inherit_fd *to;
	uint32_t fd, i, end = RECORDS;

	for (fd = 0; fd < p->view.nfds && in->nfds < LX_INHERIT_FDS; fd++) {
		if (!p->fd[fd].file || p->fd[fd].cloexec || p->fd[fd].file->kind == K_EPOLL)
			continue;
		to = &in->fd[in->nfds++];
		to->fd = fd;
		for (i = 0; i + 1 < in->nfds && !to->same; i++)
			if (p->fd[in->fd[i].fd].file == p->fd[fd].file)
				to->same = i + 1;
		if (to->same)
			continue;
		describe(to, p->fd[fd].file);
		end = describe_path(in, to, p->fd[fd].file, end, size);
	}
	return end;
}

/* How many bytes it takes, of size. */
static uint32_t describe_process(struct lx_inherit *in, uint32_t size)
{
	struct lx_proc *p = proc();
	int i;

	in->sigmask = self()->sigmask;
	for (i = 1; i < 65; i++)
		if (p->action[i].handler == 1)
			in->ignored |= 1ull << (i - 1);
	memcpy(in->rlimit, p->rlimit, sizeof(in->rlimit));
	in->umask = p->umask;
	strlcpy(in->cwd, p->cwd, sizeof(in->cwd));
	return describe_all(in, size);
}

/* What the paths of open files take at most. */
static uint32_t paths_size(void)
{
	struct lx_proc *p = proc();
	uint32_t fd, n = 0;

	for (fd = 0; fd < p->view.nfds; fd++)
		if (p->fd[fd].file && p->fd[fd].file->path)
			n += strlen(p->fd[fd].file->path) + 1;
	return n < PATHS_MAX ? n : PATHS_MAX;
}

long lx_setid_exec(const char *path, const char *strings, uint32_t argc, uint32_t envc,
		   uint32_t len)
{
	uint32_t head = strlen(path) + 1, at = (head + len + 7) & ~7u;
	uint32_t room = RECORDS + paths_size();
	struct w_msg grant = {.op = FS_GRANT}, m = {.op = PROC_SETID};
	char *blob;
	long err = path_op(path, &grant);

	if (err)
		return err;
	blob = pmalloc(at + room);
	if (!blob)
		return -ENOMEM;
	memcpy(blob, path, head);
	memcpy(blob + head, strings, len);
	lease_forget(); /* nobody would know of files that are parked */
	m.in = (uint64_t)blob;
	m.in_len = at + describe_process((struct lx_inherit *)(blob + at), room);
	m.PROC_SETID_in_argc = argc;
	m.PROC_SETID_in_envc = envc;
	m.PROC_SETID_in_len = head + len;
	err = lx_chan(LX_H_PROC, &m); /* comes back only to say why not */
	pfree(blob);
	return err < 0 ? err : 1; /* PR_SET_NO_NEW_PRIVS: executed as the user that one is */
}

/* ---- the other side ---- */

/* What is said to be a path, if it is one. */
static char *remake_path(const struct lx_inherit *in, uint64_t size, uint32_t at)
{
	const char *s = (const char *)in + at;
	uint64_t n = at && at < size ? strnlen(s, size - at) + 1 : size + 1;
	char *p = n <= size - at && n <= LX_PATH_MAX ? pmalloc_raw(n) : NULL;

	return p ? memcpy(p, s, n) : NULL;
}

static struct lx_file *remake(const struct lx_inherit_fd *d)
{
	struct lx_file *f;

	if (d->kind > K_DEV || d->kind == K_EPOLL || (d->h && d->h < LX_H_LAST) ||
	    (d->stream && d->stream < LX_H_LAST) || (d->event && d->event < LX_H_LAST))
		return NULL;
	f = file_new(d->kind, d->oflags);
	if (!f)
		return NULL;
	f->mode = d->mode;
	f->sock_state = d->sock_state;
	f->dev = d->dev;
	f->efd_flags = d->efd_flags;
	f->unix_domain = d->unix_domain;
	f->sock_type = d->sock_type;
	f->h = d->h;
	f->stream = d->stream;
	f->event = d->event;
	f->ticket = d->ticket;
	f->interval = d->interval;
	f->next = d->next;
	return f;
}

void lx_inherit(const struct lx_inherit *in, uint64_t size)
{
	struct lx_file *made[LX_INHERIT_FDS] = {NULL}, *f;
	struct lx_proc *p = proc();
	uint32_t i, n = size < RECORDS ? 0 : in->nfds < LX_INHERIT_FDS ? in->nfds : LX_INHERIT_FDS;

	/* that the structure itself is there procd has seen */
	self()->sigmask = in->sigmask & ~(1ull << 8 | 1ull << 18);
	for (i = 1; i < 65; i++)
		p->action[i].handler = in->ignored >> (i - 1) & 1;
	memcpy(p->rlimit, in->rlimit, sizeof(p->rlimit));
	for (i = 0; i < 2; i++)
		if (p->rlimit[RLIMIT_NOFILE][i] > LX_FDS)
			p->rlimit[RLIMIT_NOFILE][i] = LX_FDS;
	p->umask = in->umask & 0777;
	if (in->cwd[0] == '/' && in->cwd[sizeof(in->cwd) - 1] == 0)
		strlcpy(p->cwd, in->cwd, sizeof(p->cwd));
	for (i = 0; i < n; i++) {
		const struct lx_inherit_fd *d = &in->fd[i];

		if (d->fd >= LX_FDS || p->fd[d->fd].file)
			continue;
		f = d->same && d->same <= i ? made[d->same - 1] : remake(d);
		if (!f)
			continue;
		if (d->same)
			f->refs++;
		else
			f->path = remake_path(in, size, d->path);
		made[i] = f;
		fd_place(d->fd, f);
	}
}
