/* SPDX-License-Identifier: MIT */
#include <lib/fmt.h>
#include <lib/string.h>
#include <stdbool.h>
#include <stdint.h>

struct out {
	char *buf;
	size_t size, len;
};

struct spec {
	int width, prec;
	bool left, zero;
};

static void put(struct out *o, char c)
{
	if (o->len + 1 < o->size)
		o->buf[o->len] = c;
	o->len++;
}

static void put_padded(struct out *o, const char *s, size_t n, const struct spec *sp)
{
	size_t width = sp->width > 0 ? sp->width : 0;
	size_t pad = width > n ? width - n : 0;
	bool zero = sp->zero && !sp->left;

	if (zero && n && *s == '-') {
		put(o, '-');
		s++;
		n--;
	}
	for (; !sp->left && pad; pad--)
		put(o, zero ? '0' : ' ');
	for (; n; n--)
		put(o, *s++);
	for (; pad; pad--)
		put(o, ' ');
}

static void put_number(struct out *o, uint64_t v, bool neg, unsigned base, bool upper,
		       const struct spec *sp)
{
	const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	char tmp[24];
	int i = sizeof(tmp);

	do {
		tmp[--i] = digits[v % base];
		v /= base;
	} while (v);
	if (neg)
		tmp[--i] = '-';
	put_padded(o, tmp + i, sizeof(tmp) - i, sp);
}

static const char *parse_spec(const char *f, struct spec *sp, va_list *ap)
{
	*sp = (struct spec){.prec = -1};
	for (; *f == '-' || *f == '0'; f++) {
		sp->left |= *f == '-';
		sp->zero |= *f == '0';
	}
	if (*f == '*') {
		sp->width = va_arg(*ap, int);
		f++;
	}
	for (; *f >= '0' && *f <= '9'; f++)
		sp->width = sp->width * 10 + *f - '0';
	if (*f != '.')
		return f;
	f++;
	sp->prec = 0;
	if (*f == '*') {
		sp->prec = va_arg(*ap, int);
		return f + 1;
	}
	for (; *f >= '0' && *f <= '9'; f++)
		sp->prec = sp->prec * 10 + *f - '0';
	return f;
}

static uint64_t arg_unsigned(va_list *ap, int longs)
{
	return longs ? va_arg(*ap, uint64_t) : va_arg(*ap, unsigned int);
}

static void put_signed(struct out *o, int64_t v, const struct spec *sp)
{
	put_number(o, v < 0 ? -(uint64_t)v : (uint64_t)v, v < 0, 10, false, sp);
}

static void put_string(struct out *o, const char *s, const struct spec *sp)
{
	if (!s)
		s = "(null)";
	put_padded(o, s, sp->prec >= 0 ? strnlen(s, sp->prec) : strlen(s), sp);
}

int fmt_v(char *buf, size_t size, const char *f, va_list ap0)
{
	struct out o = {buf, size, 0};
	struct spec sp;
	va_list ap;
	int longs;
	char c;

	va_copy(ap, ap0);
	for (; *f; f++) {
		if (*f != '%') {
			put(&o, *f);
			continue;
		}
		f = parse_spec(f + 1, &sp, &ap);
		for (longs = 0; *f == 'l' || *f == 'z'; f++)
			longs++;
		switch (*f) {
		case 'd':
		case 'i':
			put_signed(&o, longs ? va_arg(ap, int64_t) : va_arg(ap, int), &sp);
			break;
		case 'u':
			put_number(&o, arg_unsigned(&ap, longs), false, 10, false, &sp);
			break;
		case 'x':
		case 'X':
			put_number(&o, arg_unsigned(&ap, longs), false, 16, *f == 'X', &sp);
			break;
		case 'o':
			put_number(&o, arg_unsigned(&ap, longs), false, 8, false, &sp);
			break;
		case 'p':
			put_number(&o, va_arg(ap, uint64_t), false, 16, false, &sp);
			break;
		case 's':
			put_string(&o, va_arg(ap, const char *), &sp);
			break;
		case 'c':
			c = (char)va_arg(ap, int);
			put_padded(&o, &c, 1, &sp);
			break;
		case 0:
			f--;
			break;
		default:
			put(&o, *f);
		}
	}
	va_end(ap);
	if (size)
		buf[o.len < size ? o.len : size - 1] = 0;
	return (int)o.len;
}

int fmt(char *buf, size_t size, const char *f, ...)
{
	va_list ap;
	int n;

	va_start(ap, f);
	n = fmt_v(buf, size, f, ap);
	va_end(ap);
	return n;
}
