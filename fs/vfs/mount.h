/* SPDX-License-Identifier: MIT */
/*
 * Mounts and namespaces.  A mount shows a file system (or, bound, a part of one) at a place of
 * another.  A namespace is a tree of mounts; a view is what a process sees of one: its
 * root directory.  Processes name things through the channel of a view, so who has a
 * smaller view reaches nothing else (design D8).
 *
 * /proc and /dev/pts are services of their own: a mount without a file system, where a walk ends
 * with W_EXDEV and the path as that service knows it.
 */
#pragma once

#include "channel.h"
#include "dentry.h"

enum { /* mount(2)'s flags, as far as a mount keeps them */
       MOUNT_RDONLY = 1,
       MOUNT_NOSUID = 2,
       MOUNT_NODEV = 4,
       MOUNT_NOEXEC = 8,
       MOUNT_NOATIME = 1024,
       MOUNT_NODIRATIME = 2048,
       MOUNT_RELATIME = 1 << 21,
       MOUNT_STRICTATIME = 1 << 24,
};

struct mount {
	struct list link;	/* in namespace.mounts, oldest first */
	struct super_block *sb; /* NULL: another service's */
	struct dentry *root;	/* counted; what of sb is shown */
	struct mount *parent;	/* NULL: the namespace's root; counted */
	struct dentry *at;	/* of parent; counted */
	struct namespace *ns;	/* NULL: unmounted, and somebody still uses it */
	uint32_t flags, refs, id;
	char service[32]; /* another service's: its name for it, "/proc" */
	char source[64];
};

struct namespace
{
	uint32_t refs;
	struct list mounts;
};

struct path {
	struct mount *mnt;
	struct dentry *d; /* NULL: no path */
};

struct view {
	enum channel_kind kind;
	struct namespace *ns; /* counted */
	struct path root;     /* counted */
};

static inline struct path path_get(struct path p)
{
	p.mnt->refs++;
	p.d->refs++;
	return p;
}

void path_put(struct path p);
void mount_put(struct mount *m);
static inline bool path_is_same(struct path a, struct path b)
{
	return a.mnt == b.mnt && a.d == b.d;
}

/* The mount on p in its namespace; NULL: none. */
struct mount *mount_on(struct path p);
/* p's parent; at the root of a mount, what that lies on.  false: p is view's root. */
bool path_up(const struct view *view, struct path *p);
/* The absolute path in the view; false: none, or too long. */
bool path_text(const struct view *view, struct path p, char *out, size_t size);

/* The first mount of the first namespace. */
struct view *mount_first(const struct file_system *kind, const struct mount_args *args, int *err);
/* Show sb's directory root (NULL: the whole of it) at p. */
int mount_add(struct path p, struct super_block *sb, struct dentry *root, uint32_t flags,
	      const char *source);
/* A new super block of this kind, all of it shown at p. */
int mount_new_at(struct path p, const struct file_system *kind, const struct mount_args *args,
		 uint32_t flags);
/* Everything written so far is on the medium. */
int super_sync(struct super_block *sb);
void mount_sync_all(void);
/* The same, and what lies on a medium is read-only and clean: the machine may be switched off. */
void mount_end_all(void);
/* W_EBUSY: it is in use, unless lazy; then it ends with its last user.  The caller holds one
 * reference. */
int mount_remove(struct mount *m, bool lazy);
int mount_service(struct path p, const char *service);
#define SYS_SERVICE "/proc/wherry/sys" /* /sys is procd's too */
