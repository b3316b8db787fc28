// SPDX-License-Identifier: MIT
/* sources: fs/flatfs/tree.c lib/flatfs.c lib/flatmeta.c */
/* Images of flatfs as a tree: META's lines, links on the way, names that clash. */
#include "unit.h"

#include <wherry/errors.h>

#include "../../fs/flatfs/tree.h"

#include <rt/rt.h>

static uint64_t alloc_fails, allocs;

void *rt_try_alloc(size_t n)
{
	return ++allocs == alloc_fails ? NULL : calloc(1, n ? n : 1);
}

void rt_free(void *p)
{
	free(p);
}

/* ---- an image ---- */

struct image {
	uint8_t bytes[65536];
	uint64_t len, last, files;
};

static void put(struct image *im, uint64_t off, uint64_t v)
{
	memcpy(im->bytes + off, &v, 8);
}

static void begin(struct image *im)
{
	memset(im, 0, sizeof(*im));
	im->len = FLATFS_HEADER;
}

static void add(struct image *im, const char *name, const char *bytes)
{
	uint64_t at = im->len, n = strlen(name), len = strlen(bytes);

	if (im->last)
		put(im, im->last + 32, at);
	im->last = at;
	put(im, at, at + FLATFS_ENTRY);
	put(im, at + 8, n);
	put(im, at + 16, at + FLATFS_ENTRY + n);
	put(im, at + 24, len);
	memcpy(im->bytes + at + FLATFS_ENTRY, name, n);
	memcpy(im->bytes + at + FLATFS_ENTRY + n, bytes, len);
	im->len = (at + FLATFS_ENTRY + n + len + 7) & ~7ull;
	im->files++;
}

static int copy(void *self, uint64_t off, void *to, uint64_t n)
{
	memcpy(to, ((struct image *)self)->bytes + off, n);
	return 0;
}

/* A window that moves: nothing of what it showed before is there any more. */
static const void *window(void *self, uint64_t off, uint64_t len)
{
	static uint8_t *shown;

	free(shown);
	shown = malloc(len + 1);
	if (shown)
		memcpy(shown, ((struct image *)self)->bytes + off, len);
	return shown;
}

static int read_image(struct image *im, struct flat_tree *t, bool by_window)
{
	struct flatfs fs;
	int err;

	put(im, 0, FLATFS_MAGIC);
	put(im, 8, 1);
	put(im, 16, im->len);
	put(im, 24, im->files);
	assert_int_equal(by_window ? flatfs_open_at(&fs, window, im, im->len)
				   : flatfs_open(&fs, im->bytes, im->len),
			 0);
	err = flatfs_check(&fs);
	if (!err)
		err = flat_tree_begin(t);
	if (!err)
		err = flat_tree_fill(t, &fs, copy, im);
	if (by_window)
		window(im, 0, 0);
	return err;
}

static const struct flat_node *at(const struct flat_tree *t, const char *path)
{
	uint32_t i = FLAT_ROOT;
	size_t n;

	while (*path) {
		n = strcspn(path, "/");
		i = flat_tree_child(t, i, path, n);
		if (!i)
			return NULL;
		path += n + (path[n] == '/');
	}
	return &t->node[i];
}

/* ---- tests ---- */

static void meta_says_what_the_format_cannot(void **s)
{
	static struct image im;
	const struct flat_node *x;
	struct flat_tree t;
	int by_window;

	(void)s;
	for (by_window = 0; by_window < 2; by_window++) {
		begin(&im);
		add(&im, "/bin/sh", "shell");
		add(&im, FLATMETA_NAME,
		    "l /bin usr/bin\nd 1777 tmp\nc 1 3 0666 dev/null\nm 4755 /bin/sh\n"
		    "o 7 8 /usr/bin/sh\nd 700 a\\040b/c\nl two\\040words at\\040once\n");
		assert_int_equal(read_image(&im, &t, by_window), 0);
		x = at(&t, "usr/bin/sh");
		assert_non_null(x);
		assert_int_equal(x->mode, 0104755);
		assert_int_equal(x->uid, 7);
		assert_int_equal(x->gid, 8);
		assert_memory_equal(im.bytes + x->off, "shell", 5);
		assert_int_equal(at(&t, "tmp")->mode, 0041777);
		assert_int_equal(at(&t, "dev/null")->rdev, 0x103);
		assert_int_equal(at(&t, "dev/null")->mode, 0020666);
		assert_int_equal(at(&t, "a b/c")->mode, 0040700);
		assert_string_equal(at(&t, "bin")->target, "usr/bin");
		assert_string_equal(at(&t, "two words")->target, "at once");
		assert_int_equal(t.left_out + t.bad_lines + t.twice, 0);
		flat_tree_free(&t);
	}
}

static void a_file_beside_a_directory_of_its_name(void **s)
{
	static struct image im;
	struct flat_tree t;

	(void)s;
	begin(&im);
	add(&im, "a", "first"); /* the directory comes later */
	add(&im, "a/x", "in a");
	add(&im, "b/x", "in b");
	add(&im, "b", "the directory was there");
	assert_int_equal(read_image(&im, &t, false), 0);
	assert_int_equal(at(&t, "a/x")->len, 4);
	assert_int_equal(at(&t, "a~")->len, 5);
	assert_int_equal(at(&t, "b/x")->len, 4);
	assert_int_equal(at(&t, "b~")->len, 23);
	assert_int_equal(t.left_out, 0);
	flat_tree_free(&t);
}

static void the_later_of_two_wins(void **s)
{
	static struct image im;
	struct flat_tree t;

	(void)s;
	begin(&im);
	add(&im, "/foo", "old");
	add(&im, "foo", "newer");
	assert_int_equal(read_image(&im, &t, false), 0);
	assert_int_equal(at(&t, "foo")->len, 5);
	assert_int_equal(t.twice, 1);
	flat_tree_free(&t);
}

static void names_that_nobody_could_say_are_left_out(void **s)
{
	static struct image im;
	char name[400], path[5000];
	struct flat_tree t;

	(void)s;
	memset(name, 'n', sizeof(name));
	name[256] = 0;
	memset(path, 'p', sizeof(path));
	for (int i = 100; i < 5000; i += 100)
		path[i] = '/';
	path[4999] = 0;
	begin(&im);
	add(&im, "../up", "");
	add(&im, "a/./b", "");
	add(&im, "..", "");
	add(&im, name, "");
	add(&im, path, "");
	add(&im, "good", "");
	assert_int_equal(read_image(&im, &t, false), 0);
	assert_int_equal(t.left_out, 5);
	assert_non_null(at(&t, "good"));
	flat_tree_free(&t);
}

static void links_in_a_circle_end(void **s)
{
	static struct image im;
	struct flat_tree t;

	(void)s;
	begin(&im);
	add(&im, "x/file", "lost");
	add(&im, "in/file", "there");
	add(&im, FLATMETA_NAME, "l x y\nl y x\nl in out/../../up\nd 755 up/out\nl up/self .\n");
	assert_int_equal(read_image(&im, &t, false), 0);
	assert_int_equal(t.left_out, 1);
	assert_non_null(at(&t, "up/file"));
	flat_tree_free(&t);
}

static void bad_lines_are_counted(void **s)
{
	static const char *const bad[] = {
		"d 9 a\n",   "d 17777 a\n",	"q 1 a\n",    "c 1 x 0666 a\n",
		"l a\n",     "dd 7 a\n",	"d 7\n",      "o 4294967295 0 a\n",
		"d 7 a b\n", "m 644 nothing\n", "o -1 0 a\n", "d  a\n"};
	static struct image im;
	struct flat_tree t;
	size_t i;

	(void)s;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		begin(&im);
		add(&im, FLATMETA_NAME, bad[i]);
		add(&im, "z", "");
		assert_int_equal(read_image(&im, &t, false), 0);
		assert_int_equal(t.bad_lines, 1);
		assert_non_null(at(&t, "z"));
		flat_tree_free(&t);
	}
}

static void memory_may_end_anywhere(void **s)
{
	static struct image im;
	struct flat_tree t;
	int err = W_ENOMEM, i;

	(void)s;
	begin(&im);
	for (i = 0; i < 100; i++) {
		char name[32];

		snprintf(name, sizeof(name), "d%d/f%d", i % 7, i);
		add(&im, name, "x");
	}
	add(&im, FLATMETA_NAME, "l a b\nd 700 d1\n");
	for (i = 1; err; i++) {
		allocs = 0;
		alloc_fails = i;
		err = read_image(&im, &t, false);
		assert_true(!err || err == W_ENOMEM);
		flat_tree_free(&t);
	}
	alloc_fails = 0;
	assert_true(i > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(meta_says_what_the_format_cannot),
		cmocka_unit_test(a_file_beside_a_directory_of_its_name),
		cmocka_unit_test(the_later_of_two_wins),
		cmocka_unit_test(names_that_nobody_could_say_are_left_out),
		cmocka_unit_test(links_in_a_circle_end),
		cmocka_unit_test(bad_lines_are_counted),
		cmocka_unit_test(memory_may_end_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
