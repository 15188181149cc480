/* Writes down what a program writes to its database and what it asks the disk to keep (LD_PRELOAD).

   POWER_LOG: where to; POWER_FILE: beginning of the paths that count. A record: nanoseconds of the monotonic
   clock, kind (w write, s sync, t truncate, u unlink), length of the path, offset, length of the data; path; data. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int out = -1;
struct record { uint64_t at; uint32_t kind, path; uint64_t offset, length; };

static int counts(int fd, char *path, size_t room) {
    char link[40];
    const char *wanted = getenv("POWER_FILE");
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = wanted ? readlink(link, path, room - 1) : -1;
    if (n < 0) return 0;
    path[n] = 0;
    return strncmp(path, wanted, strlen(wanted)) == 0 && strstr(path, "-shm") == NULL;
}

static void write_down(uint32_t kind, const char *path, const void *data, uint64_t length, uint64_t offset) {
    struct timespec now;
    pthread_mutex_lock(&lock);
    if (out < 0) out = open(getenv("POWER_LOG"), O_WRONLY | O_CREAT | O_APPEND, 0600);
    clock_gettime(CLOCK_MONOTONIC, &now);
    struct record head = {now.tv_sec * 1000000000ull + now.tv_nsec, kind, strlen(path), offset, length};
    struct iovec parts[3] = {{&head, sizeof head}, {(void *)path, head.path}, {(void *)data, data ? length : 0}};
    if (writev(out, parts, 3) < 0) abort();
    pthread_mutex_unlock(&lock);
}

static void note(uint32_t kind, int fd, const void *data, uint64_t length, uint64_t offset) {
    char path[4096];
    if (counts(fd, path, sizeof path)) write_down(kind, path, data, length, offset);
}

#define REAL(name) static __typeof__(name) *real; if (!real) real = dlsym(RTLD_NEXT, #name)

ssize_t pwrite64(int fd, const void *data, size_t length, off64_t offset) {
    REAL(pwrite64);
    ssize_t done = real(fd, data, length, offset);
    if (done > 0) note('w', fd, data, done, offset);
    return done;
}
ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) { return pwrite64(fd, data, length, offset); }
ssize_t write(int fd, const void *data, size_t length) {
    REAL(write);
    ssize_t done = real(fd, data, length);
    if (done > 0 && fd > 2 && fd != out) note('w', fd, data, done, lseek(fd, 0, SEEK_CUR) - done);
    return done;
}
int fsync(int fd) { REAL(fsync); int said = real(fd); if (!said) note('s', fd, NULL, 0, 0); return said; }
int fdatasync(int fd) { REAL(fdatasync); int said = real(fd); if (!said) note('s', fd, NULL, 0, 0); return said; }
int ftruncate64(int fd, off64_t length) {
    REAL(ftruncate64);
    int said = real(fd, length);
    if (!said) note('t', fd, NULL, 0, length);
    return said;
}
int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }
int unlink(const char *path) {
    REAL(unlink);
    const char *wanted = getenv("POWER_FILE");
    int said = real(path);
    if (!said && wanted && strncmp(path, wanted, strlen(wanted)) == 0) write_down('u', path, NULL, 0, 0);
    return said;
}
