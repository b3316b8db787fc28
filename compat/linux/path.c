// SPDX-License-Identifier: MIT
/*
 * Paths: from what the program gave to a service and the rest of the path
 * (design D8).  A path is made absolute and its "." and ".." are resolved here,
 * textually; symbolic links are the service's.
 */
#include "lx.h"

#include <lib/fmt.h>

#define AT_FDCWD (-100)
#define HOPS_MAX 8

static const struct mount {
	const char *prefix;
	uint32_t len;
	w_handle_t h;
} mounts[] = {
	{"/proc", 5, LX_H_PROCFS},
	{"/dev/pts", 8, LX_H_CONSOLE},
	{"/", 1, LX_H_FS},
};

w_handle_t path_mount(const char **path)
{
	size_t i;

	for (i = 0; i < sizeof(mounts) / sizeof(*mounts) - 1; i++)
		if ((*path)[1] == mounts[i].prefix[1] &&
		    !strncmp(*path, mounts[i].prefix, mounts[i].len) &&
		    (!(*path)[mounts[i].len] || (*path)[mounts[i].len] == '/')) {
			*path += mounts[i].len;
			return mounts[i].h;
		}
	return LX_H_FS;
}

static const char *own_proc(const char *path);

/* Append component by component; a trailing slash is kept: it has a meaning. */
static long normalise(struct lx_path *to, const char *p)
{
	size_t len = strlen(to->s), n;
	char *out = to->s;
	const char *end;
	long err;

	while (*p) {
		while (*p == '/')
			p++;
		for (end = p; *end && *end != '/'; end++)
			;
		n = end - p;
		if (n == 2 && p[0] == '.' && p[1] == '.') {
			while (len > 1 && out[--len] != '/')
				;
			out[len ? len : 1] = 0;
			len = len ? len : 1;
		} else if (n && !(n == 1 && *p == '.')) {
			err = path_room(to, len + n + 3); /* two slashes and a NUL */
			if (err)
				return err;
			out = to->s;
			if (len > 1)
				out[len++] = '/';
			memcpy(out + len, p, n);
			len += n;
			out[len] = 0;
		}
		if (*end && !end[1] && len > 1 && n && !(n <= 2 && p[0] == '.')) {
			out[len++] = '/';
			out[len] = 0;
		}
		p = end;
	}
	return len < LX_PATH_MAX ? 0 : W_ENAMETOOLONG;
}

/* The file service's word on a path: 0 or 1 (it leaves that service), or the error. */
static long resolve(const char *path, bool nofollow, struct lx_path *out)
{
	struct w_msg m;
	long r, err;

	for (;;) {
		m = (struct w_msg){.op = FS_RESOLVE,
				   .in = (uint64_t)path,
				   .in_len = strlen(path),
				   .out = (uint64_t)out->s,
				   .out_len = out->size - 1};
		m.FS_RESOLVE_in_nofollow = nofollow;
		r = lx_chan(LX_H_FS, &m);
		if (r < 0)
			return r;
		if (m.in_len < out->size - 1 || out->size > LX_PATH_MAX)
			break;
		err = path_room(out, LX_PATH_MAX + 1); /* it may have been cut off */
		if (err)
			return err;
	}
	out->s[m.in_len] = 0;
	return r;
}

/* After ".." what was a link matters: where does the path up to the last ".." lead? */
static char *last_dotdot(char *raw)
{
	char *p, *found = NULL;

	for (p = raw; (p = strstr(p, "..")); p += 2)
		if ((p == raw || p[-1] == '/') && (!p[2] || p[2] == '/'))
			found = p;
	return found;
}

static long go_up(struct lx_path *base, char *raw)
{
	struct lx_path joined LX_PATH;
	char *end = last_dotdot(raw), after;
	size_t n = strlen(base->s);
	const char *path, *mount;
	long r;

	path_start(&joined);
	if (!end)
		return 0;
	after = end[2];
	end[2] = 0;
	r = path_put(&joined, 0, base->s);
	if (!r)
		r = path_put(&joined, n, "/");
	if (!r)
		r = path_put(&joined, n + 1, raw);
	end[2] = after;
	if (r)
		return r;
	for (path = joined.s; path[0] == '/' && path[1] == '/'; path++)
		;
	if (strlen(path) >= LX_PATH_MAX)
		return W_ENAMETOOLONG;
	mount = path;
	if (path_mount(&mount) != LX_H_FS)
		return 0; /* no links that lead elsewhere: as text */
	r = resolve(path, false, base);
	if (r < 0)
		return r;
	memmove(raw, end + 2, strlen(end + 2) + 1);
	return 0;
}

/* Absolute, and nothing that normalise() would change: most paths are. */
static bool is_plain(const char *p)
{
	if (*p != '/')
		return false;
	for (; *p; p++)
		if (*p == '/' && (p[1] == '/' || p[1] == '.'))
			return false;
	return true;
}

/* How many dots the last component is: 1, 2, or 0 for another name. */
static int dots_at_end(const char *path, size_t n)
{
	int dots = 0;

	while (n && path[n - 1] == '/')
		n--;
	for (; n && path[n - 1] == '.' && dots < 3; n--)
		dots++;
	return dots < 3 && (!n || path[n - 1] == '/') ? dots : 0;
}

/* What a path that does not begin at the root begins at; or an error. */
static long start_of(long dirfd, const char **out)
{
	struct lx_file *f;

	*out = proc()->cwd;
	if ((int32_t)dirfd == AT_FDCWD)
		return 0;
	f = fd_file(dirfd);
	if (!f)
		return -EBADF;
	*out = f->path;
	return f->path && (f->mode & FS_S_IFMT) == FS_S_IFDIR ? 0 : -ENOTDIR;
}

static __attribute__((noinline)) long make_plain(long dirfd, struct lx_path *out, int *dots)
{
	struct lx_path raw LX_PATH;
	const char *from = "/";
	long err;

	path_start(&raw);
	err = path_put(&raw, 0, out->s);
	if (err)
		return err;
	*dots = dots_at_end(raw.s, strlen(raw.s));
	if (raw.s[0] != '/')
		err = start_of(dirfd, &from);
	if (!err)
		err = path_put(out, 0, from);
	if (!err)
		err = go_up(out, raw.s);
	return err < 0 ? err : normalise(out, raw.s);
}

/* path_get(), and how many dots the last component was. */
static long get_path(long dirfd, uint64_t upath, struct lx_path *out, int *dots)
{
	long n = path_copy(out, upath);

	if (n <= 0)
		return n ? n : -ENOENT;
	*dots = 0;
	return is_plain(out->s) ? 0 : make_plain(dirfd, out, dots);
}

long path_get(long dirfd, uint64_t upath, struct lx_path *out)
{
	int dots;

	return get_path(dirfd, upath, out, &dots);
}

/* "/proc/self/exe", "cwd" and "root", and what is below: the path they stand for. */
static bool own_target(const char *path, struct lx_path *out)
{
	const char *mine = own_proc(path), *rest, *to;

	if (!mine)
		return false;
	rest = strchr(mine, '/');
	if (!rest)
		rest = mine + strlen(mine);
	if (!strncmp(mine, "exe", rest - mine) && rest - mine == 3)
		to = proc()->exe;
	else if (!strncmp(mine, "cwd", rest - mine) && rest - mine == 3)
		to = proc()->cwd;
	else if (!strncmp(mine, "root", rest - mine) && rest - mine == 4)
		to = "/";
	else
		return false;
	return !path_put(out, 0, to) && !path_put(out, strlen(to), rest);
}

static bool is_own_fddir(const char *path)
{
	const char *mine = own_proc(path);

	return mine && (!strcmp(mine, "fd") || !strcmp(mine, "fd/"));
}

/* A link led to another service: there, as a path of its own. */
static bool elsewhere(const char *path, struct lx_path *other)
{
	struct lx_path raw LX_PATH;

	path_start(&raw);
	return resolve(path, false, &raw) == 1 && !path_put(other, 0, "/") &&
	       !normalise(other, raw.s);
}

/* One more such link: false, those are too many.  Where they lead other processes say. */
static bool hop(void)
{
	if (self()->hops == HOPS_MAX)
		return false;
	self()->hops++;
	return true;
}

static long hopped(long result)
{
	self()->hops--;
	return result;
}

/* Where a link of another process in /proc leads: a path, or something without one. */
static long read_link(const char *path, struct lx_path *out)
{
	struct w_msg m;
	long n, err;

	for (;;) {
		m = (struct w_msg){
			.op = FS_READLINK, .out = (uint64_t)out->s, .out_len = out->size - 1};
		n = path_op(path, &m);
		if (n < out->size)
			break;
		err = path_room(out, n + 1);
		if (err)
			return err;
	}
	if (n >= 0)
		out->s[n] = 0;
	return n < 0 ? n : 0;
}

static __attribute__((noinline)) long stat_link(const char *path, struct fs_stat *st)
{
	struct lx_path to LX_PATH;
	long err;

	path_start(&to);
	err = read_link(path, &to);
	if (err)
		return err;
	if (to.s[0] == '/')
		return hop() ? hopped(path_stat(to.s, false, st)) : W_ELOOP;
	*st = (struct fs_stat){.nlink = 1, .ino = 1, .dev = 3};
	st->mode = !strncmp(to.s, "socket:", 7) ? FS_S_IFSOCK | 0777
		   : !strncmp(to.s, "pipe:", 5) ? FS_S_IFIFO | 0600
						: 0600;
	return 0;
}

static __attribute__((noinline)) long open_link(const char *path, uint32_t flags, uint32_t mode,
						struct lx_file **out)
{
	struct lx_path to LX_PATH;
	long err;

	path_start(&to);
	err = read_link(path, &to);
	if (err)
		return err;
	if (to.s[0] != '/')
		return -6; /* ENXIO */
	return hop() ? hopped(path_open(to.s, flags, mode, out)) : W_ELOOP;
}

static __attribute__((noinline)) long stat_elsewhere(const char *path, bool nofollow,
						     struct fs_stat *st)
{
	struct lx_path other LX_PATH;

	path_start(&other);
	if (!elsewhere(path, &other))
		return W_EXDEV;
	return hop() ? hopped(path_stat(other.s, nofollow, st)) : W_ELOOP;
}

/* Of our own processs in /proc; false: it is none of these. */
static bool stat_own(const char *path, bool nofollow, struct fs_stat *st, long *err)
{
	struct lx_path other LX_PATH;

	path_start(&other);
	if (!nofollow && own_target(path, &other)) {
		*err = hop() ? hopped(path_stat(other.s, false, st)) : W_ELOOP;
		return true;
	}
	if (!is_own_fddir(path))
		return false;
	*st = (struct fs_stat){.mode = FS_S_IFDIR | 0500, .nlink = 2, .ino = 2, .dev = 3};
	*err = 0;
	return true;
}

long path_stat(const char *path, bool nofollow, struct fs_stat *st)
{
	long err;
	const char *rest = path;
	w_handle_t h = path_mount(&rest);
	struct w_msg m = {.op = FS_STAT, .out = (uint64_t)st, .out_len = sizeof(*st)};
	uint32_t len = strlen(path);

	if (h == LX_H_FS && lease_stat(path, len, nofollow, st, &err))
		return err;
	if (h == LX_H_PROCFS && stat_own(path, nofollow, st, &err))
		return err;
	/* an empty path would mean the open file; the root of a mount is "/" */
	m.in = (uint64_t)(*rest ? rest : "/");
	m.in_len = strlen(*rest ? rest : "/");
	m.FS_STAT_in_nofollow = nofollow;
	err = lx_chan(h, &m);
	if (h == LX_H_FS && (!err || err == -ENOENT))
		lease_keep(path, len, nofollow,
			   &(struct lease_said){{m.FS_STAT_out_trail0, m.FS_STAT_out_trail1},
						m.FS_STAT_out_sum},
			   st, err);
	if (err == W_EXDEV && h == LX_H_PROCFS)
		return stat_link(path, st);
	return err == W_EXDEV ? stat_elsewhere(path, nofollow, st) : err;
}

static __attribute__((noinline)) long path_op_elsewhere(const char *path, struct w_msg *m)
{
	struct lx_path other LX_PATH;

	path_start(&other);
	if (!elsewhere(path, &other))
		return W_EXDEV;
	return hop() ? hopped(path_op(other.s, m)) : W_ELOOP;
}

/* Is it about what a link leads to, and not the name itself? */
static bool follows(const struct w_msg *m)
{
	return m->op == FS_TRUNCATE || (m->op == FS_SETATTR && !(m->FS_SETATTR_in_what & 0x100));
}

/* A link in /proc (chmod("/proc/self/fd/3"), as C libraries do it): what it leads to. */
static __attribute__((noinline)) long path_op_behind(const char *path, const struct w_msg *asked,
						     struct w_msg *m)
{
	struct lx_path to LX_PATH;
	struct fs_stat st;

	path_start(&to);
	if (read_link(path, &to) || to.s[0] != '/')
		return path_stat(path, true, &st) ? -ENOENT : W_EROFS;
	*m = *asked;
	return hop() ? hopped(path_op(to.s, m)) : W_ELOOP;
}

/* One path, lent to its service, with op and up to four words. */
long path_op(const char *path, struct w_msg *m)
{
	const char *rest = path;
	w_handle_t h = path_mount(&rest);
	struct w_msg again = *m;
	long err;

	m->in = (uint64_t)(*rest ? rest : "/");
	m->in_len = strlen(*rest ? rest : "/");
	err = lx_chan(h, m);
	if (err == W_EROFS && h == LX_H_PROCFS && follows(&again))
		return path_op_behind(path, &again, m);
	if (err != W_EXDEV || h != LX_H_FS)
		return err;
	*m = again;
	return path_op_elsewhere(path, m);
}

/* The open terminal's channel becomes a file. */
static long terminal_file(w_handle_t h, const char *path, uint32_t flags, struct lx_file **out)
{
	struct w_msg m = {.op = FS_EVENT};
	struct lx_file *f = file_new(K_TTY, flags & ~(FS_O_CREAT | FS_O_NOCTTY | FS_O_TRUNC));

	if (!f) {
		w_handle_close(h);
		return -ENOMEM;
	}
	f->h = h;
	f->mode = FS_S_IFCHR | 0620;
	f->path = pmalloc(strlen(path) + 1);
	if (f->path)
		memcpy(f->path, path, strlen(path) + 1);
	if (lx_chan(f->h, &m) >= 0)
		f->event = m.h[0];
	*out = f;
	return 0;
}

static long open_terminal(const char *name, const char *path, uint32_t flags, struct lx_file **out)
{
	struct w_msg m = {.op = FS_OPEN, .in = (uint64_t)name, .in_len = strlen(name)};
	long err;

	m.FS_OPEN_in_flags = flags;
	err = lx_chan(LX_H_CONSOLE, &m);
	return err < 0 ? err : terminal_file(m.h[0], path, flags, out);
}

static long open_device(uint32_t rdev, const char *path, uint32_t flags, struct lx_file **out)
{
	static const char *const names[] = {"tty", "console", "ptmx"};

	if (rdev >> 8 == 1) {
		struct lx_file *f = file_new(K_DEV, flags);

		if (!f)
			return -ENOMEM;
		f->dev = rdev & 0xff;
		f->mode = FS_S_IFCHR | 0666;
		*out = f;
		return 0;
	}
	if (rdev >> 8 != 5 || (rdev & 255) > 2)
		return -6; /* ENXIO */
	return open_terminal(names[rdev & 255], path, flags, out);
}

long open_pts(uint32_t n, uint32_t flags, struct lx_file **out)
{
	char path[32];

	fmt(path, sizeof(path), "/dev/pts/%u", n);
	return open_terminal(path + 8, path, flags, out);
}

/* /dev/fd/N, /dev/stdin...: a second descriptor of an open file. */
static struct lx_file *open_self(const char *path)
{
	const char *mine = own_proc(path);
	struct lx_file *f = NULL;
	const char *n;

	if (!mine && path[1] != 'd')
		return NULL;
	if (!strcmp(path, "/dev/stdin"))
		f = fd_file(0);
	else if (!strcmp(path, "/dev/stdout"))
		f = fd_file(1);
	else if (!strcmp(path, "/dev/stderr"))
		f = fd_file(2);
	else if (!strncmp(path, "/dev/fd/", 8) || (mine && !strncmp(mine, "fd/", 3))) {
		n = mine ? mine + 3 : path + 8;
		f = *n >= '0' && *n <= '9' ? fd_file(strtoul_at(&n, 10)) : NULL;
	}
	if (f)
		f->refs++;
	return f;
}

/* The channel of the open, then the stream's ends. */
static long open_fifo(struct w_msg *m, uint32_t flags, struct lx_file **out)
{
	struct lx_file *f = file_new(K_STREAM, flags & (FS_O_ACCMODE | FS_O_NONBLOCK));

	if (!f || m->nh < 2) {
		while (m->nh)
			w_handle_close(m->h[--m->nh]);
		pfree(f);
		return -ENOMEM;
	}
	f->event = m->h[0];
	f->h = m->h[1];
	f->stream = m->nh > 2 ? m->h[2] : 0;
	f->mode = FS_S_IFIFO | 0600;
	if (flags & FS_O_NONBLOCK)
		w_stream_ctl(f->h, W_STREAM_SETFLAGS, W_STREAM_NONBLOCK);
	*out = f;
	return 0;
}

/* "/proc/self/NAME" or "/proc/PID/NAME" with our own pid: NAME, else NULL. */
static const char *own_proc(const char *path)
{
	const char *p = path + 6;

	if (path[1] != 'p' || strncmp(path, "/proc/", 6))
		return NULL;
	if (!strncmp(p, "self/", 5))
		return p + 5;
	if (!strncmp(p, "thread-self/", 12))
		return p + 12;
	return *p >= '0' && *p <= '9' && strtoul_at(&p, 10) == proc()->pid && *p == '/' ? p + 1
											: NULL;
}

static long open_fddir(struct lx_file **out)
{
	struct lx_file *f = file_new(K_FDDIR, FS_O_DIRECTORY);

	if (!f)
		return -ENOMEM;
	f->mode = FS_S_IFDIR | 0500;
	*out = f;
	return 0;
}

static __attribute__((noinline)) long open_elsewhere(const char *path, uint32_t flags,
						     uint32_t mode, struct lx_file **out)
{
	struct lx_path other LX_PATH;

	path_start(&other);
	if (!elsewhere(path, &other))
		return W_EXDEV;
	return hop() ? hopped(path_open(other.s, flags, mode, out)) : W_ELOOP;
}

/* Of our own process in /proc; false: it is none of these. */
static bool open_own(const char *path, uint32_t flags, uint32_t mode, struct lx_file **out,
		     long *err)
{
	struct lx_path other LX_PATH;

	path_start(&other);
	if (is_own_fddir(path)) {
		*err = open_fddir(out);
		return true;
	}
	if (!own_target(path, &other))
		return false;
	*err = hop() ? hopped(path_open(other.s, flags, mode, out)) : W_ELOOP;
	return true;
}

long path_open(const char *path, uint32_t flags, uint32_t mode, struct lx_file **out)
{
	const char *rest = path;
	w_handle_t h = path_mount(&rest);
	struct w_msg m = {.op = FS_OPEN};
	struct lx_file *f = open_self(path);
	uint32_t len = strlen(path), slot = 0;
	long err;

	if (!f && h == LX_H_FS)
		f = lease_open(path, len, flags, &slot);
	if (f) {
		*out = f;
		return 0;
	}
	if (h == LX_H_PROCFS && open_own(path, flags, mode, out, &err))
		return err;
	m.in = (uint64_t)(*rest ? rest : "/");
	m.in_len = strlen(*rest ? rest : "/");
	m.FS_OPEN_in_flags = flags;
	m.FS_OPEN_in_mode = mode;
	m.FS_OPEN_in_slot = slot;
	err = lx_chan_intr(h, &m); /* a FIFO waits for its other side */
	if (err == W_EXDEV && h == LX_H_PROCFS)
		return open_link(path, flags, mode, out);
	if (err < 0 || m.FS_OPEN_out_slot != slot)
		lease_slot_free(slot, proc()->forks);
	if (err == W_EXDEV && h == LX_H_FS)
		return open_elsewhere(path, flags, mode, out);
	if (err < 0)
		return err;
	if ((m.FS_OPEN_out_mode & FS_S_IFMT) == FS_S_IFCHR && !(flags & FS_O_PATH)) {
		if (h == LX_H_CONSOLE)
			return terminal_file(m.h[0], path, flags, out);
		w_handle_close(m.h[0]);
		return open_device(m.FS_OPEN_out_size, path, flags, out);
	}
	if ((m.FS_OPEN_out_mode & FS_S_IFMT) == FS_S_IFIFO && !(flags & FS_O_PATH))
		return open_fifo(&m, flags, out);
	f = file_new(K_FILE, flags & ~(FS_O_CREAT | FS_O_EXCL | FS_O_TRUNC | FS_O_NOCTTY));
	if (!f) {
		lease_slot_free(slot, proc()->forks);
		w_handle_close(m.h[0]);
		return -ENOMEM;
	}
	f->h = m.h[0];
	f->mode = m.FS_OPEN_out_mode;
	f->path = pmalloc_raw(len + 1);
	if (f->path)
		memcpy(f->path, path, len + 1);
	if (f->path && h == LX_H_FS)
		lease_opened(f, len, flags, &m);
	*out = f;
	return 0;
}

/* ---- calls on paths ---- */

/* The path of something to be made: "." and ".." are there, or what leads to them is not. */
static long path_new(long dirfd, uint64_t upath, struct lx_path *out)
{
	struct fs_stat st;
	int dots;
	long err = get_path(dirfd, upath, out, &dots);

	if (err < 0 || !dots)
		return err;
	err = path_stat(out->s, false, &st);
	if (!err && (st.mode & FS_S_IFMT) != FS_S_IFDIR)
		err = -ENOTDIR;
	return err < 0 ? err : -EEXIST;
}

static long open_at(long dirfd, uint64_t upath, uint64_t flags, uint64_t mode)
{
	struct lx_path path LX_PATH;
	struct lx_file *f;
	long err;

	path_start(&path);
	err = flags & FS_O_CREAT ? path_new(dirfd, upath, &path) : path_get(dirfd, upath, &path);
	if (err < 0)
		return err == -EEXIST ? W_EISDIR : err;
	err = path_open(path.s, flags & ~02000000u, mode & ~proc()->umask & 07777, &f);
	return err < 0 ? err : fd_install(f, 0, flags & 02000000);
}

LX(openat)
{
	return open_at(a[0], a[1], a[2], a[3]);
}

/* A file without a name: made in the root file system and unlinked at once. */
LX(memfd_create)
{
	char path[64] = "/tmp/.memfd-", c;
	struct w_msg m = {.op = FS_UNLINK};
	uint64_t id[2];
	struct lx_file *f;
	size_t n = strlen(path);
	long err;
	int i;

	if (a[1] & ~3ull) /* MFD_CLOEXEC, MFD_ALLOW_SEALING */
		return -EINVAL;
	if (get_user(&c, a[0], 1))
		return -EFAULT;
	w_sys_random(id, sizeof(id));
	for (i = 0; i < 32; i++)
		path[n++] = 'a' + (id[i / 16] >> i % 16 * 4 & 15);
	path[n] = 0;
	err = path_open(path, FS_O_RDWR | FS_O_CREAT | FS_O_EXCL, 0600, &f);
	if (err < 0)
		return err;
	path_op(path, &m);
	return fd_install(f, 0, a[1] & 1);
}

LX(open)
{
	return open_at(AT_FDCWD, a[0], a[1], a[2]);
}

LX(creat)
{
	return open_at(AT_FDCWD, a[0], FS_O_CREAT | FS_O_TRUNC | FS_O_WRONLY, a[1]);
}

struct linux_stat { /* arch/x86/include/uapi/asm/stat.h */
	uint64_t dev, ino, nlink;
	uint32_t mode, uid, gid, pad;
	uint64_t rdev;
	int64_t size, blksize, blocks;
	struct lx_timespec atim, mtim, ctim;
	int64_t unused[3];
};

static struct lx_timespec timespec(uint64_t ns)
{
	return (struct lx_timespec){ns / 1000000000, ns % 1000000000};
}

static long put_stat(uint64_t ubuf, const struct fs_stat *s)
{
	struct linux_stat st = {.dev = s->dev,
				.ino = s->ino,
				.nlink = s->nlink,
				.mode = s->mode,
				.uid = s->uid,
				.gid = s->gid,
				.rdev = s->rdev,
				.size = s->size,
				.blksize = 4096,
				.blocks = s->blocks,
				.atim = timespec(s->atime),
				.mtim = timespec(s->mtime),
				.ctim = timespec(s->ctime)};

	return put_user(ubuf, &st, sizeof(st)) ? -EFAULT : 0;
}

/* While it has a lease, a file is what its path leads to. */
static long open_file_stat(struct lx_file *f, struct fs_stat *st, struct w_msg *m)
{
	uint32_t len = f->slot ? strlen(f->path) : 0;
	long err;

	if (len && lease_fstat(f, len, st))
		return 0;
	err = lx_chan(f->h, m);
	if (len && !err)
		lease_keep(f->path, len, false, &f->said, st, 0);
	return err;
}

static long file_stat(struct lx_file *f, struct fs_stat *st)
{
	struct w_msg m = {.op = FS_STAT, .out = (uint64_t)st, .out_len = sizeof(*st)};

	memset(st, 0, sizeof(*st));
	st->nlink = 1;
	st->mode = f->mode;
	switch (f->kind) {
	case K_TTY: /* a name and what it opens are one file to ttyname(3) */
		if (f->path && strncmp(f->path, "/dev/pts/", 9))
			return path_stat(f->path, false, st);
		return lx_chan(f->h, &m);
	case K_FILE:
		return open_file_stat(f, st, &m);
	case K_DEV:
		st->rdev = 1 << 8 | f->dev;
		return 0;
	case K_STREAM:
		st->mode = FS_S_IFIFO | 0600;
		return 0;
	case K_SOCK:
		st->mode = FS_S_IFSOCK | 0777;
		return 0;
	case K_FDDIR:
		return 0;
	default:
		st->mode = 0600;
		return 0;
	}
}

/* Is path one of our links in /proc?  Then what lstat(2) says of it. */
static bool own_link(const char *path, struct fs_stat *st)
{
	const char *mine = own_proc(path), *n;

	if (!mine)
		return false;
	n = mine + 3;
	if (strcmp(mine, "exe") && strcmp(mine, "cwd") && strcmp(mine, "root") &&
	    (strncmp(mine, "fd/", 3) || *n < '0' || *n > '9' || !fd_file(strtoul_at(&n, 10))))
		return false;
	*st = (struct fs_stat){.mode = FS_S_IFLNK | 0777, .nlink = 1, .ino = 3, .dev = 3};
	return true;
}

static long stat_at(long dirfd, uint64_t upath, uint64_t flags, struct fs_stat *st)
{
	struct lx_path path LX_PATH;
	struct lx_file *f;
	char c = 1;
	long err;

	path_start(&path);
	if (flags & 0x1000 && (!upath || (!get_user(&c, upath, 1) && !c))) { /* AT_EMPTY_PATH */
		if ((int32_t)dirfd == AT_FDCWD)
			return path_stat(proc()->cwd, false, st);
		f = fd_file(dirfd);
		return f ? file_stat(f, st) : -EBADF;
	}
	err = path_get(dirfd, upath, &path);
	if (err < 0)
		return err;
	if (flags & 0x100 && own_link(path.s, st))
		return 0;
	f = open_self(path.s);
	if (f) {
		err = file_stat(f, st);
		file_put(f);
		return err;
	}
	return path_stat(path.s, flags & 0x100, st);
}

LX(newfstatat)
{
	struct fs_stat st;
	long err = a[3] & ~0x1900ull ? -EINVAL : stat_at(a[0], a[1], a[3], &st);

	return err < 0 ? err : put_stat(a[2], &st);
}

LX(stat)
{
	struct fs_stat st;
	long err = stat_at(AT_FDCWD, a[0], 0, &st);

	return err < 0 ? err : put_stat(a[1], &st);
}

LX(lstat)
{
	struct fs_stat st;
	long err = stat_at(AT_FDCWD, a[0], 0x100, &st);

	return err < 0 ? err : put_stat(a[1], &st);
}

LX(fstat)
{
	struct lx_file *f = fd_file(a[0]);
	struct fs_stat st;
	long err;

	if (!f)
		return -EBADF;
	err = file_stat(f, &st);
	return err < 0 ? err : put_stat(a[1], &st);
}

struct statx_time {
	int64_t sec;
	uint32_t nsec, pad;
};

struct statx { /* include/uapi/linux/stat.h */
	uint32_t mask, blksize;
	uint64_t attributes;
	uint32_t nlink, uid, gid;
	uint16_t mode, pad;
	uint64_t ino, size, blocks, attributes_mask;
	struct statx_time atime, btime, ctime, mtime;
	uint32_t rdev_major, rdev_minor, dev_major, dev_minor;
	uint64_t spare[14];
};

static struct statx_time statx_time(uint64_t ns)
{
	return (struct statx_time){ns / 1000000000, ns % 1000000000, 0};
}

LX(statx)
{
	struct fs_stat s;
	struct statx x;
	long err = a[2] & ~0x7900ull || (a[2] & 0x6000) == 0x6000 || a[3] & 0x80000000u
			   ? -EINVAL /* flags, synchronisation, STATX__RESERVED */
			   : stat_at(a[0], a[1], a[2], &s);

	if (err < 0)
		return err;
	x = (struct statx){.mask = 0x7ff,
			   .blksize = 4096,
			   .nlink = s.nlink,
			   .uid = s.uid,
			   .gid = s.gid,
			   .mode = s.mode,
			   .ino = s.ino,
			   .size = s.size,
			   .blocks = s.blocks,
			   .atime = statx_time(s.atime),
			   .ctime = statx_time(s.ctime),
			   .mtime = statx_time(s.mtime),
			   .rdev_major = s.rdev >> 8,
			   .rdev_minor = s.rdev & 255,
			   .dev_minor = s.dev};
	return put_user(a[4], &x, sizeof(x)) ? -EFAULT : 0;
}

enum { AT_EACCESS = 0x200, AT_NOFOLLOW = 0x100 };

static long access_at(long dirfd, uint64_t upath, uint64_t mode, uint64_t flags)
{
	struct w_msg m = {.op = FS_ACCESS};
	struct lx_path path LX_PATH;
	const char *rest;
	struct fs_stat st;
	long err;

	path_start(&path);
	if (mode & ~7ull)
		return -EINVAL;
	err = path_get(dirfd, upath, &path);
	if (err < 0)
		return err;
	rest = path.s;
	if (path_mount(&rest) != LX_H_FS)
		return stat_at(dirfd, upath, flags & AT_NOFOLLOW, &st);
	m.FS_ACCESS_in_mode = mode;
	m.FS_ACCESS_in_real = !(flags & AT_EACCESS);
	m.FS_ACCESS_in_nofollow = flags & AT_NOFOLLOW;
	return path_op(path.s, &m);
}

LX(access)
{
	return access_at(AT_FDCWD, a[0], a[1], 0);
}

LX(faccessat)
{
	return access_at(a[0], a[1], a[2], 0);
}

LX(faccessat2)
{
	return a[3] & ~0x1300ull ? -EINVAL : access_at(a[0], a[1], a[2], a[3]);
}

static long may_search(const char *path)
{
	struct w_msg m = {.op = FS_ACCESS};
	const char *rest = path;

	m.FS_ACCESS_in_mode = 1;
	return path_mount(&rest) == LX_H_FS ? path_op(path, &m) : 0;
}

/* getcwd(2) knows no links, and a slash at the end of the root only. */
static long real_directory(struct lx_path *path)
{
	struct lx_path real LX_PATH;
	const char *rest = path->s;
	size_t n;
	long err;

	path_start(&real);
	if (path_mount(&rest) == LX_H_FS) {
		err = resolve(path->s, false, &real);
		if (err >= 0)
			err = path_put(path, 0, real.s);
		if (err < 0)
			return err;
	}
	n = strlen(path->s);
	if (n > 1 && path->s[n - 1] == '/')
		path->s[n - 1] = 0;
	return n < sizeof(proc()->cwd) ? 0 : W_ENAMETOOLONG;
}

LX(chdir)
{
	struct lx_path path LX_PATH;
	struct fs_stat st;
	long err;

	path_start(&path);
	err = path_get(AT_FDCWD, a[0], &path);
	if (err >= 0)
		err = path_stat(path.s, false, &st);
	if (err < 0)
		return err;
	if ((st.mode & FS_S_IFMT) != FS_S_IFDIR)
		return -ENOTDIR;
	err = may_search(path.s);
	if (err >= 0)
		err = real_directory(&path);
	if (err < 0)
		return err;
	strlcpy(proc()->cwd, path.s, sizeof(proc()->cwd));
	return 0;
}

LX(fchdir)
{
	struct lx_file *f = fd_file(a[0]);
	long err;

	if (!f)
		return -EBADF;
	if (!f->path || (f->mode & FS_S_IFMT) != FS_S_IFDIR)
		return -ENOTDIR;
	err = may_search(f->path);
	if (err < 0)
		return err;
	strlcpy(proc()->cwd, f->path, sizeof(proc()->cwd));
	return 0;
}

LX(getcwd)
{
	size_t n = strlen(proc()->cwd) + 1;

	if (a[1] < n)
		return -ERANGE;
	return put_user(a[0], proc()->cwd, n) ? -EFAULT : (long)n;
}

static long one_path(long dirfd, uint64_t upath, struct w_msg *m)
{
	struct lx_path path LX_PATH;
	long err;

	path_start(&path);
	err = path_get(dirfd, upath, &path);
	if (err < 0)
		return err;
	err = path_op(path.s, m);
	return err < 0 ? err : 0;
}

/* Likewise, where nothing may be. */
static long one_new(long dirfd, uint64_t upath, struct w_msg *m)
{
	struct lx_path path LX_PATH;
	long err;

	path_start(&path);
	err = path_new(dirfd, upath, &path);
	if (err < 0)
		return err;
	err = path_op(path.s, m);
	return err < 0 ? err : 0;
}

static long mkdir_at(long dirfd, uint64_t upath, uint64_t mode)
{
	struct w_msg m = {.op = FS_MKDIR};

	m.FS_MKDIR_in_mode = mode & ~proc()->umask & 01777;
	return one_new(dirfd, upath, &m);
}

LX(mkdir)
{
	return mkdir_at(AT_FDCWD, a[0], a[1]);
}

LX(mkdirat)
{
	return mkdir_at(a[0], a[1], a[2]);
}

static long unlink_at(long dirfd, uint64_t upath)
{
	struct w_msg m = {.op = FS_UNLINK};

	return one_path(dirfd, upath, &m);
}

LX(unlink)
{
	return unlink_at(AT_FDCWD, a[0]);
}

static long remove_dir(long dirfd, uint64_t upath)
{
	struct w_msg m = {.op = FS_UNLINK};
	struct lx_path path LX_PATH;
	int dots;
	long err;

	path_start(&path);
	err = get_path(dirfd, upath, &path, &dots);
	if (err < 0 || dots == 1)
		return err < 0 ? err : -EINVAL;
	m.FS_UNLINK_in_rmdir = true;
	err = path_op(path.s, &m);
	return err < 0 ? err : 0;
}

LX(rmdir)
{
	return remove_dir(AT_FDCWD, a[0]);
}

LX(unlinkat)
{
	if (a[2] & ~0x200ull)
		return -EINVAL;
	return a[2] ? remove_dir(a[0], a[1]) : unlink_at(a[0], a[1]);
}

/* Two paths of one service in one message: "first NUL second". */
static long two_paths(struct w_msg *m, const char *first, const char *second)
{
	struct lx_path both LX_PATH;
	const char *x = first, *y = second;
	w_handle_t h = path_mount(&x);
	size_t n = strlen(x) + 1;
	long err;

	path_start(&both);
	if (h != path_mount(&y))
		return -18; /* EXDEV */
	err = path_put(&both, 0, x);
	if (!err)
		err = path_put(&both, n, y);
	if (err)
		return err;
	m->in = (uint64_t)both.s;
	m->in_len = n + strlen(y) + 1;
	err = lx_chan(h, m);
	return err < 0 ? err : 0;
}

static long two_at(struct w_msg *m, long d1, uint64_t u1, long d2, uint64_t u2)
{
	struct lx_path p1 LX_PATH, p2 LX_PATH;
	long err;

	path_start(&p1);
	path_start(&p2);
	err = path_get(d1, u1, &p1);
	if (err >= 0)
		err = path_new(d2, u2, &p2);
	return err < 0 ? err : two_paths(m, p1.s, p2.s);
}

static long rename_at(long d1, uint64_t u1, long d2, uint64_t u2, uint64_t flags)
{
	struct w_msg m = {.op = FS_RENAME};
	struct lx_path p1 LX_PATH, p2 LX_PATH;
	long from, to;

	path_start(&p1);
	path_start(&p2);
	from = path_new(d1, u1, &p1);
	to = path_new(d2, u2, &p2);
	if (from == -EEXIST || (from >= 0 && to == -EEXIST)) /* "." and ".." stay */
		return W_EBUSY;
	if (from < 0 || to < 0)
		return from < 0 ? from : to;
	m.FS_RENAME_in_flags = flags;
	return two_paths(&m, p1.s, p2.s);
}

LX(rename)
{
	return rename_at(AT_FDCWD, a[0], AT_FDCWD, a[1], 0);
}

LX(renameat)
{
	return rename_at(a[0], a[1], a[2], a[3], 0);
}

LX(renameat2)
{
	enum { NOREPLACE = 1, EXCHANGE = 2 }; /* WHITEOUT is an overlay's */

	if (a[4] != NOREPLACE && a[4] != EXCHANGE && a[4])
		return -EINVAL;
	return rename_at(a[0], a[1], a[2], a[3], a[4]);
}

LX(link)
{
	struct w_msg m = {.op = FS_LINK};

	return two_at(&m, AT_FDCWD, a[0], AT_FDCWD, a[1]);
}

LX(linkat)
{
	struct w_msg m = {.op = FS_LINK};

	if (a[4] & ~0x400ull) /* AT_SYMLINK_FOLLOW */
		return -EINVAL;
	m.FS_LINK_in_follow = a[4] != 0;
	return two_at(&m, a[0], a[1], a[2], a[3]);
}

static long symlink_at(uint64_t utarget, long dirfd, uint64_t upath)
{
	struct lx_path both LX_PATH, path LX_PATH;
	struct w_msg m = {.op = FS_SYMLINK};
	const char *rest;
	w_handle_t h;
	long n, err;

	path_start(&both);
	path_start(&path);
	n = path_copy(&both, utarget);
	err = n < 0 ? n : n ? path_new(dirfd, upath, &path) : -ENOENT;
	if (err < 0)
		return err;
	rest = path.s;
	h = path_mount(&rest);
	err = path_put(&both, n + 1, rest);
	if (err)
		return err;
	m.in = (uint64_t)both.s;
	m.in_len = n + 1 + strlen(rest) + 1;
	err = lx_chan(h, &m);
	return err < 0 ? err : 0;
}

LX(symlink)
{
	return symlink_at(a[0], AT_FDCWD, a[1]);
}

LX(symlinkat)
{
	return symlink_at(a[0], a[1], a[2]);
}

/* What links of our own in /proc say; NULL: it is another path. */
static const char *own_link_text(const char *path)
{
	const char *mine = own_proc(path);
	struct lx_file *f;

	if (!mine)
		return NULL;
	if (!strcmp(mine, "exe"))
		return proc()->exe;
	if (!strcmp(mine, "cwd"))
		return proc()->cwd;
	if (strncmp(mine, "fd/", 3))
		return NULL;
	mine += 3;
	f = fd_file(strtoul_at(&mine, 10));
	if (!f)
		return "";
	return f->path					? f->path
	       : f->kind == K_TTY			? "/dev/console"
	       : f->kind == K_STREAM			? "pipe:[0]"
	       : f->kind == K_SOCK			? "socket:[0]"
	       : f->kind == K_DEV && f->dev == DEV_NULL ? "/dev/null"
							: "anon_inode:[other]";
}

static long readlink_at(long dirfd, uint64_t upath, uint64_t ubuf, uint64_t size)
{
	uint64_t room = size < LX_PATH_MAX ? size : LX_PATH_MAX;
	struct w_msg m = {.op = FS_READLINK, .out = ubuf, .out_len = room};
	struct lx_path path LX_PATH;
	const char *text;
	long n;

	path_start(&path);
	n = path_get(dirfd, upath, &path);
	if (n < 0)
		return n;
	if ((int64_t)size <= 0)
		return -EINVAL;
	text = own_link_text(path.s);
	n = !text ? path_op(path.s, &m) : *text ? (long)strlen(text) : -ENOENT;
	if (n > (long)room)
		n = room;
	return text && n > 0 && put_user(ubuf, text, n) ? -EFAULT : n;
}

LX(readlink)
{
	return readlink_at(AT_FDCWD, a[0], a[1], a[2]);
}

LX(readlinkat)
{
	return readlink_at(a[0], a[1], a[2], a[3]);
}

static long set_attr(struct lx_file *f, long dirfd, uint64_t upath, struct w_msg *m)
{
	long err;

	m->op = FS_SETATTR;
	if (!f)
		return one_path(dirfd, upath, m);
	if (f->kind == K_TTY && f->path && strncmp(f->path, "/dev/pts/", 9)) {
		err = path_op(f->path, m);
		return err < 0 ? err : 0;
	}
	if (f->kind != K_FILE && f->kind != K_TTY)
		return 0;
	err = lx_chan(f->h, m);
	return err < 0 ? err : 0;
}

static long chmod_at(struct lx_file *f, long dirfd, uint64_t upath, uint64_t mode)
{
	struct w_msg m = {0};

	m.FS_SETATTR_in_what = FS_SET_MODE;
	m.FS_SETATTR_in_mode = mode & 07777;
	return set_attr(f, dirfd, upath, &m);
}

LX(chmod)
{
	return chmod_at(NULL, AT_FDCWD, a[0], a[1]);
}

LX(fchmodat)
{
	return chmod_at(NULL, a[0], a[1], a[2]);
}

LX(fchmod)
{
	struct lx_file *f = fd_file(a[0]);

	return f ? chmod_at(f, 0, 0, a[1]) : -EBADF;
}

static long chown_at(struct lx_file *f, long dirfd, uint64_t upath, uint32_t uid, uint32_t gid,
		     bool nofollow)
{
	struct w_msg m = {0};

	m.FS_SETATTR_in_what = (uid != ~0u ? FS_SET_UID : 0) | (gid != ~0u ? FS_SET_GID : 0) |
			       (nofollow ? 0x100 : 0);
	m.FS_SETATTR_in_uid = uid;
	m.FS_SETATTR_in_gid = gid;
	return set_attr(f, dirfd, upath, &m);
}

LX(chown)
{
	return chown_at(NULL, AT_FDCWD, a[0], a[1], a[2], false);
}

LX(lchown)
{
	return chown_at(NULL, AT_FDCWD, a[0], a[1], a[2], true);
}

LX(fchownat)
{
	struct lx_file *f = NULL;
	char c = 1;

	if (a[4] & ~0x1100ull)
		return -EINVAL;
	if (a[4] & 0x1000 && !get_user(&c, a[1], 1) && !c) { /* AT_EMPTY_PATH */
		f = fd_file(a[0]);
		if (!f)
			return -EBADF;
	}
	return chown_at(f, a[0], a[1], a[2], a[3], a[4] & 0x100);
}

LX(fchown)
{
	struct lx_file *f = fd_file(a[0]);

	return f ? chown_at(f, 0, 0, a[1], a[2], false) : -EBADF;
}

LX(utimensat)
{
	struct lx_timespec t[2] = {{0, 0x3fffffff}, {0, 0x3fffffff}};
	uint64_t now = lx_now() + lx_wall_offset();
	struct w_msg m = {0};
	struct lx_file *f = a[1] ? NULL : fd_file(a[0]);
	uint64_t ns[2];
	int i;

	if (a[3] & ~0x100ull)
		return -EINVAL;
	if (!a[1] && !f)
		return -EBADF;
	if (a[2] && get_user(t, a[2], sizeof(t)))
		return -EFAULT;
	for (i = 0; i < 2; i++) {
		if (t[i].nsec == 0x3ffffffe) /* UTIME_OMIT */
			continue;
		if (t[i].nsec != 0x3fffffff && (t[i].nsec < 0 || t[i].nsec > 999999999))
			return -EINVAL;
		if (t[i].nsec == 0x3fffffff)
			m.FS_SETATTR_in_what |= FS_SET_NOW;
		ns[i] = t[i].nsec == 0x3fffffff ? now : t[i].sec * 1000000000ull + t[i].nsec;
		m.FS_SETATTR_in_what |= i ? FS_SET_MTIME : FS_SET_ATIME;
		if (i)
			m.FS_SETATTR_in_mtime = ns[i];
		else
			m.FS_SETATTR_in_atime = ns[i];
	}
	if (a[3] & 0x100)
		m.FS_SETATTR_in_what |= 0x100;
	return set_attr(f, a[0], a[1], &m);
}

/* utimes and its like: microseconds or seconds, by path. */
static long set_times(long dirfd, uint64_t upath, const uint64_t *ns)
{
	uint64_t now = lx_now() + lx_wall_offset();
	struct w_msg m = {0};

	m.FS_SETATTR_in_what = FS_SET_ATIME | FS_SET_MTIME | (ns ? 0 : FS_SET_NOW);
	m.FS_SETATTR_in_atime = ns ? ns[0] : now;
	m.FS_SETATTR_in_mtime = ns ? ns[1] : now;
	return set_attr(NULL, dirfd, upath, &m);
}

static long utimes_at(long dirfd, uint64_t upath, uint64_t utv)
{
	int64_t tv[4];
	uint64_t ns[2];

	if (!utv)
		return set_times(dirfd, upath, NULL);
	if (get_user(tv, utv, sizeof(tv)))
		return -EFAULT;
	if ((uint64_t)tv[1] > 999999 || (uint64_t)tv[3] > 999999)
		return -EINVAL;
	ns[0] = tv[0] * 1000000000ull + tv[1] * 1000;
	ns[1] = tv[2] * 1000000000ull + tv[3] * 1000;
	return set_times(dirfd, upath, ns);
}

LX(utimes)
{
	return utimes_at(AT_FDCWD, a[0], a[1]);
}

LX(futimesat)
{
	return utimes_at(a[0], a[1], a[2]);
}

LX(utime)
{
	int64_t s[2];
	uint64_t ns[2];

	if (!a[1])
		return set_times(AT_FDCWD, a[0], NULL);
	if (get_user(s, a[1], sizeof(s)))
		return -EFAULT;
	ns[0] = s[0] * 1000000000ull;
	ns[1] = s[1] * 1000000000ull;
	return set_times(AT_FDCWD, a[0], ns);
}

LX(openat2)
{
	uint64_t how[3];

	if (a[3] < sizeof(how))
		return -EINVAL;
	if (get_user(how, a[2], sizeof(how)))
		return -EFAULT;
	if (how[2]) /* RESOLVE_*: confinement that we cannot promise */
		return -EINVAL;
	return open_at(a[0], a[1], how[0], how[1]);
}

LX(truncate)
{
	struct w_msg m = {.op = FS_TRUNCATE};

	m.FS_TRUNCATE_in_size = a[1];
	return one_path(AT_FDCWD, a[0], &m);
}

static long put_statfs(uint64_t ubuf, w_handle_t h, const char *path)
{
	struct fs_statfs s;
	struct w_msg m = {.op = FS_STATFS,
			  .in = (uint64_t)path,
			  .in_len = path ? strlen(path) : 0,
			  .out = (uint64_t)&s,
			  .out_len = sizeof(s)};
	uint64_t out[15] = {0};
	long err = lx_chan(h, &m);

	if (err < 0)
		return err;
	out[0] = s.type;
	out[1] = s.block;
	out[2] = s.blocks;
	out[3] = out[4] = s.free;
	out[5] = s.files;
	out[6] = s.ffree;
	out[8] = 255;
	out[9] = s.block;
	return put_user(ubuf, out, sizeof(out)) ? -EFAULT : 0;
}

/* What is no file system of the file service: its magic number, and no room. */
static long put_statfs_service(uint64_t ubuf, w_handle_t h)
{
	uint64_t out[15] = {h == LX_H_PROCFS ? 0x9fa0 : 0x1cd1, W_PAGE, [8] = 255, [9] = W_PAGE};

	return put_user(ubuf, out, sizeof(out)) ? -EFAULT : 0;
}

LX(statfs)
{
	struct lx_path path LX_PATH;
	const char *rest;
	struct fs_stat st;
	w_handle_t h;
	long err;

	path_start(&path);
	err = path_get(AT_FDCWD, a[0], &path);
	if (err < 0)
		return err;
	rest = path.s;
	h = path_mount(&rest);
	err = h == LX_H_FS ? put_statfs(a[1], h, path.s) : path_stat(path.s, false, &st);
	if (h == LX_H_FS)
		return err == W_EXDEV ? put_statfs_service(a[1], LX_H_PROCFS) : err;
	return err < 0 ? err : put_statfs_service(a[1], h);
}

LX(fstatfs)
{
	struct lx_file *f = fd_file(a[0]);
	long err;

	if (!f)
		return -EBADF;
	err = f->kind == K_FILE ? put_statfs(a[1], f->h, NULL) : -ENOSYS;
	return err == -ENOSYS ? put_statfs(a[1], LX_H_FS, NULL) : err;
}

LX(inotify_init1)
{
	struct w_msg m = {.op = FS_WATCH_NEW};
	long err;

	if (a[0] & ~(02000000ull | FS_O_NONBLOCK))
		return -EINVAL;
	m.FS_WATCH_NEW_in_flags = a[0] & FS_O_NONBLOCK;
	err = lx_chan(LX_H_FS, &m);
	if (err < 0)
		return err;
	return fd_of_service(K_INOTIFY, a[0] & FS_O_NONBLOCK, m.h, a[0] & 02000000);
}

LX(inotify_init)
{
	const uint64_t none[6] = {0};

	(void)a;
	return lx_inotify_init1(none);
}

LX(inotify_add_watch)
{
	struct lx_file *f = fd_file(a[0]);
	struct w_msg m = {.op = FS_WATCH_ADD};
	struct lx_path path LX_PATH;
	const char *rest;
	long err;

	path_start(&path);
	if (!f || f->kind != K_INOTIFY)
		return f ? -EINVAL : -EBADF;
	err = path_get(AT_FDCWD, a[1], &path);
	if (err < 0)
		return err;
	rest = path.s;
	if (path_mount(&rest) != LX_H_FS)
		return -EINVAL; /* what servers make up does not tell when it changes */
	m.in = (uint64_t)path.s;
	m.in_len = strlen(path.s);
	m.FS_WATCH_ADD_in_mask = (uint32_t)a[2];
	return lx_chan(f->h, &m);
}

LX(inotify_rm_watch)
{
	struct lx_file *f = fd_file(a[0]);
	struct w_msg m = {.op = FS_WATCH_DEL};

	if (!f || f->kind != K_INOTIFY)
		return f ? -EINVAL : -EBADF;
	m.FS_WATCH_DEL_in_wd = a[1];
	return lx_chan(f->h, &m);
}

LX(umask)
{
	uint32_t old = proc()->umask;

	proc()->umask = a[0] & 0777;
	return old;
}

LX(xattr_none)
{
	(void)a;
	return -95; /* EOPNOTSUPP: no extended attributes */
}

LX(sync)
{
	struct w_msg m = {.op = FS_SYNC};

	(void)a;
	lx_chan(LX_H_FS, &m);
	return 0;
}

LX(chroot)
{
	(void)a;
	return -EPERM;
}

static long mknod_at(long dirfd, uint64_t upath, uint32_t mode, uint64_t dev)
{
	struct w_msg m = {.op = FS_MKNOD};

	if (!(mode & FS_S_IFMT))
		mode |= FS_S_IFREG;
	m.FS_MKNOD_in_mode = mode & ~proc()->umask;
	m.FS_MKNOD_in_rdev = dev;
	return one_new(dirfd, upath, &m);
}

LX(mknod)
{
	return mknod_at(AT_FDCWD, a[0], a[1], a[2]);
}

LX(mknodat)
{
	return mknod_at(a[0], a[1], a[2], a[3]);
}
