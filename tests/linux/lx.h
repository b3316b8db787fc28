// SPDX-License-Identifier: MIT
/* What the test programs share.  CHECK prints result and errno; the host's are right. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <netinet/in.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define CHECK(x)                                                                     \
	do {                                                                         \
		long r_;                                                             \
		errno = 0;                                                           \
		r_ = (long)(x);                                                      \
		printf("%d %s = %ld errno %d\n", __LINE__, #x,                       \
		       r_ > 2 && strstr(#x, "open(") && !strstr(#x, ">=") ? 99 : r_, \
		       r_ < 0 ? errno : 0);                                          \
	} while (0)
