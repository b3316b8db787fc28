// SPDX-License-Identifier: MIT
/* mount(2) and umount2(2): the file service does it; here is what the paths in them mean. */
#include "lx.h"

#include <lib/fmt.h>

#define AT_FDCWD (-100)
#define MS_BIND 4096
#define UMOUNT_NOFOLLOW 8
#define MNT_KNOWN 15 /* MNT_FORCE, MNT_DETACH, MNT_EXPIRE, UMOUNT_NOFOLLOW */
#define MNT_EXPIRE 4

struct arguments { /* what a service is lent at most: SERVICE_BYTES in rt/ev.h */
	char text[2 * LX_PATH_MAX + LX_PATH_MAX / 2];
	uint32_t len;
};

/* A string of the program's, which may be none; path: it is made absolute. */
static long add_text(struct arguments *all, uint64_t user, bool path)
{
	struct lx_path text LX_PATH;
	long n = 0;

	path_start(&text);
	if (user)
		n = path ? path_get(AT_FDCWD, user, &text) : path_copy(&text, user);
	if (n < 0)
		return n;
	n = strlen(text.s) + 1;
	if (all->len + (uint64_t)n > sizeof(all->text))
		return W_ENAMETOOLONG;
	memcpy(all->text + all->len, text.s, n);
	all->len += n;
	return 0;
}

/* Is the source a path?  A bound one, and one that begins like it. */
static bool is_path(uint64_t user, uint64_t flags)
{
	char first;

	if (!user || flags & MS_BIND)
		return user;
	return !get_user(&first, user, 1) && (first == '/' || first == '.');
}

LX(mount)
{
	struct arguments *all = pmalloc(sizeof(*all));
	struct w_msg m = {.op = FS_MOUNT};
	long err = all ? 0 : -ENOMEM;

	if (!err)
		err = add_text(all, a[0], is_path(a[0], a[3]));
	if (!err)
		err = a[1] ? add_text(all, a[1], true) : -EFAULT;
	if (!err)
		err = add_text(all, a[2], false);
	if (!err)
		err = add_text(all, a[4], false);
	if (!err) {
		m.in = (uint64_t)all->text;
		m.in_len = all->len;
		m.FS_MOUNT_in_flags = a[3] & 0xffffffff;
		err = lx_chan(LX_H_FS, &m);
	}
	pfree(all);
	return err;
}

LX(umount2)
{
	struct lx_path path LX_PATH;
	struct w_msg m = {.op = FS_UMOUNT};
	long err;

	path_start(&path);
	if (a[1] & ~(uint64_t)MNT_KNOWN || a[1] & MNT_EXPIRE)
		return -EINVAL;
	err = path_get(AT_FDCWD, a[0], &path);
	if (err < 0)
		return err;
	m.in = (uint64_t)path.s;
	m.in_len = strlen(path.s);
	m.FS_UMOUNT_in_flags = a[1];
	return lx_chan(LX_H_FS, &m);
}
