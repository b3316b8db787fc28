/* SPDX-License-Identifier: MIT */
%{
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "wid.h"

struct wid wid;
const char *wid_file;
static struct call *call_;
static struct service *service_;
static struct op *op_;
int yylex(void);
extern int yylineno;
extern FILE *yyin;

static void yyerror(const char *msg)
{
	fprintf(stderr, "%s:%d: error: %s\n", wid_file, yylineno, msg);
}

static void fail(const char *msg, const char *what)
{
	fprintf(stderr, "%s:%d: error: %s '%s'\n", wid_file, yylineno, msg, what);
	exit(1);
}

#define APPEND(list, item)                                   \
	do {                                                 \
		typeof(list) *p_ = &(list);                  \
		while (*p_)                                  \
			p_ = &(*p_)->next;                   \
		*p_ = (item);                                \
	} while (0)

static char *join(char *a, const char *sep, const char *b)
{
	char *r;

	if (asprintf(&r, "%s%s%s", a ? a : "", a ? sep : "", b) < 0)
		exit(1);
	return r;
}

static struct arg *arg_new(enum arg_kind kind, char *type)
{
	struct arg *a = calloc(1, sizeof(*a));

	a->kind = kind;
	a->type = type;
	return a;
}

static void call_begin(int nr, char *name)
{
	struct call *c;

	for (c = wid.calls; c; c = c->next)
		if (c->nr >= nr)
			fail("call numbers must ascend:", name);
	call_ = calloc(1, sizeof(*call_));
	call_->nr = nr;
	call_->name = name;
	op_ = NULL;
	APPEND(wid.calls, call_);
}

static void op_begin(int nr, char *name)
{
	struct op *o;

	if (!service_)
		fail("op outside a service:", name);
	for (o = service_->ops; o; o = o->next)
		if (o->nr >= nr)
			fail("op numbers must ascend:", name);
	op_ = calloc(1, sizeof(*op_));
	op_->nr = nr;
	op_->name = name;
	APPEND(service_->ops, op_);
}
%}
%union { char *s; unsigned long n; struct arg *a; struct word *w; int i; }
%token NL DOC CALL ERROR_ SERVICE OP IN OUT FAILS MAX SELF USER HANDLE RAW U32 U64
%token <s> STRING WORD STAR
%token <n> NUMBER
%type <a> type
%type <s> ctype name anyword
%type <w> words
%type <n> max
%type <i> self
%%
file:	| file line ;
line:	NL
	| CALL NUMBER name NL		{ call_begin($2, $3); }
	| SERVICE name NUMBER NL	{ service_ = calloc(1, sizeof(*service_));
					  service_->name = $2; service_->nr = $3;
					  APPEND(wid.services, service_); }
	| OP NUMBER name NL		{ op_begin($2, $3); }
	| DOC STRING NL			{ char **d = op_ ? &op_->doc : &call_->doc;
					  *d = join(*d, "\n", $2); }
	| IN name type NL		{ $3->name = $2; APPEND(call_->args, $3); }
	| IN ':' words NL		{ op_->in = $3; }
	| OUT ':' words NL		{ op_->out = $3; }
	| FAILS words NL		{ if (op_) fail("fails belongs to a call", op_->name);
					  call_->fails = $2; }
	| ERROR_ anyword NUMBER name STRING NL {
					  struct err *e = calloc(1, sizeof(*e));
					  e->name = $2; e->nr = $3; e->category = $4; e->text = $5;
					  APPEND(wid.errs, e); }
	;
name:	WORD
	| IN	{ $$ = strdup("in"); }
	| OUT	{ $$ = strdup("out"); }
	| MAX	{ $$ = strdup("max"); }
	| OP { $$ = strdup("op"); }
	| SELF { $$ = strdup("self"); }
	| HANDLE { $$ = strdup("handle"); }
	;
anyword: WORD | NUMBER { if (asprintf(&$$, "%lu", $1) < 0) exit(1); } ;
type:	RAW				{ $$ = arg_new(ARG_RAW, "w_handle_t"); }
	| U32 max			{ $$ = arg_new(ARG_U32, "uint32_t"); $$->max = $2; }
	| U64				{ $$ = arg_new(ARG_U64, "uint64_t"); }
	| USER ctype			{ $$ = arg_new(ARG_USER, $2); }
	| HANDLE WORD anyword self	{ $$ = arg_new(ARG_HANDLE, $2); $$->rights = $3; $$->self = $4; }
	;
self:	{ $$ = 0; } | SELF { $$ = 1; } ;
max:	{ $$ = 0; } | MAX NUMBER { $$ = $2; } ;
ctype:	WORD | STAR | ctype WORD { $$ = join($1, " ", $2); } | ctype STAR { $$ = join($1, " ", "*"); } ;
words:	{ $$ = NULL; }
	| words anyword	{ struct word *w = calloc(1, sizeof(*w)); w->text = $2;
			  $$ = $1; APPEND($$, w); }
	;
%%
int wid_parse(const char *path)
{
	wid_file = path;
	yylineno = 1;
	yyin = fopen(path, "r");
	if (!yyin) {
		perror(path);
		return 1;
	}
	return yyparse();
}
