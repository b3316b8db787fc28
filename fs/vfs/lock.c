// SPDX-License-Identifier: MIT
#include "lock.h"

#include <rt/ev.h>

enum { F_GETLK = 5, F_SETLK, F_SETLKW, F_OFD_GETLK = 36, F_OFD_SETLK, F_OFD_SETLKW };
#define OFD_PID (-1) /* what F_GETLK shows of a lock that no process owns */
enum { F_RDLCK, F_WRLCK, F_UNLCK };
enum { LOCK_SH = 1, LOCK_EX = 2, LOCK_NB = 4, LOCK_UN = 8 };
#define EDEADLK 35
#define EWOULDBLOCK 11
#define EVERYTHING (~0ull)

struct range {
	struct list link;
	uint64_t owner; /* koid, or the address of the open file */
	uint32_t pid;
	int type;
	bool of_file;	     /* the open file owns it, not a process */
	uint64_t start, end; /* first byte, last byte */
};

struct waiter {
	struct list link, all;
	struct service *s;
	struct w_msg m;
	struct range want;
	struct locks *locks;
	bool record;
};

struct locks {
	struct list link; /* in every */
	struct inode *i;
	struct list records, files; /* struct range */
	struct list waiters;
};

static struct list every = LIST_INIT(every);
static struct list waiting = LIST_INIT(waiting); /* all waiters for record locks */

static void reply(struct service *s, struct w_msg *m, int32_t status)
{
	m->nh = 0;
	service_reply(s, m, status);
}

static struct locks *locks_of(struct inode *i)
{
	struct inode_state *st = inode_state(i);
	struct locks *k;

	if (!st || st->locks)
		return st ? st->locks : NULL;
	k = rt_try_alloc(sizeof(*k));
	if (!k)
		return NULL;
	k->i = i;
	list_init(&k->records);
	list_init(&k->files);
	list_init(&k->waiters);
	list_append(&every, &k->link);
	return st->locks = k;
}

static void drop_if_empty(struct locks *l)
{
	if (!list_is_empty(&l->records) || !list_is_empty(&l->files) || !list_is_empty(&l->waiters))
		return;
	l->i->st->locks = NULL;
	list_del(&l->link);
	rt_free(l);
}

static struct range *conflict(const struct list *held, const struct range *want)
{
	struct list *l;
	struct range *r;

	for (l = held->next; l != held; l = l->next) {
		r = list_entry(l, struct range, link);
		if (r->owner != want->owner && r->start <= want->end && want->start <= r->end &&
		    (r->type == F_WRLCK || want->type == F_WRLCK))
			return r;
	}
	return NULL;
}

static struct range *range_new(const struct range *from)
{
	struct range *r = rt_try_alloc(sizeof(*r));

	if (r)
		*r = *from;
	return r;
}

/* What the owner held in want's bytes gives way; 0 or W_ENOMEM with nothing changed. */
static int cut(struct list *held, const struct range *want)
{
	struct range *r, *tail = range_new(want); /* a hole makes two of one */
	struct list *l, *tmp;
	bool used = false;

	if (!tail)
		return W_ENOMEM;
	list_for_each_safe (l, tmp, held) {
		r = list_entry(l, struct range, link);
		if (r->owner != want->owner || r->start > want->end || r->end < want->start)
			continue;
		if (r->start < want->start && r->end > want->end) {
			*tail = *r;
			tail->start = want->end + 1;
			r->end = want->start - 1;
			list_append(held, &tail->link);
			used = true;
		} else if (r->start < want->start) {
			r->end = want->start - 1;
		} else if (r->end > want->end) {
			r->start = want->end + 1;
		} else {
			list_del(&r->link);
			rt_free(r);
		}
	}
	if (!used)
		rt_free(tail);
	return 0;
}

static int set(struct list *held, const struct range *want)
{
	struct range *r = NULL;
	int err;

	if (want->type != F_UNLCK) {
		r = range_new(want);
		if (!r)
			return W_ENOMEM;
	}
	err = cut(held, want);
	if (err) {
		rt_free(r);
		return err;
	}
	if (r)
		list_append(held, &r->link);
	return 0;
}

static void wake(struct locks *k)
{
	struct list *l, *tmp;
	struct waiter *w;

	list_for_each_safe (l, tmp, &k->waiters) {
		w = list_entry(l, struct waiter, link);
		if (conflict(w->record ? &k->records : &k->files, &w->want))
			continue;
		list_del(&w->link);
		list_del(&w->all);
		w->m.nh = 0;
		/* answered first: who went away does not get it */
		if (service_reply(w->s, &w->m, 0) >= 0)
			set(w->record ? &k->records : &k->files, &w->want);
		rt_free(w);
	}
}

static void wait(struct service *s, struct w_msg *m, struct locks *k, const struct range *want,
		 bool record)
{
	struct waiter *w = rt_try_alloc(sizeof(*w));

	if (!w) {
		reply(s, m, W_ENOMEM);
		return;
	}
	*w = (struct waiter){.s = s, .m = *m, .want = *want, .locks = k, .record = record};
	list_append(&k->waiters, &w->link);
	list_init(&w->all);
	if (record && !want->of_file) /* between open files nobody looks for deadlocks */
		list_append(&waiting, &w->all);
}

/* Would owner wait for somebody who waits, in the end, for it? */
static bool deadlock(uint64_t owner, uint64_t blocker)
{
	struct waiter *w;
	struct range *r;
	struct list *l;
	int depth;

	for (depth = 0; depth < 32; depth++) {
		if (blocker == owner)
			return true;
		r = NULL;
		list_for_each (l, &waiting) {
			w = list_entry(l, struct waiter, all);
			if (w->want.owner == blocker)
				r = conflict(&w->locks->records, &w->want);
		}
		if (!r)
			return false;
		blocker = r->owner;
	}
	return false;
}

static void answer_getlk(struct service *s, struct w_msg *m, const struct range *r)
{
	m->FS_LOCK_out_type = r ? r->type : F_UNLCK;
	if (r) {
		m->FS_LOCK_out_start = r->start;
		m->FS_LOCK_out_len = r->end == EVERYTHING ? 0 : r->end - r->start + 1;
		m->FS_LOCK_out_pid = r->of_file ? (uint64_t)OFD_PID : r->pid;
	}
	reply(s, m, 0);
}

/* As fcntl(2)'s command says: whose, and the command as if it were the process's. */
static struct range wanted(const struct w_msg *m, const void *open_file, uint64_t *cmd)
{
	struct range want = {.owner = m->sender,
			     .pid = m->FS_LOCK_in_pid,
			     .type = m->FS_LOCK_in_type,
			     .start = m->FS_LOCK_in_start};
	uint64_t len = m->FS_LOCK_in_len;

	*cmd = m->FS_LOCK_in_cmd;
	want.end = len ? want.start + len - 1 : EVERYTHING;
	want.of_file = *cmd >= F_OFD_GETLK;
	if (want.of_file) {
		want.owner = (uint64_t)open_file;
		*cmd -= F_OFD_GETLK - F_GETLK;
	}
	return want;
}

void lock_record(struct service *s, struct w_msg *m, struct inode *i, const void *open_file)
{
	uint64_t cmd;
	struct range want = wanted(m, open_file, &cmd);
	struct locks *k = locks_of(i);
	struct range *r;
	int err;

	if (!k || want.type < 0 || want.type > F_UNLCK || want.end < want.start) {
		reply(s, m, k ? W_EINVAL : W_ENOMEM);
		if (k)
			drop_if_empty(k);
		return;
	}
	r = want.type == F_UNLCK ? NULL : conflict(&k->records, &want);
	if (cmd == F_GETLK) {
		answer_getlk(s, m, r);
	} else if (r && cmd == F_SETLKW) {
		if (!want.of_file && deadlock(want.owner, r->owner))
			reply(s, m, -EDEADLK);
		else
			wait(s, m, k, &want, true);
	} else {
		err = r ? W_EAGAIN : set(&k->records, &want);
		reply(s, m, err);
		if (!err)
			wake(k);
	}
	drop_if_empty(k);
}

void lock_flock(struct service *s, struct w_msg *m, struct inode *i, const void *open_file)
{
	uint32_t how = m->FS_FLOCK_in_how & ~LOCK_NB;
	struct range want = {.owner = (uint64_t)open_file,
			     .type = how == LOCK_SH   ? F_RDLCK
				     : how == LOCK_EX ? F_WRLCK
						      : F_UNLCK,
			     .end = EVERYTHING};
	struct locks *k = locks_of(i);
	int err;

	if (!k || (how != LOCK_SH && how != LOCK_EX && how != LOCK_UN)) {
		reply(s, m, k ? W_EINVAL : W_ENOMEM);
	} else if (how != LOCK_UN && conflict(&k->files, &want)) {
		if (m->FS_FLOCK_in_how & LOCK_NB)
			reply(s, m, -EWOULDBLOCK);
		else
			wait(s, m, k, &want, false);
	} else {
		err = set(&k->files, &want);
		reply(s, m, err);
		wake(k);
	}
	if (k)
		drop_if_empty(k);
}

static void drop_owner(struct locks *k, struct list *held, uint64_t owner)
{
	struct list *l, *tmp;
	bool any = false;

	list_for_each_safe (l, tmp, held) {
		struct range *r = list_entry(l, struct range, link);

		if (r->owner != owner)
			continue;
		list_del(&r->link);
		rt_free(r);
		any = true;
	}
	if (any)
		wake(k);
	drop_if_empty(k);
}

void lock_close(struct inode *i, uint64_t koid)
{
	if (i->st && i->st->locks)
		drop_owner(i->st->locks, &i->st->locks->records, koid);
}

void lock_end(struct inode *i, const void *open_file)
{
	if (i->st && i->st->locks)
		drop_owner(i->st->locks, &i->st->locks->files, (uint64_t)open_file);
	if (i->st && i->st->locks)
		drop_owner(i->st->locks, &i->st->locks->records, (uint64_t)open_file);
}

void lock_process_gone(uint64_t koid)
{
	struct list *l, *tmp;
	struct waiter *w;

	list_for_each_safe (l, tmp, &waiting) {
		w = list_entry(l, struct waiter, all);
		if (w->want.owner != koid)
			continue;
		list_del(&w->link);
		list_del(&w->all);
		reply(w->s, &w->m, W_EINTR);
		rt_free(w);
	}
	list_for_each_safe (l, tmp, &every) {
		struct locks *k = list_entry(l, struct locks, link);

		drop_owner(k, &k->records, koid);
	}
}
