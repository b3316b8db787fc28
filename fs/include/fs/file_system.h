/* SPDX-License-Identifier: MIT */
/*
 * What a file system is to the file service: a kind (struct file_system), a mounted one
 * (struct super_block) and its files (struct inode), each with a table of operations.
 *
 * A file system lives in a folder of its own, knows no other one, and sees of the service
 * only this header.  It is added by that folder, its Kconfig entry and a line in fs/Kbuild
 * (Documentation/guide/add.md).
 *
 *	Who does what.  The service (fs/vfs/) walks paths, keeps names and pages in memory,
 *	checks permission, and serialises: while one of a directory's operations that change it
 *	runs, no other operation of that directory does; the same for setattr, write_pages,
 *	allocate and fsync of one file.  lookup, readdir and read_pages may run side by side.
 *	When an operation is called, names are valid (1 to 255 bytes, no '/', no dots), what
 *	must exist does, what must not does not, and directories stay free of circles.
 *
 *	Blocking.  Operations run in fibers (rt/fiber.h) and may wait.
 *
 *	Errors.  0 or a W_E code; on an error nothing has changed that anybody could see.
 *
 *	Units.  Times are ns since 1970, sizes bytes, blocks 512 bytes, pages W_PAGE bytes.
 */
#pragma once

#include <lib/list.h>
#include <rt/rt.h>
#include <wherry/fs.h>

struct blk;
struct inode;
struct super_block;

/* ---- a kind of file system ---- */

enum {
	FS_KIND_DEVICE = 1, /* lives on a block device, which mount gets */
	/*
	 * Lives in memory only: the service's table of names and pages is the file system, and
	 * nothing in it is ever dropped.  It has no lookup, readdir, readlink, read_pages and
	 * write_pages; create, link, unlink and rename only say yes or no, and keep nlink.
	 */
	FS_KIND_MEMORY = 2,
	/* Shows the boot archive where the source is "archive"; then there is no device. */
	FS_KIND_ARCHIVE = 4,
};
#define FS_ARCHIVE_SOURCE "archive"

/* What mount(2) was given. */
struct mount_args {
	struct blk *dev;     /* FS_KIND_DEVICE: claimed by the service; else NULL (or _ARCHIVE) */
	const char *source;  /* as given, e.g. a 9P tag */
	const char *options; /* "a=1,b": what the service itself does not know */
	bool read_only;
};

struct file_system {
	const char *name; /* as mount -t names it */
	uint32_t flags;	  /* FS_KIND_* */
	/* Fill sb's own, ops, magic and root (with the one reference that is the caller's). */
	int (*mount)(struct super_block *sb, const struct mount_args *args);
};

/* Ends with NULL; made by fs/Kbuild from the file systems that are configured. */
extern const struct file_system *const file_systems[];

/* ---- a mounted one ---- */

struct super_ops {
	void (*statfs)(struct super_block *sb, struct fs_statfs *out); /* type and block are set */
	/* All that was written so far is on the medium when it returns. */
	int (*sync)(struct super_block *sb);
	/* Read-only from now on, or no longer; after sync(). */
	int (*remount)(struct super_block *sb, bool read_only, const char *options);
	/* The last reference is gone: free what is the inode's, also its blocks if nlink is 0. */
	void (*evict)(struct inode *inode);
	void (*unmount)(struct super_block *sb); /* after sync(); frees what is sb's */
};

struct super_block {
	/* the file system's, set by mount */
	const struct super_ops *ops;
	struct inode *root;
	void *own;
	uint32_t magic;		/* statfs(2)'s f_type */
	uint64_t max_file_size; /* 0: no bound of its own */
	/* the service's */
	struct dentry *top; /* the root's name, which all mounts of it share */
	const struct file_system *kind;
	struct blk *dev;
	uint64_t dev_no; /* st_dev */
	bool read_only;
	uint32_t mounts; /* that show it */
	struct list link;
	struct list inodes; /* struct inode.of_super */
};

/* ---- files ---- */

struct name {
	const char *bytes; /* not terminated */
	uint32_t len;
};

/* What a new file is to be. */
struct new_file {
	uint32_t mode; /* with the type */
	uint32_t uid, gid;
	uint64_t rdev;	    /* devices */
	const char *target; /* symbolic links: terminated */
	uint64_t now;
	struct inode *link; /* the service's: another name of this file instead */
};

/* setattr: FS_SET_* (wherry/fs.h) and these */
enum { ATTR_SIZE = 0x1000, ATTR_CTIME = 0x2000 };
struct attr {
	uint32_t mode, uid, gid;
	uint64_t size, atime, mtime, ctime;
};

/* For each entry from the cookie on; false: no more are wanted, this one neither.  next: the
 * cookie of what follows it.  0, 1 and 2 are ".", ".." and the first entry: file systems see
 * only cookies from 2 on, and give larger ones. */
typedef bool (*readdir_emit)(void *to, const struct name *name, uint64_t ino, uint32_t mode,
			     uint64_t next);

enum { RENAME_NOREPLACE = 1, RENAME_EXCHANGE = 2 };

struct inode_ops {
	/* ---- directories ---- */
	/* *out: a reference, by inode_get() where the service has the file in memory already
	 * (inode_find()).  W_ENOENT. */
	int (*lookup)(struct inode *dir, const struct name *name, struct inode **out);
	int (*create)(struct inode *dir, const struct name *name, const struct new_file *what,
		      struct inode **out);
	int (*link)(struct inode *dir, const struct name *name, struct inode *target);
	/* A file, or a directory that is empty (W_ENOTEMPTY); nlink falls, evict() comes later. */
	int (*unlink)(struct inode *dir, const struct name *name, struct inode *victim);
	/* replaced: what `to` names now (NULL: nothing), unlinked by it; with RENAME_EXCHANGE the
	 * two change places.  One step: after a crash either the old names are there or the new. */
	int (*rename)(struct inode *from_dir, const struct name *from, struct inode *what,
		      struct inode *to_dir, const struct name *to, struct inode *replaced,
		      uint32_t flags);
	int (*readdir)(struct inode *dir, uint64_t cookie, readdir_emit emit, void *to);

	/* ---- any file ---- */
	/* Apply what `what` names, to the medium and to the inode's fields. */
	int (*setattr)(struct inode *inode, uint32_t what, const struct attr *attr);
	/* The target, terminated; size includes the NUL. */
	int (*readlink)(struct inode *inode, char *to, size_t size);
	int (*fsync)(struct inode *inode, bool data_only); /* its pages are written already */
	/* Extended attributes; NULL: EOPNOTSUPP.  The count of bytes, or an error; size 0 asks. */
	int64_t (*getxattr)(struct inode *inode, const char *name, void *to, size_t size);
	int (*setxattr)(struct inode *inode, const char *name, const void *value, size_t size,
			uint32_t flags);
	int64_t (*listxattr)(struct inode *inode, char *to, size_t size);
	int (*removexattr)(struct inode *inode, const char *name);

	/* ---- regular files: n pages from index on, all of them wholly in the buffer; past the
	 * end of the file reads give zeros and writes are cut at inode->size ---- */
	int (*read_pages)(struct inode *inode, uint64_t index, uint32_t n, void *to);
	int (*write_pages)(struct inode *inode, uint64_t index, uint32_t n, const void *from);
	/* These bytes will be written: W_ENOSPC now, not when they are.  Taken back by size. */
	int (*reserve)(struct inode *inode, uint64_t off, uint64_t len);
	/* fallocate(2): mode is Linux's; NULL: EOPNOTSUPP. */
	int (*allocate)(struct inode *inode, uint32_t mode, uint64_t off, uint64_t len);
	/* ioctl(2) on an open file: bytes in and out as the request's number has it; the count of
	 * those that came out, or the error.  NULL: ENOTTY. */
	int64_t (*ioctl)(struct inode *inode, uint32_t request, const void *in, size_t n_in,
			 void *out, size_t room);
	/* SEEK_DATA (data) and SEEK_HOLE; NULL: everything is data. */
	int64_t (*seek)(struct inode *inode, uint64_t off, bool data);
};

struct inode {
	/* the file system's to fill before it hands the inode out, and to keep true */
	struct super_block *sb;
	const struct inode_ops *ops;
	void *own;
	uint64_t ino; /* unique in sb while it exists */
	uint32_t mode, uid, gid, nlink;
	uint64_t size, rdev;
	uint64_t blocks; /* of 512 bytes, as stat(2) shows them */
	uint64_t atime, mtime, ctime;
	/* the service's: all zero when it is handed out, but for refs and the lists, which
	 * inode_new() sets */
	uint32_t refs;
	struct list of_super;	/* in sb->inodes */
	struct list by_number;	/* in the table that inode_find() searches */
	struct inode_state *st; /* fs/vfs/inode.h; made when it is needed */
};

/* A fresh inode of sb, zero but for what it is given and one reference; NULL: no memory. */
struct inode *inode_new(struct super_block *sb, uint64_t ino, const struct inode_ops *ops);
/* The one in memory with a reference more; NULL: it is not there. */
struct inode *inode_find(struct super_block *sb, uint64_t ino);
void inode_put(struct inode *inode); /* the last one: evict() */
/* The content of a file without pages yet is size bytes of mem from off on (a multiple of 8),
 * which this process has at `at`; never given back.  A write copies them.  Nothing is read of
 * the file system then. */
void inode_borrow(struct inode *inode, w_handle_t mem, uint64_t off, const void *at);

/* The image that the loader left: a flatfs, len bytes from off on in mem, which this process
 * has at `at`.  Never given back. */
struct fs_boot_archive {
	w_handle_t mem;
	uint64_t off, len;
	const void *at;
};
const struct fs_boot_archive *fs_boot_archive(void);

/* The bytes behind the file are more or fewer now, without anybody having asked (a disk of
 * another size); reads and writes of pages follow inode->size, but reading may already
 * reach to the new end.  W_EBUSY: they are more, and programs write it by mapping; the error of
 * reading; then the size is what it was. */
int inode_resized(struct inode *inode, uint64_t size);

/* What is dirty of all files of sb goes to write_pages(); the first error. */
int pages_sync(struct super_block *sb);
/* statfs of what all files in memory share. */
void memory_statfs(struct fs_statfs *out);

static inline struct inode *inode_get(struct inode *inode)
{
	inode->refs++;
	return inode;
}

static inline bool is_dir(const struct inode *i)
{
	return (i->mode & FS_S_IFMT) == FS_S_IFDIR;
}

static inline bool is_file(const struct inode *i)
{
	return (i->mode & FS_S_IFMT) == FS_S_IFREG;
}

/* The file behind a block device's node has bytes as well. */
static inline bool has_bytes(const struct inode *i)
{
	return is_file(i) || (i->mode & FS_S_IFMT) == FS_S_IFBLK;
}

static inline bool is_symlink(const struct inode *i)
{
	return (i->mode & FS_S_IFMT) == FS_S_IFLNK;
}
