// SPDX-License-Identifier: MIT
/* sources: fs/vfs/permission.c rt/cred.c */
/* Whose permissions count: those that procd tells of; nobody's for who is unknown to it. */
#include "unit.h"

#include "../../fs/vfs/permission.h"

#define KNOWN 7
#define ROOT 8

static int asked;
static bool no_memory;

w_handle_t rt_lookup(const char *name)
{
	assert_string_equal(name, "proc");
	return 1;
}

int64_t rt_call(w_handle_t ch, struct w_msg *m)
{
	struct proc_cred *c = (struct proc_cred *)m->out;

	(void)ch;
	asked++;
	if (m->PROC_GROUPS_in_koid != KNOWN && m->PROC_GROUPS_in_koid != ROOT)
		return W_ESRCH;
	memset(c, 0, sizeof(*c));
	c->uid = c->gid = m->PROC_GROUPS_in_koid == ROOT ? 0 : 1000;
	return 0;
}

void *rt_try_alloc(size_t n)
{
	return no_memory ? NULL : calloc(1, n);
}

void rt_free(void *p)
{
	free(p);
}

static struct inode secret = {.mode = FS_S_IFREG | 0600};
static struct inode own = {.mode = FS_S_IFREG | 0600, .uid = 1000};
static struct inode open_to_all = {.mode = FS_S_IFREG | 0666};

/* One request of a process: may it? */
static bool it_may(uint64_t koid, const struct inode *i, uint32_t bits)
{
	struct request rq = {.koid = koid};
	bool yes = may(&rq, i, bits);

	permission_release(&rq);
	return yes;
}

static void each_is_who_procd_says(void **state)
{
	struct request ours = {0};

	(void)state;
	assert_true(it_may(ROOT, &secret, MAY_R));
	assert_false(it_may(KNOWN, &secret, MAY_R));
	assert_true(it_may(KNOWN, &own, MAY_W));
	asked = 0;
	assert_true(it_may(KNOWN, &own, MAY_W));
	assert_int_equal(asked, 0); /* it is kept in mind */
	permission_forget(KNOWN);
	assert_true(it_may(KNOWN, &own, MAY_W));
	assert_int_equal(asked, 1);
	assert_true(may(&ours, &secret, MAY_W));
	assert_null(permission_cred(&ours));
	permission_forget(KNOWN);
	permission_forget(ROOT);
}

/* A request that waits goes on as who it was. */
static void a_note_does_not_pull_them_away(void **state)
{
	struct request rq = {.koid = KNOWN};

	(void)state;
	assert_true(may(&rq, &own, MAY_W));
	permission_forget(KNOWN);
	assert_int_equal(permission_cred(&rq)->uid, 1000);
	permission_release(&rq);
}

static void what_all_may_needs_no_asking(void **state)
{
	struct inode not_mine = {.mode = FS_S_IFREG | 0066, .uid = 1000};

	(void)state;
	asked = 0;
	assert_true(it_may(KNOWN, &open_to_all, MAY_R | MAY_W));
	assert_int_equal(asked, 0);
	assert_false(it_may(KNOWN, &not_mine, MAY_R)); /* the owner's bits are his, not others' */
	assert_int_equal(asked, 1);
	permission_forget(KNOWN);
}

static void the_unknown_are_nobody(void **state)
{
	struct request rq = {.koid = 99};

	(void)state;
	assert_false(it_may(99, &secret, MAY_R));
	assert_false(it_may(99, &own, MAY_R));
	assert_true(it_may(99, &open_to_all, MAY_W));
	assert_false(owns(&rq, &secret));
	no_memory = true; /* whom we cannot keep in mind either */
	assert_false(it_may(ROOT, &secret, MAY_R));
	no_memory = false;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_who_procd_says),
		cmocka_unit_test(a_note_does_not_pull_them_away),
		cmocka_unit_test(what_all_may_needs_no_asking),
		cmocka_unit_test(the_unknown_are_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
