// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include "http.h"

#include <string.h>
#include <strings.h>

static int hex(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

static bool is_token(char c)
{
	return c > 32 && c < 127 && !strchr("\"(),/:;<=>?@[\\]{}", c);
}

/* A path component "." or ".." would leave the directory: refuse, do not guess. */
static bool climbs(const char *p)
{
	for (; (p = strstr(p, "/.")); p += 2)
		if (!p[2] || p[2] == '/' || (p[2] == '.' && (!p[3] || p[3] == '/')))
			return true;
	return false;
}

static int parse_path(struct http_request *r, const char *p, const char *end)
{
	size_t n = 0;
	int hi, lo;
	char c;

	if (end - p > 7 && !strncasecmp(p, "http://", 7)) { /* absolute form */
		p = memchr(p + 7, '/', end - p - 7);
		if (!p)
			return -400;
	}
	if (p == end || *p != '/')
		return -400;
	for (; p < end && *p != '?' && *p != '#'; p++) {
		c = *p;
		if (c == '%') {
			hi = end - p > 2 ? hex(p[1]) : -1;
			lo = end - p > 2 ? hex(p[2]) : -1;
			if (hi < 0 || lo < 0)
				return -400;
			c = hi << 4 | lo;
			p += 2;
		}
		if (!c || n + 1 >= sizeof(r->path))
			return c ? -414 : -400;
		r->path[n++] = c;
	}
	r->path[n] = 0;
	return climbs(r->path) ? -400 : 0;
}

static int parse_request_line(struct http_request *r, const char *p, const char *end)
{
	const char *sp = memchr(p, ' ', end - p), *sp2;
	int err;

	if (!sp || sp == p)
		return -400;
	sp2 = memrchr(sp + 1, ' ', end - sp - 1);
	if (!sp2 || end - sp2 != 9 || memcmp(sp2 + 1, "HTTP/1.", 7))
		return sp2 && end - sp2 > 6 && !memcmp(sp2 + 1, "HTTP/", 5) ? -505 : -400;
	if (sp2[8] != '0' && sp2[8] != '1')
		return -505;
	r->keep_alive = sp2[8] == '1';
	err = parse_path(r, sp + 1, sp2);
	if (err)
		return err;
	r->head = sp - p == 4 && !memcmp(p, "HEAD", 4);
	return r->head || (sp - p == 3 && !memcmp(p, "GET", 3)) ? 0 : -405;
}

/* "bytes=first-last", "bytes=first-", "bytes=-suffix"; anything else is ignored */
static void parse_range(struct http_request *r, const char *v)
{
	int64_t n[2] = {-1, -1};
	int i = 0;

	if (strncasecmp(v, "bytes=", 6))
		return;
	for (v += 6; *v; v++) {
		if (*v == '-' && !i) {
			i = 1;
		} else if (*v >= '0' && *v <= '9') {
			n[i] = (n[i] < 0 ? 0 : n[i]) * 10 + *v - '0';
			if (n[i] > INT64_MAX / 20)
				return;
		} else {
			return; /* several ranges: answer with the whole */
		}
	}
	if (!i || (n[0] < 0 && n[1] < 0) || (n[0] >= 0 && n[1] >= 0 && n[1] < n[0]))
		return;
	r->has_range = true;
	r->range_first = n[0];
	r->range_last = n[1];
}

static int parse_length(struct http_request *r, const char *v)
{
	if (!*v)
		return -400;
	for (r->body = 0; *v; v++) {
		if (*v < '0' || *v > '9' || r->body > 1ull << 40)
			return -400;
		r->body = r->body * 10 + *v - '0';
	}
	return 0;
}

static void copy(char *dst, size_t size, const char *src)
{
	size_t n = strlen(src);

	if (n >= size)
		n = 0; /* longer than any tag of ours: cannot match */
	memcpy(dst, src, n);
	dst[n] = 0;
}

static int parse_header(struct http_request *r, const char *p, const char *end, bool *host)
{
	const char *colon = memchr(p, ':', end - p), *c;
	char value[256];
	size_t len;

	if (!colon || colon == p)
		return -400;
	for (c = p; c < colon; c++)
		if (!is_token(*c))
			return -400; /* no space before the colon: RFC 9112, 5.1 */
	for (colon++; colon < end && (*colon == ' ' || *colon == '\t'); colon++)
		;
	while (end > colon && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	len = end - colon;
	if (memchr(colon, 0, len))
		return -400;
	if (len >= sizeof(value))
		len = 0;
	memcpy(value, colon, len);
	value[len] = 0;
#define IS(name) (c - p == (long)sizeof(name) - 1 && !strncasecmp(p, name, sizeof(name) - 1))
	if (IS("Host"))
		*host = true;
	else if (IS("Connection") && strcasestr(value, "close"))
		r->keep_alive = false;
	else if (IS("Connection") && strcasestr(value, "keep-alive"))
		r->keep_alive = true;
	else if (IS("Range"))
		parse_range(r, value);
	else if (IS("If-None-Match"))
		copy(r->if_none_match, sizeof(r->if_none_match), value);
	else if (IS("If-Range"))
		copy(r->if_range, sizeof(r->if_range), *value ? value : "?");
	else if (IS("Content-Length"))
		return parse_length(r, value);
	else if (IS("Transfer-Encoding"))
		return -501;
#undef IS
	return 0;
}

int http_parse(struct http_request *r, const char *buf, size_t len)
{
	const char *end = memmem(buf, len, "\r\n\r\n", 4), *p, *nl;
	bool host = false, http11;
	int err;

	if (!end)
		return len >= HTTP_HEAD_MAX ? -431 : 0;
	if (end - buf + 4 > HTTP_HEAD_MAX)
		return -431;
	memset(r, 0, sizeof(*r));
	r->range_first = r->range_last = -1;
	nl = memmem(buf, end - buf + 2, "\r\n", 2);
	err = parse_request_line(r, buf, nl);
	if (err)
		return err;
	http11 = nl[-1] == '1';
	for (p = nl + 2; p < end + 2 && p <= end; p = nl + 2) {
		nl = memmem(p, end + 2 - p, "\r\n", 2);
		err = parse_header(r, p, nl, &host);
		if (err)
			return err;
	}
	if (http11 && !host)
		return -400;
	return end + 4 - buf;
}

int http_range(const struct http_request *r, int64_t size, int64_t *first, int64_t *count)
{
	int64_t last = r->range_last;

	*first = 0;
	*count = size;
	if (!r->has_range)
		return 200;
	if (r->range_first < 0) { /* the last N bytes */
		if (!last || !size)
			return 416;
		*first = last < size ? size - last : 0;
		*count = size - *first;
		return 206;
	}
	if (r->range_first >= size)
		return 416;
	if (last < 0 || last >= size)
		last = size - 1;
	*first = r->range_first;
	*count = last - r->range_first + 1;
	return 206;
}

bool http_etag_matches(const char *list, const char *etag)
{
	return *list && (!strcmp(list, "*") || strstr(list, etag));
}

const char *http_type(const char *path)
{
	static const char *const types[][2] = {
		{".html", "text/html; charset=utf-8"},
		{".htm", "text/html; charset=utf-8"},
		{".css", "text/css; charset=utf-8"},
		{".js", "text/javascript; charset=utf-8"},
		{".json", "application/json"},
		{".txt", "text/plain; charset=utf-8"},
		{".xml", "application/xml"},
		{".svg", "image/svg+xml"},
		{".png", "image/png"},
		{".jpg", "image/jpeg"},
		{".jpeg", "image/jpeg"},
		{".gif", "image/gif"},
		{".webp", "image/webp"},
		{".ico", "image/x-icon"},
		{".wasm", "application/wasm"},
		{".pdf", "application/pdf"},
		{".woff2", "font/woff2"},
		{".gz", "application/gzip"},
		{".mp4", "video/mp4"},
	};
	const char *dot = strrchr(path, '.');
	size_t i;

	for (i = 0; dot && i < sizeof(types) / sizeof(*types); i++)
		if (!strcasecmp(dot, types[i][0]))
			return types[i][1];
	return "application/octet-stream";
}

const char *http_reason(int status)
{
	static const struct {
		int status;
		const char *reason;
	} reasons[] = {
		{200, "OK"},
		{206, "Partial Content"},
		{301, "Moved Permanently"},
		{304, "Not Modified"},
		{400, "Bad Request"},
		{403, "Forbidden"},
		{404, "Not Found"},
		{405, "Method Not Allowed"},
		{408, "Request Timeout"},
		{414, "URI Too Long"},
		{416, "Range Not Satisfiable"},
		{431, "Request Header Fields Too Large"},
		{500, "Internal Server Error"},
		{501, "Not Implemented"},
		{503, "Service Unavailable"},
		{505, "HTTP Version Not Supported"},
	};
	size_t i;

	for (i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "Error";
}
