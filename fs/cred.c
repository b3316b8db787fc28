// SPDX-License-Identifier: MIT
#include "cred.h"

#define BUCKETS 64

struct known {
	struct list link;
	uint64_t koid;
	struct proc_cred cred;
};

/* Of the call being served. */
static const struct proc_cred *me; /* NULL: ourselves, or not asked yet */
static uint64_t caller;		   /* to be asked about; 0: nobody */

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

void cred_enter(uint64_t koid)
{
	caller = koid;
	me = NULL;
}

void cred_enter_self(void)
{
	cred_enter(0);
}

void cred_assume(const struct proc_cred *c)
{
	me = c;
}

/* Who is not known, or cannot be kept in mind, has no rights of his own.  No server calls
 * this one; a clone that nobody told procd of does, and must gain nothing by that. */
const struct proc_cred *cred_me(void)
{
	static const struct proc_cred nobody = {.uid = 65534, .gid = 65534};
	struct proc_cred fresh;
	struct known *k;

	if (me || !caller)
		return me;
	k = find(caller);
	if (!k) {
		me = &nobody;
		if (!cred_ask(caller, &fresh, &procd_koid))
			return me;
		k = rt_try_alloc(sizeof(*k));
		if (!k)
			return me;
		k->koid = caller;
		k->cred = fresh;
		list_push(&known[caller % BUCKETS], &k->link);
	}
	return me = &k->cred;
}

void cred_forget(uint64_t koid)
{
	struct known *k = find(koid);

	if (!k)
		return;
	list_del(&k->link);
	rt_free(k);
}

bool cred_is_procd(uint64_t koid)
{
	return procd_koid && koid == procd_koid;
}

bool cred_may(const struct node *n, uint32_t bits)
{
	const struct proc_cred *c;

	if ((n->mode & n->mode >> 3 & n->mode >> 6 & bits) == bits)
		return true; /* owner, group and others */
	c = cred_me();
	return !c || cred_allows(c, n->mode, n->uid, n->gid, bits);
}

bool cred_owns(const struct node *n)
{
	const struct proc_cred *c = cred_me();

	return !c || !c->uid || c->uid == n->uid;
}

bool cred_may_remove(const struct node *dir, const struct node *n)
{
	if (!cred_may(dir, MAY_W | MAY_X))
		return false;
	return !(dir->mode & 01000) || cred_owns(n) || cred_owns(dir);
}
