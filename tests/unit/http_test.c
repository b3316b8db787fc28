// SPDX-License-Identifier: MIT
/* sources: usr/httpd/http.c */
#include "unit.h"

#include "../../usr/httpd/http.h"

static struct http_request r;

static int parse(const char *s)
{
	return http_parse(&r, s, strlen(s));
}

#define HEAD "Host: x\r\n\r\n"

static void a_plain_get(void **s)
{
	const char *q = "GET /a%20b/c.html?q=1 HTTP/1.1\r\n" HEAD;

	(void)s;
	assert_int_equal(parse(q), strlen(q));
	assert_string_equal(r.path, "/a b/c.html");
	assert_true(r.keep_alive);
	assert_false(r.head);
}

static void incomplete_heads_wait(void **s)
{
	(void)s;
	assert_int_equal(parse(""), 0);
	assert_int_equal(parse("GET / HTTP/1.1\r\nHost: x\r\n"), 0);
}

static void pipelined_requests_are_counted_apart(void **s)
{
	const char *one = "GET /1 HTTP/1.1\r\n" HEAD;
	char two[200];

	(void)s;
	snprintf(two, sizeof(two), "%sGET /2 HTTP/1.1\r\n%s", one, HEAD);
	assert_int_equal(parse(two), strlen(one));
}

static void bad_requests_get_their_status(void **s)
{
	static const struct {
		const char *q;
		int status;
	} bad[] = {
		{"GET / HTTP/1.1\r\n\r\n", 400}, /* no Host */
		{"GET  HTTP/1.1\r\n" HEAD, 400},
		{"GET /../etc/passwd HTTP/1.1\r\n" HEAD, 400},
		{"GET /a/%2e%2e/b HTTP/1.1\r\n" HEAD, 400},
		{"GET /a%00b HTTP/1.1\r\n" HEAD, 400},
		{"GET /%zz HTTP/1.1\r\n" HEAD, 400},
		{"GET / HTTP/2.0\r\n" HEAD, 505},
		{"GET / FTP/1.1\r\n" HEAD, 400},
		{"POST / HTTP/1.1\r\n" HEAD, 405},
		{"GET / HTTP/1.1\r\nBad Header: 1\r\n" HEAD, 400},
		{"GET / HTTP/1.1\r\nX : 1\r\n" HEAD, 400},
		{"GET / HTTP/1.1\r\n: 1\r\n" HEAD, 400},
		{"GET / HTTP/1.1\r\nContent-Length: 1x\r\n" HEAD, 400},
		{"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" HEAD, 501},
		{"nonsense\r\n\r\n", 400},
		{" \r\n\r\n", 400},
	};
	size_t i;

	(void)s;
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(parse(bad[i].q), -bad[i].status);
}

static void long_heads_and_paths_are_refused(void **s)
{
	static char q[HTTP_HEAD_MAX + 100];

	(void)s;
	memset(q, 'a', sizeof(q) - 1);
	assert_int_equal(http_parse(&r, q, HTTP_HEAD_MAX), -431);
	memcpy(q, "GET /", 5);
	strcpy(q + 3000, " HTTP/1.1\r\n" HEAD);
	assert_int_equal(parse(q), -414);
}

static void ranges_resolve(void **s)
{
	int64_t first, count;

	(void)s;
	parse("GET / HTTP/1.1\r\nRange: bytes=2-5\r\n" HEAD);
	assert_int_equal(http_range(&r, 10, &first, &count), 206);
	assert_int_equal(first, 2);
	assert_int_equal(count, 4);
	parse("GET / HTTP/1.1\r\nRange: bytes=-3\r\n" HEAD);
	assert_int_equal(http_range(&r, 10, &first, &count), 206);
	assert_int_equal(first, 7);
	parse("GET / HTTP/1.1\r\nRange: bytes=5-\r\n" HEAD);
	assert_int_equal(http_range(&r, 10, &first, &count), 206);
	assert_int_equal(count, 5);
	assert_int_equal(http_range(&r, 5, &first, &count), 416);
	parse("GET / HTTP/1.1\r\nRange: bytes=5-2\r\n" HEAD);
	assert_int_equal(http_range(&r, 10, &first, &count), 200);
	parse("GET / HTTP/1.1\r\nRange: bytes=0-1,3-4\r\n" HEAD);
	assert_int_equal(http_range(&r, 10, &first, &count), 200);
}

static void connection_close_and_old_versions_end_it(void **s)
{
	(void)s;
	parse("GET / HTTP/1.1\r\nConnection: close\r\n" HEAD);
	assert_false(r.keep_alive);
	parse("GET / HTTP/1.0\r\n\r\n");
	assert_false(r.keep_alive);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plain_get),
		cmocka_unit_test(incomplete_heads_wait),
		cmocka_unit_test(pipelined_requests_are_counted_apart),
		cmocka_unit_test(bad_requests_get_their_status),
		cmocka_unit_test(long_heads_and_paths_are_refused),
		cmocka_unit_test(ranges_resolve),
		cmocka_unit_test(connection_close_and_old_versions_end_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
