/* SPDX-License-Identifier: MIT */
/* The tree that the parser builds out of a .wid file. */
#pragma once

enum arg_kind { ARG_RAW, ARG_U32, ARG_U64, ARG_USER, ARG_HANDLE };

struct arg {
	char *name;
	enum arg_kind kind;
	char *type;	   /* USER: the C type; HANDLE: object type */
	char *rights;	   /* HANDLE: READ, WRITE, MANAGE or 0 */
	int self;	   /* HANDLE: 0 stands for the caller's own */
	unsigned long max; /* U32: upper bound, 0: none */
	struct arg *next;
};

struct word {
	char *text;
	struct word *next;
};

struct call {
	int nr;
	char *name;
	char *doc;
	struct arg *args;
	struct word *fails;
	struct call *next;
};

struct err {
	char *name, *category, *text;
	int nr;
	struct err *next;
};

struct op {
	char *name, *doc;
	int nr;
	struct word *in, *out;
	struct op *next;
};

struct service {
	char *name;
	int nr;
	struct op *ops;
	struct service *next;
};

struct wid {
	struct call *calls;
	struct err *errs;
	struct service *services;
};

extern struct wid wid;
extern const char *wid_file;
int wid_parse(const char *path);
