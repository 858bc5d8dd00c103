// Sends GET requests at a steady pace over keep-alive connections, and says how late the answers came.
//
//     paced PORT CONNECTIONS RATE SECONDS NAMES PATH [FIELD…]
//
// PATH holds one %d-like conversion for a number below NAMES, as /v1/domains/tenant%06ld.kintone.com; each
// FIELD is a whole header field. A request is due at its time whatever became of those before it: where no
// connection is free it waits here, and its latency counts from when it was due (no coordinated omission).
// It spins instead of sleeping, so it takes one core, and what it measures isn't the timer.
// One JSON object on stdout; latencies in microseconds.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct connection {
    int socket;
    double due;
    char answer[16384];
    size_t length;
};

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static int compare(const void *one, const void *other) {
    float a = *(const float *)one, b = *(const float *)other;
    return (a > b) - (a < b);
}

static unsigned long long seed = 88172645463325252ULL;

static unsigned long long next_random(void) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

// Whether the answer is whole: its head, and as many bytes as it announces.
static int is_whole(struct connection *connection) {
    connection->answer[connection->length] = 0;
    char *end = strstr(connection->answer, "\r\n\r\n");
    if (!end) return 0;
    char *field = strcasestr(connection->answer, "\r\nContent-Length:");
    size_t length = field && field < end ? strtoul(field + 17, NULL, 10) : 0;
    return connection->length >= (size_t)(end + 4 - connection->answer) + length;
}

static int connect_to(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int one = 1, each = socket(AF_INET, SOCK_STREAM, 0);
    if (each < 0 || connect(each, (struct sockaddr *)&address, sizeof address)) fail("connect");
    setsockopt(each, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(each, F_SETFL, O_NONBLOCK);
    return each;
}

int main(int count, char **words) {
    if (count < 7) {
        fprintf(stderr, "usage: paced PORT CONNECTIONS RATE SECONDS NAMES PATH [FIELD...]\n");
        return 2;
    }
    int port = atoi(words[1]), connections = atoi(words[2]);
    double rate = atof(words[3]), seconds = atof(words[4]);
    long names = atol(words[5]);
    char fields[4096] = "";
    for (int each = 7; each < count; each++) {
        strncat(fields, words[each], sizeof fields - strlen(fields) - 3);
        strcat(fields, "\r\n");
    }

    struct connection *all = calloc(connections, sizeof *all);
    int *idle = calloc(connections, sizeof *idle), idle_count = 0;
    int poll = epoll_create1(0);
    for (int each = 0; each < connections; each++) {
        all[each].socket = connect_to(port);
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = each};
        epoll_ctl(poll, EPOLL_CTL_ADD, all[each].socket, &event);
        idle[idle_count++] = each;
    }

    long wanted = (long)(rate * seconds), sent = 0, answered = 0, bad = 0;
    float *late = calloc(wanted + 1, sizeof *late);
    double begin = now() + 0.01, deadline = begin + seconds + 30;
    struct epoll_event events[256];
    while (answered < wanted) {
        double time = now();
        if (time > deadline) break;
        while (sent < wanted && idle_count > 0 && begin + sent / rate <= time) {
            struct connection *connection = &all[idle[--idle_count]];
            char path[1024], request[8192];
            // The path is the benchmark's own, never a stranger's.
            snprintf(path, sizeof path, words[6], (long)(next_random() % names));
            int length = snprintf(
                request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", path, fields);
            connection->due = begin + sent / rate;
            connection->length = 0;
            if (write(connection->socket, request, length) != length) fail("write");
            sent++;
        }
        int ready = epoll_wait(poll, events, 256, 0);
        for (int each = 0; each < ready; each++) {
            int number = events[each].data.u32;
            struct connection *connection = &all[number];
            ssize_t got = read(
                connection->socket, connection->answer + connection->length,
                sizeof connection->answer - 1 - connection->length);
            if (got <= 0) {
                if (got < 0 && errno == EAGAIN) continue;
                fail("the connection ended");
            }
            connection->length += got;
            if (!is_whole(connection)) continue;
            if (strncmp(connection->answer, "HTTP/1.1 2", 10)) bad++;
            late[answered++] = (now() - connection->due) * 1e6;
            idle[idle_count++] = number;
        }
    }
    double elapsed = now() - begin;
    if (answered == 0) return 1;
    qsort(late, answered, sizeof *late, compare);
    printf(
        "{\"rate\": %.0f, \"sent\": %ld, \"answered\": %ld, \"bad\": %ld, \"seconds\": %.2f, "
        "\"p50\": %.1f, \"p99\": %.1f, \"p99.9\": %.1f, \"max\": %.1f}\n",
        rate, sent, answered, bad, elapsed, late[answered / 2], late[answered * 99 / 100],
        late[answered * 999 / 1000], late[answered - 1]);
    return answered == wanted && bad == 0 ? 0 : 1;
}
