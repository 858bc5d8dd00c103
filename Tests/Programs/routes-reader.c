/*
 * Reads shared routes in a process of its own, as fast as it can: routes-reader FILE NAMES STOP PROCESSES
 *
 * The writer's revisions change all of NAMES names at once, n-0.example.com and so on. So of two names that are read one
 * after the other, the second is never of an older revision, nor anywhere else at the same one, whatever is done to the file
 * meanwhile. It ends when the file STOP is there, with 0, and says how often it has read.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tenantroutes.h"

static int run(tr_routes *routes, int names, const char *stop) {
    /* Where the test has failed nobody says when it's over. */
    alarm(240);
    unsigned long reads = 0, revisions = 0;
    uint64_t last = 0;
    char location[TR_LOCATION_SIZE] = "";
    static char hosts[4096][32];
    for (int name = 0; name < names; name++) {
        snprintf(hosts[name], sizeof hosts[name], "N-%d.Example.com:443", name);
    }
    while (reads % 10000 != 0 || access(stop, F_OK) != 0) {
        tr_answer answer;
        const char *host = hosts[reads % names];
        int found = tr_find(routes, host, strlen(host), &answer);
        reads++;
        if (found != TR_FOUND) {
            fprintf(stderr, "%s: %d\n", host, found);
            return 1;
        }
        if (answer.revision < last) {
            fprintf(stderr, "%s is of %lu after %lu\n", host, (long)answer.revision, (long)last);
            return 1;
        }
        if (answer.revision == last && strcmp(answer.location, location) != 0) {
            fprintf(stderr, "%s is at %s, others at %s\n", host, answer.location, location);
            return 1;
        }
        const char *expected = answer.revision % 2 == 0 ? "aws" : "japan";
        if (strcmp(answer.location, expected) != 0 || strncmp(answer.upstream, "http://", 7) != 0) {
            fprintf(stderr, "%lu is at %s\n", (long)answer.revision, answer.location);
            return 1;
        }
        if (answer.revision != last) revisions++;
        last = answer.revision;
        strcpy(location, answer.location);
    }
    tr_state state;
    if (tr_status(routes, &state) != TR_OK || state.domains < (uint64_t)names) return 1;
    tr_close(routes);
    printf("%lu reads, %lu revisions\n", reads, revisions);
    return 0;
}

int main(int count, char **arguments) {
    if (count != 5) return 2;
    /* One opens the file before it forks, as a proxy's master process does. */
    tr_routes *routes;
    int opened = tr_open(arguments[1], &routes);
    if (opened != TR_OK) {
        fprintf(stderr, "open: %d\n", opened);
        return 1;
    }
    int processes = atoi(arguments[4]);
    for (int child = 1; child < processes; child++) {
        if (fork() == 0) return run(routes, atoi(arguments[2]), arguments[3]);
    }
    int result = run(routes, atoi(arguments[2]), arguments[3]);
    for (int child = 1; child < processes; child++) {
        int status;
        wait(&status);
        if (result == 0) result = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
    }
    return result;
}
