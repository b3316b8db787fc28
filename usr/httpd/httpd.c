// SPDX-License-Identifier: MIT
/*
 * httpd [-p PORT] [-a ADDRESS] [-t THREADS] [-c CONNECTIONS] [-v SECONDS] DIRECTORY
 *
 * A web server for static files: HTTP/1.1 with keep-alive, pipelining, ranges,
 * directory index and ETags.  An ordinary Linux program; one process, a thread
 * per CPU, each with its own epoll and its own connections.  A connection that is
 * silent or slow for IDLE_SECONDS is closed.  Small files are kept in memory and looked at
 * again after SECONDS (1; 0: for each request).
 */
#define _GNU_SOURCE
#include "cache.h"
#include "http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define IDLE_SECONDS 30
#define EVENTS 64
#define OUT_MAX 4096
#define DRAIN_MAX (64 << 10) /* read of a refused request before we hang up */
#define SMALL_FILE 2048	     /* goes out with its head, in one write */

struct conn {
	int fd, file;
	uint32_t in_len, out_len, out_off;
	off_t file_off;
	int64_t file_left;
	uint64_t skip;		       /* request body still to be thrown away */
	bool close, reading, draining; /* draining: answered, our side is shut */
	bool empty;		       /* all that had arrived is read: wait for news */
	bool ended; /* epoll has told of the end: read up to it, it is told once */
	uint32_t drained;
	time_t last;
	struct conn *next, *prev; /* of the worker, oldest activity first */
	char in[HTTP_HEAD_MAX];
	char out[OUT_MAX];
};

struct worker {
	int ep, listener;
	struct conn list; /* head of a ring */
	int conns;
	time_t time; /* when epoll_wait() last returned */
	struct cache *cache;
};

static const char *root;
static int max_conns = 4096;
static volatile sig_atomic_t stopping;

static time_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

/* ---- connections ---- */

static void unlink_conn(struct conn *c)
{
	c->prev->next = c->next;
	c->next->prev = c->prev;
}

static void touch(struct worker *w, struct conn *c)
{
	unlink_conn(c);
	c->last = w->time;
	c->prev = w->list.prev;
	c->next = &w->list;
	w->list.prev->next = c;
	w->list.prev = c;
}

static void conn_close(struct worker *w, struct conn *c)
{
	unlink_conn(c);
	if (c->file >= 0)
		close(c->file);
	close(c->fd);
	free(c);
	w->conns--;
}

static void accept_all(struct worker *w)
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET};
	struct conn *c;
	int fd, one = 1;

	while ((fd = accept4(w->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		c = w->conns < max_conns ? malloc(sizeof(*c)) : NULL;
		if (!c) {
			close(fd);
			continue;
		}
		memset(c, 0, offsetof(struct conn, in));
		c->fd = fd;
		c->file = -1;
		c->reading = true;
		c->next = c->prev = c;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		touch(w, c);
		w->conns++;
		ev.data.ptr = c;
		if (epoll_ctl(w->ep, EPOLL_CTL_ADD, fd, &ev))
			conn_close(w, c);
	}
}

/* ---- answers ---- */

static void put_head(struct conn *c, int status, const char *type, int64_t length,
		     const char *extra)
{
	c->out_off = 0;
	c->out_len = snprintf(c->out, OUT_MAX,
			      "HTTP/1.1 %d %s\r\nServer: wherry-httpd\r\n%s%s%s"
			      "Content-Length: %lld\r\n%s%s\r\n",
			      status, http_reason(status), type ? "Content-Type: " : "",
			      type ? type : "", type ? "\r\n" : "", (long long)length, extra,
			      c->close ? "Connection: close\r\n" : "");
}

static void answer_error(struct conn *c, int status, bool head)
{
	char body[128];
	int n = snprintf(body, sizeof(body), "%d %s\n", status, http_reason(status));

	put_head(c, status, "text/plain; charset=utf-8", n,
		 status == 405 ? "Allow: GET, HEAD\r\n" : "");
	if (!head) {
		memcpy(c->out + c->out_len, body, n);
		c->out_len += n;
	}
}

static void answer_redirect(struct conn *c, const char *path, bool head)
{
	char extra[HTTP_PATH_MAX + 32];

	if (strpbrk(path, "\r\n")) { /* would forge a header */
		answer_error(c, 400, head);
		return;
	}
	snprintf(extra, sizeof(extra), "Location: %s/\r\n", path);
	put_head(c, 301, NULL, 0, extra);
}

/* Open what the path names; an index for a directory.  -status or the descriptor. */
static int open_path(const char *path, struct stat *st, char *full, size_t size)
{
	size_t n = strlen(path);
	int fd;

	if (snprintf(full, size, "%s%s%s", root, path, path[n - 1] == '/' ? "index.html" : "") >=
	    (int)size)
		return -414;
	fd = open(full, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return errno == EACCES ? -403 : errno == ENFILE || errno == EMFILE ? -503 : -404;
	if (fstat(fd, st)) {
		close(fd);
		return -500;
	}
	if (S_ISREG(st->st_mode))
		return fd;
	close(fd);
	return S_ISDIR(st->st_mode) ? -301 : -403;
}

static void not_modified(struct conn *c, const char *etag)
{
	char extra[80];

	snprintf(extra, sizeof(extra), "ETag: %s\r\n", etag);
	put_head(c, 304, NULL, 0, extra);
}

/* The head is kept without its last line: "Connection: close" may have to go before it. */
static void answer_cached(struct conn *c, const struct http_request *r, const struct cached *f)
{
	static const char close_line[] = "Connection: close\r\n";

	if (*r->if_none_match && http_etag_matches(r->if_none_match, f->etag)) {
		not_modified(c, f->etag);
		return;
	}
	c->out_off = 0;
	c->out_len = f->head_len;
	memcpy(c->out, f->bytes, f->head_len);
	if (c->close) {
		memcpy(c->out + c->out_len, close_line, sizeof(close_line) - 1);
		c->out_len += sizeof(close_line) - 1;
	}
	memcpy(c->out + c->out_len, "\r\n", 2);
	c->out_len += 2;
	if (r->head)
		return;
	memcpy(c->out + c->out_len, f->bytes + f->head_len, f->body_len);
	c->out_len += f->body_len;
}

/* All of a small file is in c->out, behind a head that ends in an empty line. */
static void keep(struct worker *w, struct conn *c, const struct http_request *r,
		 const struct stat *st, const char *full, const char *etag, uint32_t head_len)
{
	uint32_t body_len = c->out_len - head_len;

	if (c->close || r->head || r->has_range || body_len != st->st_size)
		return;
	cache_keep(w->cache, r->path, full, st, etag, c->out, head_len - 2, c->out + head_len,
		   body_len, w->time);
}

static void answer_file(struct worker *w, struct conn *c, const struct http_request *r, int fd,
			const struct stat *st, const char *full)
{
	char etag[48], extra[160];
	struct http_request whole = *r;
	int64_t first, count;
	uint32_t head_len;
	ssize_t n;
	int status;

	snprintf(etag, sizeof(etag), "\"%llx-%llx\"",
		 (unsigned long long)st->st_mtim.tv_sec * 1000000000ull + st->st_mtim.tv_nsec,
		 (unsigned long long)st->st_size);
	if (http_etag_matches(r->if_none_match, etag)) {
		not_modified(c, etag);
		close(fd);
		return;
	}
	if (*r->if_range && strcmp(r->if_range, etag))
		whole.has_range = false;
	status = http_range(&whole, st->st_size, &first, &count);
	if (status == 416)
		count = 0;
	n = snprintf(extra, sizeof(extra), "Accept-Ranges: bytes\r\nETag: %s\r\n", etag);
	if (status == 206)
		snprintf(extra + n, sizeof(extra) - n, "Content-Range: bytes %lld-%lld/%lld\r\n",
			 (long long)first, (long long)(first + count - 1), (long long)st->st_size);
	else if (status == 416)
		snprintf(extra + n, sizeof(extra) - n, "Content-Range: bytes */%lld\r\n",
			 (long long)st->st_size);
	put_head(c, status, status == 416 ? NULL : http_type(full), count, extra);
	head_len = c->out_len;
	c->file_off = first;
	c->file_left = r->head ? 0 : count;
	if (c->file_left && c->file_left <= SMALL_FILE) {
		n = pread(fd, c->out + c->out_len, c->file_left, first);
		if (n > 0) {
			c->out_len += n;
			c->file_off += n;
			c->file_left -= n;
			keep(w, c, r, st, full, etag, head_len);
		}
	}
	if (c->file_left)
		c->file = fd;
	else
		close(fd);
}

static void answer(struct worker *w, struct conn *c, const struct http_request *r)
{
	const struct cached *f = r->has_range ? NULL : cache_find(w->cache, r->path, w->time);
	char full[HTTP_PATH_MAX + 512];
	struct stat st;
	int fd;

	if (f) {
		answer_cached(c, r, f);
		return;
	}
	fd = open_path(r->path, &st, full, sizeof(full));
	if (fd >= 0)
		answer_file(w, c, r, fd, &st, full);
	else if (fd == -301)
		answer_redirect(c, r->path, r->head);
	else
		answer_error(c, -fd, r->head);
}

/* ---- the state of one connection: write what is due, then take the next
 * request; false: close it ---- */

static bool flush(struct conn *c)
{
	ssize_t n;

	while (c->out_off < c->out_len) {
		n = write(c->fd, c->out + c->out_off, c->out_len - c->out_off);
		if (n < 0)
			return errno == EAGAIN;
		c->out_off += n;
	}
	while (c->file_left > 0) {
		n = sendfile(c->fd, c->file, &c->file_off, c->file_left);
		if (n < 0)
			return errno == EAGAIN;
		if (!n)
			return false; /* the file shrank: the length is a lie now */
		c->file_left -= n;
	}
	if (c->file >= 0)
		close(c->file);
	c->file = -1;
	return true;
}

static bool busy(const struct conn *c)
{
	return c->out_off < c->out_len || c->file_left > 0;
}

static void consume(struct conn *c, uint32_t n)
{
	c->in_len -= n;
	memmove(c->in, c->in + n, c->in_len);
}

static void skip_body(struct conn *c)
{
	uint32_t n = c->skip < c->in_len ? c->skip : c->in_len;

	if (!n)
		return;
	consume(c, n);
	c->skip -= n;
}

static bool next_request(struct worker *w, struct conn *c)
{
	struct http_request r;
	int n;

	skip_body(c);
	if (c->skip)
		return false;
	n = http_parse(&r, c->in, c->in_len);
	if (!n)
		return false;
	if (n < 0) {
		c->close = true;
		answer_error(c, -n, false);
		c->in_len = 0;
		return true;
	}
	consume(c, n);
	c->skip = r.body;
	c->close = !r.keep_alive;
	answer(w, c, &r);
	return true;
}

static bool fill(struct conn *c)
{
	ssize_t n;

	while (c->in_len < sizeof(c->in)) {
		n = read(c->fd, c->in + c->in_len, sizeof(c->in) - c->in_len);
		if (n < 0 && errno == EAGAIN)
			return true;
		if (n <= 0) {
			c->reading = false;
			return c->in_len > 0;
		}
		c->in_len += n;
		if (c->in_len < sizeof(c->in)) { /* edge-triggered: more will be told */
			c->empty = !c->ended;
			return true;
		}
	}
	return true;
}

/*
 * The last answer is out.  Closing now, with bytes of the client unread, would
 * reset the connection and might take the answer with it (RFC 9112, 9.6).
 */
static bool drain(struct conn *c)
{
	ssize_t n;

	if (!c->draining) {
		shutdown(c->fd, SHUT_WR);
		c->draining = true;
	}
	while (c->drained < DRAIN_MAX) {
		n = read(c->fd, c->in, sizeof(c->in));
		if (n < 0 && errno == EAGAIN)
			return true;
		if (n <= 0)
			return false;
		c->drained += n;
	}
	return false;
}

static bool serve(struct worker *w, struct conn *c)
{
	c->empty = false;
	for (;;) {
		if (c->draining)
			return drain(c);
		if (!flush(c))
			return false;
		if (c->close && !busy(c))
			return drain(c);
		if (busy(c))
			return true;
		if (next_request(w, c))
			continue;
		if (!c->reading)
			return false;
		if (c->empty || c->in_len == sizeof(c->in))
			return true;
		{
			uint32_t had = c->in_len;

			if (!fill(c))
				return false;
			if (c->in_len == had)
				return c->reading;
		}
	}
}

/* ---- workers ---- */

static int expire(struct worker *w)
{
	time_t t = w->time;

	while (w->list.next != &w->list && t - w->list.next->last >= IDLE_SECONDS)
		conn_close(w, w->list.next);
	return w->list.next == &w->list ? -1
					: (int)(IDLE_SECONDS - (t - w->list.next->last)) * 1000;
}

static void *worker_run(void *arg)
{
	struct worker *w = arg;
	struct epoll_event ev[EVENTS];
	int i, n;

	w->list.next = w->list.prev = &w->list;
	w->time = now();
	while (!stopping) {
		n = epoll_wait(w->ep, ev, EVENTS, expire(w));
		if (n < 0 && errno != EINTR) {
			perror("httpd: epoll_wait");
			exit(1);
		}
		w->time = now();
		for (i = 0; i < n; i++) {
			struct conn *c = ev[i].data.ptr;

			if (!c) {
				accept_all(w);
				continue;
			}
			touch(w, c);
			c->ended |= !!(ev[i].events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR));
			if (!serve(w, c))
				conn_close(w, c);
		}
	}
	return NULL;
}

static int listen_on(const char *address, int port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;

	if (inet_pton(AF_INET, address, &a.sin_addr) != 1) {
		fprintf(stderr, "httpd: '%s' is not an IPv4 address\n", address);
		exit(2);
	}
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, 128)) {
		fprintf(stderr, "httpd: cannot listen on %s port %d: %s\n", address, port,
			strerror(errno));
		exit(1);
	}
	return fd;
}

static void worker_init(struct worker *w, int listener)
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLEXCLUSIVE};

	w->listener = listener;
	w->cache = calloc(1, sizeof(*w->cache));
	w->ep = epoll_create1(EPOLL_CLOEXEC);
	if (!w->cache || w->ep < 0 || epoll_ctl(w->ep, EPOLL_CTL_ADD, listener, &ev)) {
		perror("httpd: epoll");
		exit(1);
	}
}

static void usage(void)
{
	fprintf(stderr,
		"usage: httpd [-p PORT] [-a ADDRESS] [-t THREADS] [-c CONNECTIONS] [-v SECONDS] "
		"DIRECTORY\n");
	exit(2);
}

int main(int argc, char **argv)
{
	long threads = sysconf(_SC_NPROCESSORS_ONLN);
	const char *address = "0.0.0.0";
	int port = 80, o, listener;
	struct worker *w;
	pthread_t t;
	long i;

	while ((o = getopt(argc, argv, "p:a:t:c:v:")) != -1) {
		if (o == 'p')
			port = atoi(optarg);
		else if (o == 'a')
			address = optarg;
		else if (o == 't')
			threads = atoi(optarg);
		else if (o == 'c')
			max_conns = atoi(optarg);
		else if (o == 'v')
			cache_seconds = atoi(optarg);
		else
			usage();
	}
	if (optind + 1 != argc || port < 1 || port > 65535)
		usage();
	root = argv[optind];
	if (threads < 1 || threads > 256)
		threads = 1;
	signal(SIGPIPE, SIG_IGN);
	listener = listen_on(address, port);
	w = calloc(threads, sizeof(*w));
	if (!w) {
		perror("httpd");
		return 1;
	}
	for (i = 0; i < threads; i++)
		worker_init(&w[i], listener);
	fprintf(stderr, "httpd: serving %s on port %d\n", root, port);
	for (i = 1; i < threads; i++)
		if (pthread_create(&t, NULL, worker_run, &w[i])) {
			fprintf(stderr, "httpd: only %ld threads\n", i);
			break;
		}
	worker_run(&w[0]);
	return 0;
}
