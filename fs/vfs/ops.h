/* SPDX-License-Identifier: MIT */
/* What the service answers: a handler per operation of abi/services.wid, by subject. */
#pragma once

#include "file.h"

/* open.c: by path, and what an open file is asked about itself */
void op_open(struct request *rq);
void op_exec(struct request *rq);
void op_grant(struct request *rq);
void op_flags(struct request *rq, struct file *f);
void op_seek(struct request *rq, struct file *f);

/* io.c: bytes */
void op_read(struct request *rq, struct file *f);
void op_write(struct request *rq, struct file *f);
void op_truncate(struct request *rq, struct file *f); /* f NULL: by path */
void op_mmap(struct request *rq, struct file *f);
void op_content(struct request *rq, struct file *f);

/* attr.c */
void op_stat(struct request *rq, struct file *f);    /* f NULL: by path */
void op_setattr(struct request *rq, struct file *f); /* the same */
void op_statfs(struct request *rq, struct file *f);  /* the same */
void op_access(struct request *rq);

/* names.c */
void op_mkdir(struct request *rq);
void op_mknod(struct request *rq);
void op_unlink(struct request *rq);
void op_rename(struct request *rq);
void op_link(struct request *rq);
void op_symlink(struct request *rq);
void op_readlink(struct request *rq);
void op_resolve(struct request *rq);
void op_leads(struct request *rq);

/* mounting.c */
void op_mount(struct request *rq);
void op_umount(struct request *rq);

/* listing.c */
void op_readdir(struct request *rq, struct file *f);
void listing_end(struct file *f);

/* queues.c: message queues by name */
void op_mq_open(struct request *rq);
void call_mqueue(struct request *rq, struct file *f);
