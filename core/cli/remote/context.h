/* cli/remote/context.h - the servers that this user knows, by names: the file
 * contexts.yaml of the configuration folder. It holds credentials, so it is its owner's
 * alone to read, and one that others can read is refused. */
#ifndef CLI_REMOTE_CONTEXT_H
#define CLI_REMOTE_CONTEXT_H

#include "base/base.h"

/* This machine and its data directory; no context of the file is called so. */
#define CONTEXT_LOCAL "local"

struct context {
    char *name;
    char *server;  /* "https://flow.example:8443", "unix:/run/flowforge/api.sock" */
    char *token;   /* or NULL */
    char *expires; /* when the token does, RFC 3339; NULL: it is not known */
    char *project; /* where new runs belong; or NULL */
    char *ca;      /* file of certificates to trust instead of the system's; or NULL */
};

struct contexts {
    char *path;    /* of the file */
    char *current; /* name; NULL: this machine */
    struct {
        struct context *items;
        size_t n, cap;
    } all;
    int lock; /* a descriptor, if it is locked */
    bool locked;
};

/* No file is no context. FF_DENIED, FF_INVALID with a sentence that names the file.
 * contexts_done in either case. */
int contexts_read(struct contexts *x, struct ff_err *err);
/* The same for who writes it: nobody else does from now to contexts_done. */
int contexts_change(struct contexts *x, struct ff_err *err);
/* Replaces the file at once; folders that are missing are made. */
int contexts_write(const struct contexts *x, struct ff_err *err);
void contexts_done(struct contexts *x);

struct context *contexts_find(const struct contexts *x, const char *name); /* or NULL */
/* One of that name with nothing in it, or the one that is there. */
struct context *contexts_add(struct contexts *x, const char *name);
void contexts_delete(struct contexts *x, struct context *context);
/* NULL: the name may be one; else why not. */
const char *context_name_fault(const char *name);

/* A credential and when it expires; NULLs: none. */
void context_set_token(struct context *c, const char *token, const char *expires);
/* Has the credential expired? */
bool context_is_over(const struct context *c);

/* Takes a copy; NULL: none. */
void context_set(char **slot, const char *value);

#endif
