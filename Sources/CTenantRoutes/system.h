/* What reader and writer ask of the C library. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tenantroutes.h"

/* `open` takes what Swift can't give it. */
static inline int tr_system_open(const char *path, int flags, mode_t mode) {
    return open(path, flags, mode);
}

/* A macro that Swift doesn't see as a pointer. */
static inline int tr_system_is_mapped(const void *address) {
    return address != MAP_FAILED;
}

/* Arrays in structs, which are tuples to Swift. */
static inline char *tr_system_location(tr_answer *answer) {
    return answer->location;
}

static inline char *tr_system_upstream(tr_answer *answer) {
    return answer->upstream;
}

static inline char *tr_system_epoch(tr_state *state) {
    return state->epoch;
}

/* Masks that Swift knows twice. */
static inline int tr_system_is_file(const struct stat *status) {
    return S_ISREG(status->st_mode);
}
