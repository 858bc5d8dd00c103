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

/* What a large page has. */
static const size_t tr_system_large_page = (size_t)2 << 20;

/* Maps a file from its beginning. The address fits large pages, which older kernels don't see to on every file system: a
 * processor knows one such page where it would have to know 512, and a lookup in a large table goes to two places that it
 * doesn't know. */
static inline void *tr_system_map(int file, size_t size, int protection) {
    if (size < tr_system_large_page) {
        return mmap(NULL, size, protection, MAP_SHARED, file, 0);
    }
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t length = (size + page - 1) / page * page;
    size_t room = length + tr_system_large_page;
    char *start = mmap(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (start == MAP_FAILED) {
        return MAP_FAILED;
    }
    size_t before = (tr_system_large_page - (size_t)start % tr_system_large_page) % tr_system_large_page;
    void *base = mmap(start + before, length, protection, MAP_SHARED | MAP_FIXED, file, 0);
    if (base == MAP_FAILED) {
        munmap(start, room);
        return MAP_FAILED;
    }
    if (before > 0) {
        munmap(start, before);
    }
    munmap(start + before + length, room - before - length);
    return base;
}

/* Has the kernel put large pages in the place of small ones, as far as it has and can: Linux from 6.1 on, in memory. */
static inline int tr_system_collapse(void *base, size_t size) {
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
    return madvise(base, size, MADV_COLLAPSE);
}
