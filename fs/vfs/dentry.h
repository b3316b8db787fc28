/* SPDX-License-Identifier: MIT */
/*
 * Names in memory.  A dentry is a name in a directory and what it names; NULL: it is known
 * that there is nothing.  They make up the tree that paths are walked in, whatever file
 * systems lie below: of those in memory it is all there is, of others what was used lately.
 *
 *	D1  a dentry with a parent is in the hash table and among the parent's children.
 *	D2  it counts its parent and its inode.
 *	D3  one without a user (refs 0) stays while it has a name: for ever in file systems
 *	    in memory, else until room is needed (dentry_shrink()).
 */
#pragma once

#include <fs/file_system.h>

#define DENTRY_SHORT 24

/* A place among the children of a directory, in the order of their coming.  A listing that
 * goes on keeps one too, so it is found again whatever was deleted meanwhile. */
struct seat {
	struct list link;
	uint64_t no; /* 0: a listing's */
};

struct dentry {
	struct seat seat;
	struct list children; /* struct seat */
	struct list hashed;
	struct list idle;      /* among those without a user */
	struct dentry *parent; /* counted; NULL: a root, or it has no name any more */
	struct inode *inode;   /* counted */
	struct super_block *sb;
	char *name; /* terminated; owns when it is not name_space */
	char name_space[DENTRY_SHORT];
	char *spare; /* room for the next long name; owns */
	uint32_t name_len, hash, refs;
	uint16_t mounts; /* how many mounts there are on it, in all namespaces */
};

void dentry_init(void);
struct dentry *dentry_root(struct super_block *sb); /* of sb->root, with a reference */
/* The child, with a reference; NULL: it is not in memory. */
struct dentry *dentry_known(struct dentry *dir, const struct name *name);
/* The child, asking the file system; a negative one too.  NULL: *err says why. */
struct dentry *dentry_lookup(struct dentry *dir, const struct name *name, int *err);
/* The same, by who has the directory locked. */
struct dentry *dentry_ask(struct dentry *dir, const struct name *name, int *err);
struct dentry *dentry_add(struct dentry *dir, const struct name *name, struct inode *inode);
void dentry_instantiate(struct dentry *d, struct inode *inode); /* it was negative */
void dentry_unlinked(struct dentry *d);				/* it has no name any more */
/* d is dir[name] from now on; what was there has no name any more.  First room for the name. */
int dentry_move_room(struct dentry *d, const struct name *name);
void dentry_move(struct dentry *d, struct dentry *dir, const struct name *name);
void dentry_swap(struct dentry *a, struct dentry *b);
void dentry_free_tree(struct dentry *root);	  /* unmount: nobody uses any of it */
uint32_t dentry_shrink(uint32_t n);		  /* drop idle ones; how many it were */
bool dentry_has_children(const struct dentry *d); /* of file systems in memory: entries */
bool dentry_below(const struct dentry *d, const struct dentry *dir);
void dentry_put(struct dentry *d);

static inline struct dentry *dentry_get(struct dentry *d)
{
	d->refs++;
	return d;
}
