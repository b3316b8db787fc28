/* SPDX-License-Identifier: MIT */
/* Making and removing names: what mkdir, open(O_CREAT), bind and the start have in common. */
#pragma once

#include "request.h"

/* The file that the request makes: its ids are the caller's. */
struct new_file make_what(struct request *rq, uint32_t mode);
/* dir[name] is to be; W_EEXIST, W_EACCES...  *out counts. */
int make_in(struct request *rq, struct path dir, const char *name, struct new_file *what,
	    struct path *out);
/* By path.  out may be NULL. */
int make(struct request *rq, const char *path, struct new_file *what, struct path *out);
/* The directory and the name of what is to be made there. */
int make_place(struct request *rq, const char *path, bool is_dir, struct path *dir, char *last);
int unmake(struct request *rq, struct path dir, const char *name, bool rmdir);
/* d of dir has just been unlinked: who waits for what hears of it. */
void name_gone(struct inode *dir, struct dentry *d);
/* dir has other entries than before. */
void entries_changed(struct inode *dir);
/* May files be made, removed or changed there? */
int writable_here(const struct path *p);
