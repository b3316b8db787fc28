// SPDX-License-Identifier: MIT
#include "tty.h"

#include <lib/string.h>

enum { SIGINT = 2, SIGQUIT = 3, SIGTSTP = 20 };

void tty_init(struct tty *tty)
{
	static const uint8_t cc[TTY_NCCS] = {3,	 28, 127, 21, 4,  0,  1, 0, 17, 19,
					     26, 0,  18,  15, 23, 22, 0, 0, 0};

	tty->t = (struct tty_termios){
		.iflag = TTY_ICRNL | TTY_IXON,
		.oflag = TTY_OPOST | TTY_ONLCR,
		.cflag = 0xbf | 017, /* B38400 CS8 CREAD */
		.lflag = TTY_ISIG | TTY_ICANON | TTY_ECHO | TTY_ECHOE | TTY_ECHOK | TTY_ECHOCTL |
			 TTY_ECHOKE | TTY_IEXTEN,
	};
	memcpy(tty->t.cc, cc, sizeof(cc));
	tty->size = (struct tty_winsize){24, 80, 0, 0};
	tty->start = tty->line = tty->end = tty->eofs = 0;
}

static bool flag(const struct tty *tty, uint32_t f)
{
	return tty->t.lflag & f;
}

static bool is_cc(const struct tty *tty, char c, int which)
{
	return tty->t.cc[which] && (uint8_t)c == tty->t.cc[which];
}

void tty_write(struct tty *tty, const char *p, size_t n)
{
	size_t i, from = 0;

	if (!(tty->t.oflag & TTY_OPOST) || !(tty->t.oflag & TTY_ONLCR)) {
		tty->output(tty, p, n);
		return;
	}
	for (i = 0; i < n; i++) {
		if (p[i] != '\n')
			continue;
		if (i > from)
			tty->output(tty, p + from, i - from);
		tty->output(tty, "\r\n", 2);
		from = i + 1;
	}
	if (n > from)
		tty->output(tty, p + from, n - from);
}

static void echo(struct tty *tty, char c)
{
	char ctl[2] = {'^', (char)(c ^ 0x40)};

	if (!flag(tty, TTY_ECHO) && !(c == '\n' && flag(tty, TTY_ECHONL)))
		return;
	if (flag(tty, TTY_ECHOCTL) && ((uint8_t)c < 32 || c == 127) && c != '\n' && c != '\t')
		tty->output(tty, ctl, 2);
	else
		tty_write(tty, &c, 1);
}

void tty_flush_input(struct tty *tty)
{
	tty->start = tty->line = tty->end = tty->eofs = 0;
}

static void compact(struct tty *tty)
{
	if (!tty->start)
		return;
	memmove(tty->in, tty->in + tty->start, tty->end - tty->start);
	tty->line -= tty->start;
	tty->end -= tty->start;
	tty->start = 0;
}

static void store(struct tty *tty, char c)
{
	if (tty->end == TTY_BUF)
		compact(tty);
	if (tty->end == TTY_BUF) {
		tty->output(tty, "\a", 1); /* full: the character is lost, audibly */
		return;
	}
	tty->in[tty->end++] = c;
}

static void erase_one(struct tty *tty)
{
	char c;

	do { /* a UTF-8 character is one to the eye */
		c = tty->in[--tty->end];
	} while (tty->end > tty->line && (c & 0xc0) == 0x80);
	if (!flag(tty, TTY_ECHO) || !flag(tty, TTY_ECHOE))
		return;
	tty->output(tty, "\b \b", 3);
	if ((uint8_t)c < 32 && flag(tty, TTY_ECHOCTL))
		tty->output(tty, "\b \b", 3);
}

static bool edit(struct tty *tty, char c)
{
	if (is_cc(tty, c, TTY_VERASE) || c == '\b') {
		if (tty->end > tty->line)
			erase_one(tty);
		return true;
	}
	if (is_cc(tty, c, TTY_VKILL)) {
		while (tty->end > tty->line)
			erase_one(tty);
		return true;
	}
	if (is_cc(tty, c, TTY_VWERASE)) {
		while (tty->end > tty->line && tty->in[tty->end - 1] == ' ')
			erase_one(tty);
		while (tty->end > tty->line && tty->in[tty->end - 1] != ' ')
			erase_one(tty);
		return true;
	}
	return false;
}

static void receive_canonical(struct tty *tty, char c)
{
	if (edit(tty, c))
		return;
	if (is_cc(tty, c, TTY_VEOF)) {
		if (tty->end == tty->line)
			tty->eofs++;
		tty->line = tty->end;
		return;
	}
	store(tty, c);
	echo(tty, c);
	if (c == '\n' || is_cc(tty, c, TTY_VEOL))
		tty->line = tty->end;
}

static int signal_of(const struct tty *tty, char c)
{
	if (!flag(tty, TTY_ISIG))
		return 0;
	return is_cc(tty, c, TTY_VINTR)	  ? SIGINT
	       : is_cc(tty, c, TTY_VQUIT) ? SIGQUIT
	       : is_cc(tty, c, TTY_VSUSP) ? SIGTSTP
					  : 0;
}

void tty_receive(struct tty *tty, char c)
{
	int sig = signal_of(tty, c);

	if (sig) {
		echo(tty, c);
		if (!flag(tty, TTY_NOFLSH))
			tty_flush_input(tty);
		tty->signal(tty, sig);
		return;
	}
	if (c == '\r' && tty->t.iflag & TTY_IGNCR)
		return;
	if (c == '\r' && tty->t.iflag & TTY_ICRNL)
		c = '\n';
	else if (c == '\n' && tty->t.iflag & TTY_INLCR)
		c = '\r';
	if (flag(tty, TTY_ICANON)) {
		receive_canonical(tty, c);
		return;
	}
	store(tty, c);
	echo(tty, c);
	tty->line = tty->end;
}

bool tty_readable(const struct tty *tty)
{
	return tty->eofs || (flag(tty, TTY_ICANON) ? tty->line : tty->end) > tty->start;
}

size_t tty_read(struct tty *tty, char *buf, size_t n)
{
	uint32_t limit = flag(tty, TTY_ICANON) ? tty->line : tty->end;
	size_t i;

	if (tty->start == limit && tty->eofs) {
		tty->eofs--;
		return 0;
	}
	for (i = 0; i < n && tty->start < limit; i++) {
		buf[i] = tty->in[tty->start++];
		if (flag(tty, TTY_ICANON) && buf[i] == '\n') {
			i++;
			break;
		}
	}
	if (tty->start > tty->line)
		tty->line = tty->start;
	if (tty->start == tty->end)
		tty->start = tty->line = tty->end = 0;
	return i;
}
