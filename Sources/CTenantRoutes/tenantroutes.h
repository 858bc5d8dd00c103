/*
 * Where a host lives, without a request: libtenantroutes reads the file that `tenant-registry agent --share PATH` keeps.
 *
 * A lookup takes no lock, makes no system call as long as the file stands, allocates nothing, and may be called from any
 * thread and after fork. A move, however many domains it has, is seen whole. No handle is ever answered from an older
 * revision than before. Where the agent is dead the file goes on answering, and tr_status says for how long.
 * docs/shared-routes.md has the format, and what a reader may rely on.
 */
#ifndef TENANTROUTES_H
#define TENANTROUTES_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* It goes up with each change that a program has to be compiled anew for. */
#define TR_ABI_VERSION 1

enum {
    TR_OK = 0,
    TR_FOUND = 1,
    /* No domain of the registry's. */
    TR_UNKNOWN = 2,
    /* The file is being made or mended: ask again, and don't take the host for unknown. */
    TR_NOT_READY = 3,
    /* There is no such file, or it may not be read. */
    TR_ABSENT = 4,
    /* It's no such file, or one that is cut short. */
    TR_INVALID = 5,
    /* It's of a version that this library doesn't know. */
    TR_VERSION = 6
};

enum {
    TR_SERVE = 0,
    TR_READ_ONLY = 1,
    TR_REJECT = 2
};

#define TR_LOCATION_SIZE 64
#define TR_UPSTREAM_SIZE 2056
#define TR_EPOCH_SIZE 24

typedef struct tr_routes tr_routes;

/* Texts end with NUL. */
typedef struct {
    /* Of the domain: the last one that changed it. */
    uint64_t revision;
    /* TR_SERVE, TR_READ_ONLY or TR_REJECT: what visitors' requests may do. */
    int32_t mode;
    /* 1 where the mode is that of a fence: the agent hasn't heard the registry for too long. */
    int32_t fenced;
    char location[TR_LOCATION_SIZE];
    /* A URL without a path: https://10.0.0.1:8443 */
    char upstream[TR_UPSTREAM_SIZE];
} tr_answer;

typedef struct {
    /* Revisions count within it; a registry that was restored has another. */
    char epoch[TR_EPOCH_SIZE];
    /* What answers are of. */
    uint64_t revision;
    uint64_t domains;
    /* Milliseconds since the agent heard the registry, counting those in which the machine slept. */
    uint64_t heard_ms;
} tr_state;

/*
 * Opens the file. The path is looked at again later: let it be absolute, and reachable by whoever looks up, also in a chroot.
 * The handle is for any number of threads, and follows the file when the agent replaces it.
 * Returns TR_OK, TR_ABSENT, TR_INVALID or TR_VERSION; *routes is set with TR_OK only.
 */
int tr_open(const char *path, tr_routes **routes);

/*
 * Looks a host up, as a visitor's request has it: with a port, capitals and a dot at its end, or without. A host that isn't
 * plain ASCII is unknown.
 * Returns TR_FOUND, TR_UNKNOWN or TR_NOT_READY; *answer is written with TR_FOUND only.
 */
int tr_find(tr_routes *routes, const char *host, size_t octets, tr_answer *answer);

/* Returns TR_OK, or TR_NOT_READY; *state is written with TR_OK only. */
int tr_status(tr_routes *routes, tr_state *state);

/* No other thread may be using the handle. */
void tr_close(tr_routes *routes);

#ifdef __cplusplus
}
#endif
#endif
