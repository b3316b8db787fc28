/* SPDX-License-Identifier: MIT */
/*
 * The bytes of a regular file: one memory object, the only copy for read, write, mmap and
 * exec.  How it is filled is a kind of its own: files in memory (memfile.c) have all there is;
 * those of a disk (pagecache.c) get pages when they are wanted and write them back.
 *
 * Bytes of the boot archive are borrowed until the first write: then the file gets an object
 * of its own with a copy.
 */
#pragma once

#include <lib/list.h>
#include <rt/rt.h>

struct inode;
struct request;
struct pages;

struct content {
	const struct content_ops *ops;
	w_handle_t mem; /* own object, or a slice of what was borrowed; owns */
	char *map;	/* the own one, mapped_len bytes */
	uint64_t map_len;
	const char *borrowed; /* NULL: own, or nothing at all */
	w_handle_t from;      /* what it was borrowed of, */
	uint64_t from_off;    /* and where there */
	bool own;	      /* mem may be written */
	bool lent;	      /* readers have mem: w_mem_content() is kept at the size */
	bool mapped;	      /* programs may write mem without asking us */
	struct pages *pages;  /* which are there (pages.h); owns */
	/* pagecache.c */
	struct inode *inode;
	struct list dirty, cached; /* among the files to write, among those with pages */
	uint64_t dirty_since;
	uint64_t ahead; /* the page behind the last read: reading goes on there */
};

/* All may wait.  Sizes are inode->size, which resize and write keep. */
struct content_ops {
	/* Answer the request with n bytes from off on (inside the file); below 0: it was not. */
	int64_t (*reply)(struct request *rq, struct inode *i, uint64_t off, uint64_t n);
	/* The request's lent bytes go to off; the file grows as needed. */
	int (*write)(struct request *rq, struct inode *i, uint64_t off, uint64_t len);
	int (*resize)(struct inode *i, uint64_t size);
	/* The object, complete as far as anybody looks; borrows. */
	int (*memory)(struct inode *i, w_handle_t *mem);
	/* The same bytes by and from buffers of ours. */
	int (*get)(struct inode *i, uint64_t off, void *to, uint64_t n);
	int (*put)(struct inode *i, uint64_t off, const void *from, uint64_t n);
	int64_t (*seek)(struct inode *i, uint64_t off, bool data); /* SEEK_DATA or SEEK_HOLE */
	int (*sync)(struct inode *i); /* what is dirty goes to the file system */
	void (*drop)(struct inode *i);
};

struct content *content_of(struct inode *i); /* NULL: no memory */
/* As memory(), for w_mem_read(): kept at the size until it is W_MEM_GONE. */
int content_lend(struct inode *i, w_handle_t *mem);
void content_sized(struct inode *i); /* inode->size has changed */

/* The caller has changed the bytes: times, set-id bits, leases. */
void content_changed(struct request *rq, struct inode *i);

extern const struct content_ops memfile_ops, pagecache_ops;
