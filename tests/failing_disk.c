/* Lets the n-th write below a directory fail, and those after it: loaded before the C library. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_long writes, first_failing, last_failing;
static atomic_int failure;

/* Count from 0 again, and let the writes numbered `first` to `last` (from 1) fail with an `errno`. */
void fail_writes(long first, long last, int with) {
    first_failing = first, last_failing = last, failure = with, writes = 0;
}

long writes_so_far(void) { return writes; }

/* Whether this call is to fail. */
static int fails(int descriptor) {
    char link[64], path[PATH_MAX];
    const char *directory = getenv("FAILING_DIRECTORY");
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (directory == NULL || length < 0) return 0;
    path[length] = 0;
    if (strncmp(path, directory, strlen(directory)) != 0) return 0;
    long number = ++writes;
    if (number < first_failing || number > last_failing) return 0;
    errno = failure;
    return 1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int descriptor, const void *bytes, size_t count) {
    static ssize_t (*real)(int, const void *, size_t);
    if (real == NULL) real = REAL(write);
    return fails(descriptor) ? -1 : real(descriptor, bytes, count);
}

ssize_t writev(int descriptor, const struct iovec *parts, int count) {
    return fails(descriptor) ? -1 : REAL(writev)(descriptor, parts, count);
}

ssize_t pwrite(int descriptor, const void *bytes, size_t count, off_t place) {
    return fails(descriptor) ? -1 : REAL(pwrite)(descriptor, bytes, count, place);
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t count, off64_t place) {
    return fails(descriptor) ? -1 : REAL(pwrite64)(descriptor, bytes, count, place);
}

int fsync(int descriptor) { return fails(descriptor) ? -1 : REAL(fsync)(descriptor); }

int fdatasync(int descriptor) { return fails(descriptor) ? -1 : REAL(fdatasync)(descriptor); }
