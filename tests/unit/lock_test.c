// SPDX-License-Identifier: MIT
/* sources: fs/vfs/lock.c */
/*
 * Record locks against a model: a byte array that knows who holds what.  The file
 * service's answers are caught in service_reply().
 */
#include "unit.h"

#include "../../fs/vfs/lock.h"

#define BYTES 24
#define OWNERS 3
enum { F_GETLK = 5, F_SETLK, F_SETLKW, F_OFD_SETLK = 37 };
enum { F_RDLCK, F_WRLCK, F_UNLCK };

static struct service service;
static struct inode_state state_of_file;
static struct inode file = {.st = &state_of_file};

struct inode_state *inode_state(struct inode *i)
{
	return i->st;
}

static int answers, last_status;
static uint64_t answered_sender;

void *rt_try_alloc(size_t n)
{
	return calloc(1, n);
}

void rt_free(void *p)
{
	free(p);
}

int64_t service_reply(struct service *s, struct w_msg *m, int32_t status)
{
	(void)s;
	answers++;
	last_status = status;
	answered_sender = m->sender;
	return 0;
}

static int lock(uint64_t who, int cmd, int type, uint64_t start, uint64_t len, struct w_msg *out)
{
	struct w_msg m = {.sender = who};
	int before = answers;

	m.FS_LOCK_in_cmd = cmd;
	m.FS_LOCK_in_type = type;
	m.FS_LOCK_in_start = start;
	m.FS_LOCK_in_len = len;
	m.FS_LOCK_in_pid = who;
	lock_record(&service, &m, &file, (void *)(0x1000 + who));
	if (out)
		*out = m;
	return answers == before ? 1 : last_status; /* 1: it waits */
}

static void against_the_model(void **state)
{
	static uint8_t held[OWNERS][BYTES]; /* 0 nothing, 1 read, 2 write */
	int i, b, w, type, expect;
	bool ofd;
	uint64_t start, len, end;

	(void)state;
	srand(7);
	for (i = 0; i < 20000; i++) {
		w = rand() % OWNERS;
		ofd = w == OWNERS - 1; /* an open file among processes */
		type = rand() % 3;
		start = rand() % BYTES;
		len = 1 + rand() % (BYTES - start);
		end = start + len;
		expect = 0;
		for (b = start; type != F_UNLCK && b < (int)end; b++)
			for (int o = 0; o < OWNERS; o++)
				if (o != w && held[o][b] && (held[o][b] == 2 || type == F_WRLCK))
					expect = W_EAGAIN;
		assert_int_equal(lock(w + 1, ofd ? F_OFD_SETLK : F_SETLK, type, start, len, NULL),
				 expect);
		for (b = start; !expect && b < (int)end; b++)
			held[w][b] = type == F_UNLCK ? 0 : type == F_WRLCK ? 2 : 1;
		if (rand() % 200 == 0) { /* a process ends, or closes a descriptor */
			if (ofd)
				lock_end(&file, (void *)(uint64_t)(0x1000 + w + 1));
			else if (rand() % 2)
				lock_process_gone(w + 1);
			else
				lock_close(&file, w + 1);
			memset(held[w], 0, BYTES);
		}
	}
	for (w = 0; w < OWNERS; w++)
		lock_process_gone(w + 1);
	lock_end(&file, (void *)(uint64_t)(0x1000 + OWNERS));
	assert_null(state_of_file.locks); /* nothing is kept for a file without locks */
}

static void who_waits_gets_it(void **state)
{
	(void)state;
	assert_int_equal(lock(1, F_SETLK, F_WRLCK, 0, 10, NULL), 0);
	assert_int_equal(lock(2, F_SETLKW, F_WRLCK, 5, 1, NULL), 1);
	assert_int_equal(lock(1, F_SETLK, F_UNLCK, 0, 5, NULL), 0);
	answers = 0;
	assert_int_equal(lock(1, F_SETLK, F_UNLCK, 5, 1, NULL), 0);
	assert_int_equal(answers, 2);
	assert_int_equal(answered_sender, 2);
	assert_int_equal(lock(1, F_SETLK, F_RDLCK, 5, 1, NULL), W_EAGAIN);
	lock_process_gone(1);
	lock_process_gone(2);
	assert_null(state_of_file.locks);
}

static void a_circle_is_refused(void **state)
{
	(void)state;
	assert_int_equal(lock(1, F_SETLK, F_WRLCK, 0, 1, NULL), 0);
	assert_int_equal(lock(2, F_SETLK, F_WRLCK, 1, 1, NULL), 0);
	assert_int_equal(lock(3, F_SETLK, F_WRLCK, 2, 1, NULL), 0);
	assert_int_equal(lock(1, F_SETLKW, F_WRLCK, 1, 1, NULL), 1);
	assert_int_equal(lock(2, F_SETLKW, F_WRLCK, 2, 1, NULL), 1);
	assert_int_equal(lock(3, F_SETLKW, F_WRLCK, 0, 1, NULL), -35);
	lock_process_gone(3); /* then 2, then 1 go on */
	lock_process_gone(2);
	lock_process_gone(1);
	assert_null(state_of_file.locks);
}

static void asking_names_the_holder(void **state)
{
	struct w_msg m;

	(void)state;
	assert_int_equal(lock(1, F_SETLK, F_RDLCK, 10, 0, NULL), 0); /* to the end */
	assert_int_equal(lock(2, F_GETLK, F_WRLCK, 0, 100, &m), 0);
	assert_int_equal(m.FS_LOCK_out_type, F_RDLCK);
	assert_int_equal(m.FS_LOCK_out_start, 10);
	assert_int_equal(m.FS_LOCK_out_len, 0);
	assert_int_equal(m.FS_LOCK_out_pid, 1);
	assert_int_equal(lock(2, F_GETLK, F_RDLCK, 0, 100, &m), 0);
	assert_int_equal(m.FS_LOCK_out_type, F_UNLCK);
	assert_int_equal(lock(2, F_SETLK, 7, 0, 1, NULL), W_EINVAL);
	assert_int_equal(lock(2, F_SETLK, F_RDLCK, ~0ull, 5, NULL), W_EINVAL);
	lock_process_gone(1);
	assert_null(state_of_file.locks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(against_the_model),
		cmocka_unit_test(who_waits_gets_it),
		cmocka_unit_test(a_circle_is_refused),
		cmocka_unit_test(asking_names_the_holder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
