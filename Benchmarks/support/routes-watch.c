/*
 * Says when names that it's given on stdin are elsewhere in a file of routes than before: routes-watch FILE
 *
 * For each line, a host and the location that it's about to get, it answers "watching", and then, as soon as the file has
 * it, the time of CLOCK_MONOTONIC in nanoseconds.
 */
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tenantroutes.h"

int main(int count, char **arguments) {
    if (count != 2) return 2;
    tr_routes *routes;
    if (tr_open(arguments[1], &routes) != TR_OK) return 1;
    char host[254], location[64];
    setvbuf(stdout, NULL, _IOLBF, 0);
    while (scanf("%253s %63s", host, location) == 2) {
        tr_answer answer;
        size_t octets = strlen(host);
        puts("watching");
        while (tr_find(routes, host, octets, &answer) != TR_FOUND || strcmp(answer.location, location) != 0) {
            /* On a small machine those who bring it need the processor. */
            sched_yield();
        }
        struct timespec time;
        clock_gettime(CLOCK_MONOTONIC, &time);
        printf("%lld\n", time.tv_sec * 1000000000LL + time.tv_nsec);
    }
    tr_close(routes);
    return 0;
}
