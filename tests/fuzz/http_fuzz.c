// SPDX-License-Identifier: MIT
/* sources: usr/httpd/http.c */
#include "fuzz.h"

#include "../../usr/httpd/http.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_request r;
	int64_t first, count;
	int n = http_parse(&r, (const char *)data, size);

	if (n <= 0)
		return 0;
	if ((size_t)n > size || r.path[0] != '/' || strstr(r.path, "/../") ||
	    !memchr(r.path, 0, sizeof(r.path)))
		abort();
	if (http_range(&r, 1000, &first, &count) == 206 &&
	    (first < 0 || count <= 0 || first + count > 1000))
		abort();
	http_etag_matches(r.if_none_match, "\"x\"");
	http_type(r.path);
	return 0;
}

const uint8_t *fuzz_seed(int n, size_t *size)
{
	static const char *const seeds[] = {
		"GET /a%20b/../c?x HTTP/1.1\r\nHost: h\r\nRange: bytes=0-5\r\n\r\n",
		"HEAD http://h/x HTTP/1.0\r\nConnection: keep-alive\r\nIf-None-Match: "
		"\"1-2\"\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\nIf-Range: x\r\n\r\n0123456789",
	};

	if (n >= 3)
		return NULL;
	*size = strlen(seeds[n]);
	return (const uint8_t *)seeds[n];
}
