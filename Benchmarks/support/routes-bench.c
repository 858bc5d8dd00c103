/*
 * Times tr_find: routes-bench FILE NAMES COUNT SECONDS
 *
 * COUNT hosts of the NAMES that are there, at random, are made first and looked up in turn, for SECONDS at least. It says
 * the nanoseconds of one lookup, of the slowest of a hundred batches of a thousand too, and those of the loop without it. And
 * what this machine takes for two words of the file at random, the second one's place known by the first alone: no table of
 * that size can be looked into for less.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#include "tenantroutes.h"

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1e9 + time.tv_nsec;
}

static int compare(const void *one, const void *other) {
    double difference = *(const double *)one - *(const double *)other;
    return difference < 0 ? -1 : difference > 0;
}

int main(int count, char **arguments) {
    if (count != 5) return 2;
    unsigned long names = strtoul(arguments[2], NULL, 10), hosts = strtoul(arguments[3], NULL, 10);
    double limit = atof(arguments[4]) * 1e9;
    tr_routes *routes;
    if (tr_open(arguments[1], &routes) != TR_OK) return 1;
    char(*host)[40] = malloc(hosts * sizeof *host);
    unsigned long random = 88172645463325252ul;
    for (unsigned long number = 0; number < hosts; number++) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        snprintf(host[number], sizeof *host, "t%08lu.tenants.kin.jp", random % names);
    }
    static double batches[1 << 20];
    unsigned long place = 0, sum = 0, batch = 0;
    double start = now(), end = start;
    tr_answer answer;
    while (end - start < limit && batch < sizeof batches / sizeof *batches) {
        double begun = now();
        for (int turn = 0; turn < 1000; turn++) {
            if (tr_find(routes, host[place], 24, &answer) != TR_FOUND) return 1;
            sum += answer.revision;
            if (++place == hosts) place = 0;
        }
        end = now();
        batches[batch++] = (end - begun) / 1000;
    }
    double found = (end - start) / (batch * 1000.0);
    qsort(batches, batch, sizeof *batches, compare);
    start = now();
    unsigned long empty = 0;
    for (unsigned long turn = 0; turn < batch * 1000; turn++) {
        empty += (unsigned char)host[place][4];
        if (++place == hosts) place = 0;
        __asm__ volatile("" : "+r"(empty));
    }
    double loop = (now() - start) / (batch * 1000.0);
    tr_close(routes);

    int file = open(arguments[1], O_RDONLY);
    struct stat status;
    if (file < 0 || fstat(file, &status) != 0) return 1;
    unsigned long words = status.st_size / 8;
    const unsigned long *word = mmap(NULL, status.st_size, PROT_READ, MAP_SHARED, file, 0);
    if (word == MAP_FAILED) return 1;
    unsigned long *places = (unsigned long *)host;
    for (unsigned long number = 0; number < hosts; number++) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        places[number * 4] = random % words;
    }
    start = now();
    unsigned long turns = batch * 1000;
    unsigned long zero = 0;
    for (unsigned long turn = 0, number = 0; turn < turns; turn++) {
        /* Nothing of a word is used, and the processor can't know that: it can't begin with the next one before. */
        unsigned long first = places[number * 4] + zero;
        zero = word[first];
        __asm__ volatile("and $0, %0" : "+r"(zero));
        zero = word[(first * 2654435761ul + zero) % words];
        __asm__ volatile("and $0, %0" : "+r"(zero));
        if (++number == hosts) number = 0;
    }
    double floor = (now() - start) / turns;
    printf("%.1f %.1f %.1f %.1f\n", found, batches[batch - batch / 100 - 1], loop, floor);
    return sum == 0;
}
