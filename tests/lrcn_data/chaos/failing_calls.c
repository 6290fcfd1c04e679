/* Makes the n-th write, fsync or rename fail that concerns a file below a folder named "faulty".

   Preloaded. Which call, and how many of them are to come until it fails, stands in a file that
   all processes of a run share (LRCN_FAULT_FILE): kind, calls left, whether it has struck. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static long *shared;

__attribute__((constructor)) static void map_shared(void) {
    const char *name = getenv("LRCN_FAULT_FILE");
    int fd = name ? open(name, O_RDWR) : -1;
    if (fd < 0)
        return;
    void *memory = mmap(NULL, 3 * sizeof(long), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    shared = memory == MAP_FAILED ? NULL : memory;
    close(fd);
}

static int strikes(long kind) {
    if (!shared || shared[0] != kind || __sync_sub_and_fetch(&shared[1], 1) != 0)
        return 0;
    shared[2] = 1;
    return 1;
}

static int concerns(int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    return strstr(path, "/faulty/") != NULL;
}

ssize_t write(int fd, const void *data, size_t size) {
    static ssize_t (*next)(int, const void *, size_t);
    if (!next)
        next = dlsym(RTLD_NEXT, "write");
    if (shared && shared[0] == 1 && concerns(fd) && strikes(1)) {
        errno = ENOSPC;
        return -1;
    }
    return next(fd, data, size);
}

int fsync(int fd) {
    static int (*next)(int);
    if (!next)
        next = dlsym(RTLD_NEXT, "fsync");
    if (shared && shared[0] == 2 && concerns(fd) && strikes(2)) {
        errno = EIO;
        return -1;
    }
    return next(fd);
}

int rename(const char *from, const char *to) {
    static int (*next)(const char *, const char *);
    if (!next)
        next = dlsym(RTLD_NEXT, "rename");
    if (strstr(to, "/faulty/") && strikes(3)) {
        errno = EIO;
        return -1;
    }
    return next(from, to);
}
