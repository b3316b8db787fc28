// SPDX-License-Identifier: MIT
#include "permission.h"

#define BUCKETS 64

struct known {
	struct list link;
	uint64_t koid;
	uint32_t refs; /* requests that use it, and 1 while it is listed */
	struct proc_cred cred;
};

static struct list known[BUCKETS];
static uint64_t procd_koid;

static struct known *find(uint64_t koid)
{
	struct list *l, *head = &known[koid % BUCKETS];

	if (!head->next)
		list_init(head);
	list_for_each (l, head)
		if (list_entry(l, struct known, link)->koid == koid)
			return list_entry(l, struct known, link);
	return NULL;
}

static struct known *ask(uint64_t koid)
{
	struct proc_cred fresh;
	struct known *k;

	if (!cred_ask(koid, &fresh, &procd_koid))
		return NULL;
	k = rt_try_alloc(sizeof(*k));
	if (!k)
		return NULL;
	k->koid = koid;
	k->refs = 1;
	k->cred = fresh;
	list_push(&known[koid % BUCKETS], &k->link);
	return k;
}

/* Who is not known, or cannot be kept in mind, has no rights of his own.  No server calls
 * this one; a clone that nobody told procd of does, and must gain nothing by that. */
const struct proc_cred *permission_cred(struct request *rq)
{
	static const struct proc_cred nobody = {.uid = 65534, .gid = 65534};
	struct known *k;

	if (rq->cred || !rq->koid)
		return rq->cred;
	k = find(rq->koid);
	if (!k)
		k = ask(rq->koid);
	rq->cred = k ? &k->cred : &nobody;
	rq->known = k;
	if (k)
		k->refs++;
	return rq->cred;
}

static void known_put(struct known *k)
{
	if (!--k->refs)
		rt_free(k);
}

void permission_release(struct request *rq)
{
	if (rq->known)
		known_put(rq->known);
	rq->known = NULL;
	rq->cred = NULL;
}

void permission_forget(uint64_t koid)
{
	struct known *k = find(koid);

	if (!k)
		return;
	list_del(&k->link);
	known_put(k);
}

bool permission_from_procd(uint64_t koid)
{
	struct proc_cred ignored;

	if (!procd_koid) /* nobody had to be asked about until now */
		cred_ask(koid, &ignored, &procd_koid);
	return procd_koid && koid == procd_koid;
}

bool may(struct request *rq, const struct inode *i, uint32_t bits)
{
	const struct proc_cred *c;

	if ((i->mode & i->mode >> 3 & i->mode >> 6 & bits) == bits)
		return true; /* owner, group and others */
	c = permission_cred(rq);
	return !c || cred_allows(c, i->mode, i->uid, i->gid, bits);
}

bool may_all(struct request *rq)
{
	const struct proc_cred *c = permission_cred(rq);

	return !c || !c->uid;
}

bool owns(struct request *rq, const struct inode *i)
{
	const struct proc_cred *c = permission_cred(rq);

	return !c || !c->uid || c->uid == i->uid;
}

int may_remove(struct request *rq, const struct inode *dir, const struct inode *i)
{
	if (!may(rq, dir, MAY_W | MAY_X))
		return W_EACCES;
	return !(dir->mode & 01000) || owns(rq, i) || owns(rq, dir) ? 0 : W_EPERM;
}

bool may_give_group(struct request *rq, uint32_t gid)
{
	const struct proc_cred *c = permission_cred(rq);

	return !c || !c->uid || cred_member(c, gid);
}

uint32_t passing_bits(struct request *rq, const struct inode *i)
{
	if (!(i->mode & 06000))
		return 0;
	return i->mode & (i->mode & 010 || !may_give_group(rq, i->gid) ? 06000u : 04000u);
}

uint32_t mode_after_write(struct request *rq, const struct inode *i)
{
	uint32_t bits = passing_bits(rq, i);

	return bits && !may_all(rq) ? i->mode & ~bits : i->mode;
}
