// SPDX-License-Identifier: MIT
/* sources: fs/cred.c rt/cred.c */
/* Whose permissions count: those that procd tells of; nobody's for who is unknown to it. */
#include "unit.h"

#include "../../fs/cred.h"

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

static struct node secret = {.mode = FS_S_IFREG | 0600};
static struct node own = {.mode = FS_S_IFREG | 0600, .uid = 1000};
static struct node open_to_all = {.mode = FS_S_IFREG | 0666};

static void each_is_who_procd_says(void **state)
{
	(void)state;
	cred_enter(ROOT);
	assert_true(cred_may(&secret, MAY_R));
	cred_enter(KNOWN);
	assert_false(cred_may(&secret, MAY_R));
	assert_true(cred_may(&own, MAY_W));
	asked = 0;
	cred_enter(KNOWN);
	assert_true(cred_may(&own, MAY_W));
	assert_int_equal(asked, 0); /* it is kept in mind */
	cred_forget(KNOWN);
	cred_enter(KNOWN);
	assert_true(cred_may(&own, MAY_W));
	assert_int_equal(asked, 1);
	cred_enter_self();
	assert_true(cred_may(&secret, MAY_W));
	assert_null(cred_me());
	cred_forget(KNOWN);
	cred_forget(ROOT);
}

static void what_all_may_needs_no_asking(void **state)
{
	struct node not_mine = {.mode = FS_S_IFREG | 0066, .uid = 1000};

	(void)state;
	asked = 0;
	cred_enter(KNOWN);
	assert_true(cred_may(&open_to_all, MAY_R | MAY_W));
	assert_int_equal(asked, 0);
	assert_false(cred_may(&not_mine, MAY_R)); /* the owner's bits are his, not others' */
	assert_int_equal(asked, 1);
	cred_forget(KNOWN);
}

static void the_unknown_are_nobody(void **state)
{
	(void)state;
	cred_enter(99);
	assert_false(cred_may(&secret, MAY_R));
	assert_false(cred_may(&own, MAY_R));
	assert_true(cred_may(&open_to_all, MAY_W));
	assert_false(cred_owns(&secret));
	no_memory = true;
	cred_enter(ROOT); /* whom we cannot keep in mind either */
	assert_false(cred_may(&secret, MAY_R));
	no_memory = false;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_who_procd_says),
		cmocka_unit_test(what_all_may_needs_no_asking),
		cmocka_unit_test(the_unknown_are_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
