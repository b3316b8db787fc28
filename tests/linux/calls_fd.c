// SPDX-License-Identifier: MIT
/* Descriptors, one call at a time (call.h). */
#include "call.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

static char buf[256];
static int p[2];

static void piped(void)
{
	if (pipe(p))
		exit(1);
}

static void unpipe(void)
{
	close(p[0]);
	close(p[1]);
}

CALL(read)
{
	int fd = file("f", 10), w = open("f", O_WRONLY), d = open(".", O_RDONLY);

	E(S(read, CLOSED, buf, 1));
	E(S(read, w, buf, 1));
	E(S(read, d, buf, 1));
	lseek(fd, 0, SEEK_SET);
	E(S(read, fd, BAD, 5));
	E(S(read, fd, KERNEL, 5));
	N(S(read, fd, buf, 0));
	N(S(read, fd, buf, 4));
	N(S(read, fd, buf, 100));
	N(S(read, fd, buf, 100));
	piped();
	fcntl(p[0], F_SETFL, O_NONBLOCK);
	E(S(read, p[0], buf, 1));
	E(S(read, p[1], buf, 1));
	close(p[1]);
	N(S(read, p[0], buf, 1));
	close(p[0]);
	close(fd);
	close(w);
	close(d);
}

CALL(write)
{
	int fd = file("f", 0), r = open("f", O_RDONLY);

	E(S(write, CLOSED, buf, 1));
	E(S(write, r, buf, 1));
	E(S(write, fd, BAD, 5));
	E(S(write, fd, KERNEL, 5));
	N(S(write, fd, buf, 0));
	N(S(write, fd, buf, 7));
	N(lseek(fd, 0, SEEK_END));
	piped();
	E(S(write, p[0], buf, 1));
	close(p[0]);
	E(S(write, p[1], buf, 1));
	close(p[1]);
	r = open("/dev/full", O_WRONLY);
	E(S(write, r, buf, 1));
	close(r);
	close(fd);
}

CALL(close)
{
	int fd = dup(1);

	E(S(close, fd));
	E(S(close, fd));
	E(S(close, -1));
	E(S(close, CLOSED));
}

CALL(lseek)
{
	int fd = file("f", 10);

	E(S(lseek, CLOSED, 0, SEEK_SET));
	E(S(lseek, fd, -1L, SEEK_SET));
	E(S(lseek, fd, 0, 9));
	N(S(lseek, fd, 5, SEEK_SET));
	N(S(lseek, fd, 2, SEEK_CUR));
	N(S(lseek, fd, 3, SEEK_END));
	E(S(lseek, fd, -11L, SEEK_END));
	N(S(lseek, fd, 4, SEEK_DATA));
	N(S(lseek, fd, 4, SEEK_HOLE));
	E(S(lseek, fd, 10, SEEK_DATA));
	piped();
	E(S(lseek, p[0], 0, SEEK_SET));
	unpipe();
	close(fd);
}

CALL(pread64)
{
	int fd = file("f", 10);

	E(S(pread64, CLOSED, buf, 1, 0));
	E(S(pread64, fd, buf, 1, -1L));
	E(S(pread64, fd, BAD, 1, 0));
	N(S(pread64, fd, buf, 5, 8));
	N(S(pread64, fd, buf, 5, 10));
	N(lseek(fd, 0, SEEK_CUR));
	piped();
	E(S(pread64, p[0], buf, 1, 0));
	unpipe();
	close(fd);
}

CALL(pwrite64)
{
	int fd = file("f", 10);

	E(S(pwrite64, CLOSED, buf, 1, 0));
	E(S(pwrite64, fd, buf, 1, -1L));
	E(S(pwrite64, fd, BAD, 1, 0));
	N(S(pwrite64, fd, buf, 5, 8));
	N(lseek(fd, 0, SEEK_END));
	piped();
	E(S(pwrite64, p[1], buf, 1, 0));
	unpipe();
	close(fd);
}

static struct iovec vec[3] = {{buf, 3}, {buf + 3, 0}, {buf + 3, 4}};

CALL(readv)
{
	struct iovec wrong = {BAD, 4}, huge[2] = {{buf, 1}, {buf, (size_t)-1}};
	int fd = file("f", 6);

	lseek(fd, 0, SEEK_SET);
	E(S(readv, CLOSED, vec, 1));
	E(S(readv, fd, BAD, 1));
	E(S(readv, fd, vec, -1L));
	E(S(readv, fd, vec, 1025));
	E(S(readv, fd, &wrong, 1));
	E(S(readv, fd, huge, 2));
	N(S(readv, fd, vec, 0));
	N(S(readv, fd, vec, 3));
	close(fd);
}

CALL(writev)
{
	struct iovec wrong = {BAD, 4};
	int fd = file("f", 0);

	E(S(writev, CLOSED, vec, 1));
	E(S(writev, fd, BAD, 1));
	E(S(writev, fd, vec, -1L));
	E(S(writev, fd, vec, 1025));
	E(S(writev, fd, &wrong, 1));
	N(S(writev, fd, vec, 0));
	N(S(writev, fd, vec, 3));
	close(fd);
}

CALL(preadv)
{
	int fd = file("f", 6);

	E(S(preadv, CLOSED, vec, 1, 0, 0));
	E(S(preadv, fd, vec, 1, -1L, -1L));
	E(S(preadv, fd, BAD, 1, 0, 0));
	E(S(preadv, fd, vec, -1L, 0, 0));
	N(S(preadv, fd, vec, 3, 1, 0));
	piped();
	E(S(preadv, p[0], vec, 3, 1, 0));
	unpipe();
	close(fd);
}

CALL(pwritev)
{
	int fd = file("f", 6);

	E(S(pwritev, CLOSED, vec, 1, 0, 0));
	E(S(pwritev, fd, vec, 1, -1L, -1L));
	E(S(pwritev, fd, BAD, 1, 0, 0));
	N(S(pwritev, fd, vec, 3, 4, 0));
	N(lseek(fd, 0, SEEK_END));
	close(fd);
}

CALL(preadv2)
{
	int fd = file("f", 6);

	lseek(fd, 2, SEEK_SET);
	E(S(preadv2, CLOSED, vec, 1, 0, 0, 0));
	E(S(preadv2, fd, vec, 3, 0, 0, 0x10000));
	N(S(preadv2, fd, vec, 3, -1L, -1L, 0));
	N(lseek(fd, 0, SEEK_CUR));
	close(fd);
}

CALL(pwritev2)
{
	int fd = file("f", 6);

	E(S(pwritev2, CLOSED, vec, 1, 0, 0, 0));
	E(S(pwritev2, fd, vec, 3, 0, 0, 0x10000));
	N(S(pwritev2, fd, vec, 3, -1L, -1L, 0));
	N(lseek(fd, 0, SEEK_CUR));
	close(fd);
}

CALL(dup)
{
	int fd;

	E(S(dup, CLOSED));
	E(S(dup, -1));
	fd = dup(1);
	N(fcntl(fd, F_GETFD));
	close(fd);
}

CALL(dup2)
{
	int fd = dup(1);

	E(S(dup2, CLOSED, 5));
	E(S(dup2, CLOSED, CLOSED));
	E(S(dup2, 1, -1));
	E(S(dup2, 1, 1 << 30));
	N(S(dup2, fd, fd) == fd);
	N(S(dup2, 1, 77));
	close(77);
	close(fd);
}

CALL(dup3)
{
	E(S(dup3, 1, 1, 0));
	E(S(dup3, CLOSED, 77, 0));
	E(S(dup3, 1, 77, 1));
	E(S(dup3, 1, -1, 0));
	N(S(dup3, 1, 77, O_CLOEXEC));
	N(fcntl(77, F_GETFD));
	close(77);
}

CALL(fcntl)
{
	int fd = file("f", 1), n;

	E(S(fcntl, CLOSED, F_GETFD));
	E(S(fcntl, fd, 4711));
	E(S(fcntl, fd, F_DUPFD, -1));
	E(S(fcntl, fd, F_DUPFD, 1 << 30));
	N(n = S(fcntl, fd, F_DUPFD, 80));
	close(n);
	N(n = S(fcntl, fd, F_DUPFD_CLOEXEC, 80));
	N(S(fcntl, n, F_GETFD));
	close(n);
	N(S(fcntl, fd, F_SETFD, 1));
	N(S(fcntl, fd, F_GETFD));
	N(S(fcntl, fd, F_GETFL) & O_ACCMODE);
	N(S(fcntl, fd, F_SETFL, O_APPEND | O_NONBLOCK));
	N(S(fcntl, fd, F_GETFL) & (O_APPEND | O_NONBLOCK));
	E(S(fcntl, fd, F_SETLK, BAD));
	E(S(fcntl, fd, F_SETLK, &(struct flock){.l_type = 9}));
	E(S(fcntl, fd, F_SETLK, &(struct flock){.l_whence = 9}));
	E(S(fcntl, fd, F_SETLK, &(struct flock){.l_type = F_WRLCK, .l_start = -5}));
	E(S(fcntl, fd, F_SETLK, &(struct flock){.l_type = F_WRLCK}));
	close(fd);
}

CALL(flock)
{
	int fd = file("f", 1), other = open("f", O_RDONLY);

	E(S(flock, CLOSED, 1));
	E(S(flock, fd, 0));
	E(S(flock, fd, 2));
	E(S(flock, other, 1 | 4));
	E(S(flock, fd, 8));
	E(S(flock, other, 1 | 4));
	close(other);
	close(fd);
}

CALL(pipe)
{
	E(S(pipe, BAD));
	E(S(pipe, p));
	N(fcntl(p[0], F_GETFL) & O_ACCMODE);
	N(fcntl(p[1], F_GETFL) & O_ACCMODE);
	unpipe();
}

CALL(pipe2)
{
	E(S(pipe2, BAD, 0));
	E(S(pipe2, p, 1));
	E(S(pipe2, p, O_CLOEXEC | O_NONBLOCK));
	N(fcntl(p[0], F_GETFD));
	N(fcntl(p[1], F_GETFL) & O_NONBLOCK);
	unpipe();
}

CALL(ioctl)
{
	int fd = file("f", 3), n = 1;

	E(S(ioctl, CLOSED, 0x5401, buf));
	E(S(ioctl, fd, 0x5401, buf));
	E(S(ioctl, fd, 0x12345678, buf));
	piped();
	if (write(p[1], "abc", 3) == 3)
		E(S(ioctl, p[0], 0x541b, &n));
	N(n);
	E(S(ioctl, p[0], 0x541b, BAD));
	E(S(ioctl, p[0], 0x5421, &n));
	N(fcntl(p[0], F_GETFL) & O_NONBLOCK);
	E(S(ioctl, p[0], 0x5451));
	N(fcntl(p[0], F_GETFD));
	unpipe();
	close(fd);
}

CALL(poll)
{
	struct pollfd f[3] = {{CLOSED, POLLIN}, {-1, POLLIN}};

	E(S(poll, BAD, 1, 0));
	N(S(poll, f, 2, 0));
	N(f[0].revents);
	N(S(poll, NULL, 0, 1));
	piped();
	f[0] = (struct pollfd){p[0], POLLIN};
	f[1] = (struct pollfd){p[1], POLLOUT};
	N(S(poll, f, 2, 0));
	close(p[1]);
	N(S(poll, f, 1, -1));
	N(f[0].revents);
	close(p[0]);
}

CALL(ppoll)
{
	struct timespec none = {0}, wrong = {0, -1};
	struct pollfd f = {0};

	piped();
	f = (struct pollfd){p[1], POLLOUT};
	E(S(ppoll, &f, 1, &wrong, NULL, 8));
	E(S(ppoll, &f, 1, BAD, NULL, 8));
	N(S(ppoll, &f, 1, &none, NULL, 8));
	unpipe();
}

CALL(select)
{
	struct timeval none = {0}, wrong = {-1, 0};
	fd_set set;

	FD_ZERO(&set);
	FD_SET(50, &set);
	E(S(select, 51, &set, NULL, NULL, &none));
	E(S(select, -1, NULL, NULL, NULL, &none));
	E(S(select, 1, BAD, NULL, NULL, &none));
	E(S(select, 1, NULL, NULL, NULL, &wrong));
	N(S(select, 0, NULL, NULL, NULL, &none));
	piped();
	FD_ZERO(&set);
	FD_SET(p[1], &set);
	N(S(select, p[1] + 1, NULL, &set, NULL, NULL));
	unpipe();
}

CALL(pselect6)
{
	struct timespec none = {0}, wrong = {0, 2000000000};

	E(S(pselect6, 0, NULL, NULL, NULL, &wrong, NULL));
	N(S(pselect6, 0, NULL, NULL, NULL, &none, NULL));
}

CALL(epoll_create)
{
	int e;

	E(S(epoll_create, 0));
	E(S(epoll_create, -1));
	E(e = S(epoll_create, 1));
	close(e);
}

CALL(epoll_create1)
{
	int e;

	E(S(epoll_create1, 1));
	E(e = S(epoll_create1, EPOLL_CLOEXEC));
	N(fcntl(e, F_GETFD));
	close(e);
}

static void exclusive(int e)
{
	struct epoll_event ev = {EPOLLIN | EPOLLEXCLUSIVE};
	int inner = epoll_create1(0);

	E(S(epoll_ctl, e, EPOLL_CTL_ADD, inner, &ev));
	E(S(epoll_ctl, e, EPOLL_CTL_ADD, p[0], &ev));
	E(S(epoll_ctl, e, EPOLL_CTL_MOD, p[0], &ev));
	ev.events = EPOLLIN;
	E(S(epoll_ctl, e, EPOLL_CTL_MOD, p[0], &ev));
	E(S(epoll_ctl, e, EPOLL_CTL_DEL, p[0], &ev));
	E(S(epoll_ctl, e, EPOLL_CTL_ADD, p[0], &ev));
	ev.events |= EPOLLEXCLUSIVE;
	E(S(epoll_ctl, e, EPOLL_CTL_MOD, p[0], &ev));
	E(S(epoll_ctl, e, EPOLL_CTL_DEL, p[0], NULL));
	ev.events |= EPOLLONESHOT;
	E(S(epoll_ctl, e, EPOLL_CTL_ADD, p[0], &ev));
	ev.events = EPOLLOUT | EPOLLET | EPOLLEXCLUSIVE;
	E(S(epoll_ctl, e, EPOLL_CTL_ADD, p[1], &ev));
	E(S(epoll_ctl, e, EPOLL_CTL_DEL, p[1], &ev));
	close(inner);
}

CALL(epoll_ctl)
{
	int e = epoll_create1(0), fd = file("f", 0);
	struct epoll_event ev = {EPOLLIN};

	piped();
	E(S(epoll_ctl, CLOSED, EPOLL_CTL_ADD, p[0], &ev));
	E(S(epoll_ctl, e, EPOLL_CTL_ADD, CLOSED, &ev));
	E(S(epoll_ctl, e, EPOLL_CTL_ADD, fd, &ev));
	E(S(epoll_ctl, e, EPOLL_CTL_ADD, e, &ev));
	E(S(epoll_ctl, 1, EPOLL_CTL_ADD, p[0], &ev));
	E(S(epoll_ctl, e, EPOLL_CTL_ADD, p[0], BAD));
	E(S(epoll_ctl, e, 9, p[0], &ev));
	E(S(epoll_ctl, e, EPOLL_CTL_MOD, p[0], &ev));
	E(S(epoll_ctl, e, EPOLL_CTL_DEL, p[0], NULL));
	E(S(epoll_ctl, e, EPOLL_CTL_ADD, p[0], &ev));
	E(S(epoll_ctl, e, EPOLL_CTL_ADD, p[0], &ev));
	E(S(epoll_ctl, e, EPOLL_CTL_MOD, p[0], &ev));
	E(S(epoll_ctl, e, EPOLL_CTL_DEL, p[0], NULL));
	E(S(epoll_ctl, CLOSED, EPOLL_CTL_ADD, p[0], BAD));
	E(S(epoll_ctl, e, 9, p[0], BAD));
	E(S(epoll_ctl, 1, EPOLL_CTL_ADD, fd, &ev));
	exclusive(e);
	unpipe();
	close(fd);
	close(e);
}

CALL(epoll_wait)
{
	int e = epoll_create1(0);
	struct epoll_event ev = {EPOLLOUT, {.fd = 7}}, got[2];

	E(S(epoll_wait, CLOSED, got, 1, 0));
	E(S(epoll_wait, 1, got, 1, 0));
	E(S(epoll_wait, e, got, 0, 0));
	E(S(epoll_wait, e, got, -1, 0));
	N(S(epoll_wait, e, got, 2, 0));
	piped();
	epoll_ctl(e, EPOLL_CTL_ADD, p[1], &ev);
	E(S(epoll_wait, e, BAD, 1, 0));
	N(S(epoll_wait, e, got, 2, -1));
	N(got[0].data.fd);
	unpipe();
	close(e);
}

CALL(epoll_pwait)
{
	int e = epoll_create1(0);
	struct epoll_event got[2];
	sigset_t set;

	sigemptyset(&set);
	E(S(epoll_pwait, e, got, 0, 0, &set, 8));
	E(S(epoll_pwait, e, got, 1, 0, BAD, 8));
	N(S(epoll_pwait, e, got, 1, 0, &set, 8));
	close(e);
}

CALL(epoll_pwait2)
{
	int e = epoll_create1(0);
	struct timespec none = {0}, wrong = {0, -1};
	struct epoll_event got[2];

	E(syscall(441, e, got, 1, &wrong, NULL, 8));
	N(syscall(441, e, got, 1, &none, NULL, 8));
	close(e);
}

CALL(eventfd)
{
	int e;

	E(e = S(eventfd, 3));
	N(S(read, e, buf, 8));
	close(e);
}

CALL(eventfd2)
{
	uint64_t v = 5;
	int e;

	E(S(eventfd2, 0, 16));
	E(e = S(eventfd2, 0, EFD_NONBLOCK | EFD_SEMAPHORE));
	E(S(read, e, &v, 8));
	v = 2;
	E(S(write, e, &v, 4));
	N(S(write, e, &v, 8));
	E(S(read, e, &v, 7));
	N(S(read, e, &v, 8));
	N(v);
	v = ~0ull;
	E(S(write, e, &v, 8));
	v = ~0ull - 1;
	E(S(write, e, &v, 8));
	close(e);
}

CALL(signalfd)
{
	sigset_t set;
	int s;

	sigemptyset(&set);
	E(S(signalfd, -1, &set, 4));
	E(S(signalfd, CLOSED, &set, 8));
	E(S(signalfd, 1, &set, 8));
	E(s = S(signalfd, -1, &set, 8));
	close(s);
}

CALL(signalfd4)
{
	struct signalfd_siginfo info;
	sigset_t set;
	int s;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	E(S(signalfd4, -1, &set, 8, 1));
	E(S(signalfd4, -1, BAD, 8, 0));
	E(s = S(signalfd4, -1, &set, 8, SFD_NONBLOCK));
	E(S(read, s, &info, sizeof(info)));
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGUSR2);
	E(S(read, s, &info, sizeof(info) - 1));
	N(S(read, s, &info, sizeof(info)));
	N(info.ssi_signo == SIGUSR2);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	close(s);
}

CALL(timerfd_create)
{
	int t;

	E(S(timerfd_create, 99, 0));
	E(S(timerfd_create, CLOCK_MONOTONIC, 1));
	E(t = S(timerfd_create, CLOCK_MONOTONIC, TFD_CLOEXEC));
	close(t);
}

CALL(timerfd_settime)
{
	struct itimerspec s = {{0}, {0, 1}}, wrong = {{0}, {0, -1}};
	int t = timerfd_create(CLOCK_MONOTONIC, 0);

	E(S(timerfd_settime, CLOSED, 0, &s, NULL));
	E(S(timerfd_settime, 1, 0, &s, NULL));
	E(S(timerfd_settime, t, 0, BAD, NULL));
	E(S(timerfd_settime, t, 0, &wrong, NULL));
	E(S(timerfd_settime, t, 64, &s, NULL));
	E(S(timerfd_settime, t, 0, &s, NULL));
	E(S(read, t, buf, 7));
	N(S(read, t, buf, 8));
	close(t);
}

CALL(timerfd_gettime)
{
	int t = timerfd_create(CLOCK_MONOTONIC, 0);
	struct itimerspec s;

	E(S(timerfd_gettime, CLOSED, &s));
	E(S(timerfd_gettime, 1, &s));
	E(S(timerfd_gettime, t, BAD));
	E(S(timerfd_gettime, t, &s));
	N(s.it_value.tv_sec);
	close(t);
}

CALL(inotify_init)
{
	int i;

	E(i = S(inotify_init));
	close(i);
}

CALL(inotify_init1)
{
	int i;

	E(S(inotify_init1, 1));
	E(i = S(inotify_init1, IN_NONBLOCK));
	E(S(read, i, buf, sizeof(buf)));
	close(i);
}

CALL(inotify_add_watch)
{
	int i = inotify_init1(0);

	E(S(inotify_add_watch, CLOSED, ".", IN_CREATE));
	E(S(inotify_add_watch, 1, ".", IN_CREATE));
	E(S(inotify_add_watch, i, "missing", IN_CREATE));
	E(S(inotify_add_watch, i, BAD, IN_CREATE));
	E(S(inotify_add_watch, i, ".", 0));
	N(S(inotify_add_watch, i, ".", IN_CREATE));
	N(S(inotify_add_watch, i, ".", IN_DELETE));
	close(i);
}

CALL(inotify_rm_watch)
{
	int i = inotify_init1(0);

	inotify_add_watch(i, ".", IN_CREATE);
	E(S(inotify_rm_watch, CLOSED, 1));
	E(S(inotify_rm_watch, 1, 1));
	E(S(inotify_rm_watch, i, 9));
	E(S(inotify_rm_watch, i, 1));
	E(S(inotify_rm_watch, i, 1));
	close(i);
}

CALL(sendfile)
{
	int in = file("f", 10), out = file("g", 0);
	off_t off = 4, wrong = -1;

	E(S(sendfile, CLOSED, in, NULL, 1));
	E(S(sendfile, out, CLOSED, NULL, 1));
	E(S(sendfile, out, in, &wrong, 1));
	E(S(sendfile, out, in, BAD, 1));
	N(S(sendfile, out, in, &off, 3));
	N(off);
	N(S(sendfile, out, in, &off, 30));
	close(in);
	close(out);
}

CALL(splice)
{
	int fd = file("f", 10);
	off_t off = 2;

	piped();
	E(S(splice, CLOSED, NULL, p[1], NULL, 1, 0));
	E(S(splice, fd, NULL, fd, NULL, 1, 0));
	E(S(splice, p[0], &off, fd, NULL, 1, 0));
	E(S(splice, fd, NULL, p[1], NULL, 1, 64));
	N(S(splice, fd, &off, p[1], NULL, 5, 0));
	N(off);
	unpipe();
	close(fd);
}

CALL(copy_file_range)
{
	int in = file("f", 10), out = file("g", 0), d = open(".", O_RDONLY);
	off_t a = 2, b = 5;

	E(S(copy_file_range, CLOSED, NULL, out, NULL, 1, 0));
	E(S(copy_file_range, in, NULL, out, NULL, 1, 1));
	E(S(copy_file_range, d, NULL, out, NULL, 1, 0));
	N(S(copy_file_range, in, &a, out, &b, 4, 0));
	N(a);
	N(lseek(out, 0, SEEK_END));
	piped();
	E(S(copy_file_range, in, NULL, p[1], NULL, 1, 0));
	unpipe();
	close(in);
	close(out);
	close(d);
}

CALL(ftruncate)
{
	int fd = file("f", 10), r = open("f", O_RDONLY);
	struct stat st;

	E(S(ftruncate, CLOSED, 0));
	E(S(ftruncate, r, 0));
	E(S(ftruncate, fd, -1L));
	E(S(ftruncate, fd, 20));
	fstat(fd, &st);
	N(st.st_size);
	piped();
	E(S(ftruncate, p[1], 0));
	unpipe();
	close(r);
	close(fd);
}

CALL(fallocate)
{
	int fd = file("f", 10), r = open("f", O_RDONLY);
	struct stat st;

	E(S(fallocate, CLOSED, 0, 0, 1));
	E(S(fallocate, r, 0, 0, 1));
	E(S(fallocate, fd, 0, -1L, 1));
	E(S(fallocate, fd, 0, 0, 0));
	E(S(fallocate, fd, 0, 0, 50));
	fstat(fd, &st);
	N(st.st_size);
	E(S(fallocate, fd, 1, 0, 90));
	fstat(fd, &st);
	N(st.st_size);
	piped();
	E(S(fallocate, p[1], 0, 0, 1));
	unpipe();
	close(r);
	close(fd);
}

CALL(fsync)
{
	int fd = file("f", 1);

	E(S(fsync, CLOSED));
	E(S(fsync, fd));
	close(fd);
}

CALL(fdatasync)
{
	int fd = file("f", 1);

	E(S(fdatasync, CLOSED));
	E(S(fdatasync, fd));
	piped();
	E(S(fdatasync, p[0]));
	unpipe();
	close(fd);
}

CALL(sync_file_range)
{
	int fd = file("f", 1);

	E(S(sync_file_range, CLOSED, 0, 0, 0));
	E(S(sync_file_range, fd, 0, 1, 2));
	close(fd);
}

CALL(syncfs)
{
	int fd = file("f", 1);

	E(S(syncfs, CLOSED));
	E(S(syncfs, fd));
	close(fd);
}

CALL(fadvise64)
{
	int fd = file("f", 1);

	E(S(fadvise64, CLOSED, 0, 0, 0));
	E(S(fadvise64, fd, 0, 0, 99));
	E(S(fadvise64, fd, 0, 0, 3));
	piped();
	E(S(fadvise64, p[0], 0, 0, 0));
	unpipe();
	close(fd);
}

CALL(readahead)
{
	int fd = file("f", 1), w = open("f", O_WRONLY);

	E(S(readahead, CLOSED, 0, 1));
	E(S(readahead, w, 0, 1));
	E(S(readahead, fd, 0, 1));
	close(w);
	close(fd);
}

CALL(fstat)
{
	struct stat st;
	int fd = file("f", 5);

	E(S(fstat, CLOSED, &st));
	E(S(fstat, fd, BAD));
	E(S(fstat, fd, &st));
	N(st.st_size);
	N(S_ISREG(st.st_mode));
	close(fd);
}

CALL(fstatfs)
{
	int fd = file("f", 5);

	E(S(fstatfs, CLOSED, buf));
	E(S(fstatfs, fd, BAD));
	E(S(fstatfs, fd, buf));
	close(fd);
}

CALL(getdents64)
{
	int d = open("/proc/self", O_RDONLY), fd = file("f", 1);

	E(S(getdents64, CLOSED, buf, sizeof(buf)));
	E(S(getdents64, fd, buf, sizeof(buf)));
	E(S(getdents64, d, buf, 1));
	E(S(getdents64, d, BAD, sizeof(buf)));
	N(S(getdents64, d, buf, sizeof(buf)) > 0);
	close(fd);
	close(d);
}

CALL(close_range)
{
	dup2(1, 90);
	dup2(1, 91);
	E(S(close_range, 91, 90, 0));
	E(S(close_range, 90, 91, 64));
	E(S(close_range, 90, 90, 4));
	N(fcntl(90, F_GETFD));
	E(S(close_range, 90, ~0u, 0));
	E(S(close, 91));
}

CALL(memfd_create)
{
	int fd;

	E(S(memfd_create, BAD, 0));
	E(S(memfd_create, "x", 0x100));
	E(fd = S(memfd_create, "x", 1));
	N(fcntl(fd, F_GETFD));
	E(S(ftruncate, fd, 10));
	N(S(pwrite64, fd, "abc", 3, 5));
	close(fd);
}

CALL(getrandom)
{
	E(S(getrandom, BAD, 8, 0));
	E(S(getrandom, buf, 8, 64));
	N(S(getrandom, buf, 8, 0));
	N(S(getrandom, buf, 0, 1));
}
