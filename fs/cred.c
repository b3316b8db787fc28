// SPDX-License-Identifier: MIT
#include "cred.h"

#define BUCKETS 64

struct known {
	struct list link;
	uint64_t koid;
	struct proc_cred cred;
};

const struct proc_cred *me;

static struct list known[BUCKETS];
static w_handle_t proc;
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

static bool ask(uint64_t koid, struct proc_cred *out)
{
	struct w_msg m = {.op = PROC_GROUPS, .out = (uint64_t)out, .out_len = sizeof(*out)};

	if (!proc)
		proc = rt_lookup("proc");
	m.PROC_GROUPS_in_koid = koid;
	if (rt_call(proc, &m) < 0)
		return false;
	procd_koid = m.PROC_GROUPS_out_procd;
	return true;
}

/* Who is not known, or cannot be kept in mind, has no rights of his own.  No server calls
 * this one; a clone that nobody told procd of does, and must gain nothing by that. */
void cred_enter(uint64_t koid)
{
	static const struct proc_cred nobody = {.uid = 65534, .gid = 65534};
	struct proc_cred fresh;
	struct known *k = find(koid);

	if (!k) {
		me = &nobody;
		if (!ask(koid, &fresh))
			return;
		k = rt_try_alloc(sizeof(*k));
		if (!k)
			return;
		k->koid = koid;
		k->cred = fresh;
		list_push(&known[koid % BUCKETS], &k->link);
	}
	me = &k->cred;
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

bool cred_in_group(uint32_t gid)
{
	uint32_t i;

	for (i = 0; i < me->ngroups; i++)
		if (me->groups[i] == gid)
			return true;
	return me->gid == gid;
}

bool cred_may(const struct node *n, uint32_t mode)
{
	uint32_t bits;

	if (!me)
		return true;
	if (!me->uid) /* root may all but execute what nobody may */
		return !(mode & MAY_X) || (n->mode & FS_S_IFMT) == FS_S_IFDIR || n->mode & 0111;
	bits = n->uid == me->uid ? n->mode >> 6 : cred_in_group(n->gid) ? n->mode >> 3 : n->mode;
	return (bits & mode) == mode;
}

bool cred_owns(const struct node *n)
{
	return !me || !me->uid || me->uid == n->uid;
}

bool cred_may_remove(const struct node *dir, const struct node *n)
{
	if (!cred_may(dir, MAY_W | MAY_X))
		return false;
	return !(dir->mode & 01000) || cred_owns(n) || cred_owns(dir);
}
