// SPDX-License-Identifier: MIT
/* mount(2) and umount2(2): the file service does it; here is what the paths in them mean. */
#include "lx.h"

#include <lib/fmt.h>

#define PATH_LEN 1024
#define AT_FDCWD (-100)
#define MS_BIND 4096
#define ARGUMENTS (4 * PATH_LEN)
#define UMOUNT_NOFOLLOW 8
#define MNT_KNOWN 15 /* MNT_FORCE, MNT_DETACH, MNT_EXPIRE, UMOUNT_NOFOLLOW */
#define MNT_EXPIRE 4

struct arguments {
	char text[ARGUMENTS];
	uint32_t len;
};

/* A string of the program's, which may be none; path: it is made absolute. */
static long add_text(struct arguments *all, uint64_t user, bool path)
{
	char *to = all->text + all->len;
	long n = 0;

	to[0] = 0;
	if (user && path)
		n = path_get(AT_FDCWD, user, to, PATH_LEN);
	else if (user)
		n = lx_copy_str(to, (const char *)user, PATH_LEN);
	if (n < 0)
		return n;
	all->len += strlen(to) + 1;
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
	char path[PATH_LEN];
	struct w_msg m = {.op = FS_UMOUNT, .in = (uint64_t)path};
	long err;

	if (a[1] & ~(uint64_t)MNT_KNOWN || a[1] & MNT_EXPIRE)
		return -EINVAL;
	err = path_get(AT_FDCWD, a[0], path, sizeof(path));
	if (err < 0)
		return err;
	m.in_len = strlen(path);
	m.FS_UMOUNT_in_flags = a[1];
	return lx_chan(LX_H_FS, &m);
}
