/* SPDX-License-Identifier: MIT */
/*
 * A tree of files in memory.  File bytes come from the boot archive (borrowed,
 * read-only) until the first write, which copies them into a memory object of
 * the file's own; that object is also what mmap hands out.
 *
 * A node lives while it has a name or is open.
 */
#pragma once

#include <rt/rt.h>
#include <wherry/fs.h>

struct node {
	struct list sibling;  /* in parent->children, by seat */
	uint64_t seat;	      /* when it got its place there: later ones have larger ones */
	struct list children; /* directories; owns */
	struct list named;    /* in the table of names, while it has a parent */
	struct node *parent;  /* NULL: root, or unlinked */
	char *name;	      /* owns */
	uint32_t hash;
	uint32_t mode, uid, gid, nlink, opens;
	uint64_t ino, size, rdev;
	uint64_t atime, mtime, ctime;
	const char *ro;	 /* archive bytes, or NULL */
	uint64_t ro_off; /* of them in the archive's memory object */
	w_handle_t mem;	 /* own memory object, or a slice of the archive */
	bool mem_own;	 /* mem may be written */
	bool mem_lent;	 /* readers have mem: its content is kept at size */
	bool mount;	 /* a directory that another service serves */
	char *map;	 /* mem mapped, map_len bytes */
	uint64_t map_len;
	w_handle_t leads;     /* sockets: to their service; owns */
	char *target;	      /* symbolic links; owns */
	struct list watches;  /* struct watch (watch.c) */
	struct list parkings; /* struct parking (lease.h): opens that may be parked */
	struct locks *locks;  /* lock.c; owns */
	struct fifo *fifo;    /* fifo.c; owns */
	struct mqueue *mq;    /* mqueue.c; owns */
	struct node *hard;    /* a hard link: the node with the data; counted in nlink */
};

extern struct node *ramfs_root;
extern w_handle_t ramfs_archive; /* memory object that ro_off refers to */

void ramfs_init(void);
#define RAMFS_PATH 1024
/* Where the last walk that failed with W_EXDEV goes on: another service's path. */
extern char ramfs_elsewhere[RAMFS_PATH];
/* The absolute path of a node; false: it has none any more, or it is too long. */
bool ramfs_path(const struct node *n, char *out, size_t size);
/* Walk a path.  nofollow: the last component may be a symbolic link itself.
 * With last != NULL stop at the parent and return the final name there. */
int ramfs_walk(struct node *from, const char *path, bool nofollow, struct node **out, char *last);
struct node *ramfs_child(struct node *dir, const char *name);
int ramfs_create(struct node *dir, const char *name, uint32_t mode, struct node **out);
int ramfs_link(struct node *target, struct node *dir, const char *name);
int ramfs_unlink(struct node *n, bool rmdir);
int ramfs_rename(struct node *n, struct node *dir, const char *name, bool noreplace);
void ramfs_accessed(struct node *n);
void ramfs_put(struct node *n);		 /* an open ended: free when nameless */
struct node *ramfs_data(struct node *n); /* hard links resolved */

const char *ramfs_bytes(struct node *n); /* size bytes, or NULL when empty */
int ramfs_resize(struct node *n, uint64_t size);
/* Room for writing [off, off+len): where to put the bytes, or NULL with *err. */
char *ramfs_writable(struct node *n, uint64_t off, uint64_t len, int *err);
int ramfs_memory(struct node *n, w_handle_t *mem); /* for mmap; borrows */
/* The same, for w_mem_read(): kept at the size until it is W_MEM_GONE. */
int ramfs_content(struct node *n, w_handle_t *mem);
void ramfs_sized(struct node *n); /* n->size has changed */
uint64_t ramfs_used(void);
