/*
 * What stands in the place of some functions of the C library's, by the linker's --wrap. Nothing here may order threads that aren't
 * ordered in earnest: this file isn't instrumented, so that its lock isn't seen.
 *
 * One mapping for all of a process: the sanitizer knows memory by its address: of a writer and a reader who have mapped the same
 * file at two addresses it would see nothing. So who maps a file that is mapped already gets the first mapping, and it goes
 * when the last one has let go of it.
 *
 * And a faster clock for what readers do once a second: there would be too few of those seconds to see anything.
 */
#define _GNU_SOURCE
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

void *__real_mmap(void *address, size_t size, int protection, int flags, int file, off_t offset);
int __real_munmap(void *address, size_t size);
int __real_rename(const char *from, const char *to);
int __real_clock_gettime(clockid_t clock, struct timespec *time);
void __tsan_acquire(void *address);
void __tsan_release(void *address);

enum { MOST = 256 };

static struct {
    dev_t device;
    ino_t inode;
    size_t size;
    void *base;
    int protection;
    int users;
} mappings[MOST];

static atomic_flag lock = ATOMIC_FLAG_INIT;
static char names;

static void enter(void) {
    while (atomic_flag_test_and_set_explicit(&lock, memory_order_acquire)) {
    }
}

static void leave(void) {
    atomic_flag_clear_explicit(&lock, memory_order_release);
}

static void fail(const char *why) {
    fprintf(stderr, "system.c: %s\n", why);
    abort();
}

void *__wrap_mmap(void *address, size_t size, int protection, int flags, int file, off_t offset) {
    struct stat status;
    if (file < 0 || !(flags & MAP_SHARED) || offset != 0 || fstat(file, &status) != 0)
        return __real_mmap(address, size, protection, flags, file, offset);
    void *base = NULL;
    int is_first = 0;
    enter();
    int place = 0, room = -1;
    for (; place < MOST; place++) {
        if (mappings[place].users == 0) {
            if (room < 0) room = place;
            continue;
        }
        if (mappings[place].device == status.st_dev && mappings[place].inode == status.st_ino
            && mappings[place].size == size)
            break;
    }
    if (place < MOST) {
        if (protection & ~mappings[place].protection) fail("the first mapping is for less");
        mappings[place].users++;
        base = mappings[place].base;
    } else {
        if (room < 0) fail("too many mappings");
        base = __real_mmap(address, size, protection, flags, file, offset);
        if (base != MAP_FAILED) {
            mappings[room].device = status.st_dev;
            mappings[room].inode = status.st_ino;
            mappings[room].size = size;
            mappings[room].base = base;
            mappings[room].protection = protection;
            mappings[room].users = 1;
        }
        is_first = 1;
    }
    leave();
    /* Who finds a file by its name sees all that was written before it got that name: the kernel orders the two. */
    if (!is_first) __tsan_acquire(&names);
    return base;
}

int __wrap_munmap(void *address, size_t size) {
    int code = 0, is_known = 0;
    enter();
    for (int place = 0; place < MOST && !is_known; place++) {
        if (mappings[place].users == 0 || mappings[place].base != address) continue;
        is_known = 1;
        if (--mappings[place].users == 0) code = __real_munmap(address, size);
    }
    leave();
    return is_known ? code : __real_munmap(address, size);
}

int __wrap_rename(const char *from, const char *to) {
    __tsan_release(&names);
    return __real_rename(from, to);
}

/* The clock that nothing but looking at the path and tidying up goes by runs a hundred times as fast. */
int __wrap_clock_gettime(clockid_t clock, struct timespec *time) {
    int code = __real_clock_gettime(clock, time);
    if (code != 0 || clock != CLOCK_MONOTONIC_COARSE) return code;
    long long nanoseconds = time->tv_nsec * 100LL;
    time->tv_sec = time->tv_sec * 100 + (time_t)(nanoseconds / 1000000000);
    time->tv_nsec = (long)(nanoseconds % 1000000000);
    return 0;
}
