/* SPDX-License-Identifier: MIT */
/*
 * The terminal line discipline (POSIX.1-2017, chapter 11), free of devices and
 * processes: characters go in, lines and signals and echo come out.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TTY_BUF 4096
#define TTY_NCCS 19

/* struct termios as the kernel ABI has it (include/uapi/asm-generic/termbits.h) */
struct tty_termios {
	uint32_t iflag, oflag, cflag, lflag;
	uint8_t line;
	uint8_t cc[TTY_NCCS];
};

struct tty_winsize {
	uint16_t row, col, xpixel, ypixel;
};

struct tty {
	struct tty_termios t;
	struct tty_winsize size;
	char in[TTY_BUF];	   /* [start, end) ready or being edited */
	uint32_t start, line, end; /* line: bytes before it may be read (canonical) */
	uint32_t eofs;		   /* end-of-file marks pending (empty lines by ^D) */
	bool literal;		   /* ^V: the next character is only that */
	bool stopped;		   /* ^S: output waits for ^Q */
	uint32_t column;
	void (*output)(struct tty *tty, const char *p, size_t n);
	void (*signal)(struct tty *tty, int sig);
};

enum {
	TTY_ISTRIP = 040,
	TTY_INLCR = 0100,
	TTY_IGNCR = 0200,
	TTY_ICRNL = 0400,
	TTY_IXON = 02000,
	TTY_IXANY = 04000,
	TTY_OPOST = 1,
	TTY_ONLCR = 4,
	TTY_OCRNL = 010,
	TTY_ONOCR = 020,
	TTY_ONLRET = 040,
	TTY_TABDLY = 014000, /* all of it: XTABS, tabs become blanks */
	TTY_ISIG = 1,
	TTY_ICANON = 2,
	TTY_ECHO = 010,
	TTY_ECHOE = 020,
	TTY_ECHOK = 040,
	TTY_ECHONL = 0100,
	TTY_NOFLSH = 0200,
	TTY_TOSTOP = 0400,
	TTY_ECHOCTL = 01000,
	TTY_ECHOKE = 04000,
	TTY_IEXTEN = 0100000,
};
enum {
	TTY_VINTR,
	TTY_VQUIT,
	TTY_VERASE,
	TTY_VKILL,
	TTY_VEOF,
	TTY_VTIME,
	TTY_VMIN,
	TTY_VSWTC,
	TTY_VSTART,
	TTY_VSTOP,
	TTY_VSUSP,
	TTY_VEOL,
	TTY_VREPRINT,
	TTY_VDISCARD,
	TTY_VWERASE,
	TTY_VLNEXT,
	TTY_VEOL2
};

void tty_init(struct tty *tty);
void tty_receive(struct tty *tty, char c); /* the device got c */
bool tty_readable(const struct tty *tty);
size_t tty_read(struct tty *tty, char *buf, size_t n);	  /* 0 while readable: end of file */
void tty_write(struct tty *tty, const char *p, size_t n); /* a program writes */
void tty_flush_input(struct tty *tty);
size_t tty_room(const struct tty *tty); /* characters that can be received */
size_t tty_available(const struct tty *tty);
void tty_changed(struct tty *tty, const struct tty_termios *was); /* t was set from outside */
