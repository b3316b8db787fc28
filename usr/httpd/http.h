/* SPDX-License-Identifier: MIT */
/*
 * HTTP/1.1 requests out of untrusted bytes (RFC 9112), and what a file server
 * answers (RFC 9110).  No I/O here: httpd.c does it, the tests and the fuzzer call
 * this directly.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define HTTP_HEAD_MAX 8192
#define HTTP_PATH_MAX 1024

struct http_request {
	bool head; /* HEAD: no body */
	bool keep_alive;
	char path[HTTP_PATH_MAX]; /* decoded, starts with '/', no ".." components */
	bool has_range;
	int64_t range_first, range_last; /* -1: absent */
	char if_none_match[64];
	char if_range[64];
	uint64_t body; /* Content-Length: to be skipped */
};

/*
 * Parse the head at buf[0..len).  Returns its length, 0 when more bytes are
 * needed, or minus the status to answer with (the connection then closes).
 */
int http_parse(struct http_request *r, const char *buf, size_t len);

/* Resolve the range against a size: 200, 206 (first, count set) or 416. */
int http_range(const struct http_request *r, int64_t size, int64_t *first, int64_t *count);

/* Does If-None-Match name this ETag? */
bool http_etag_matches(const char *list, const char *etag);

const char *http_type(const char *path);
const char *http_reason(int status);
