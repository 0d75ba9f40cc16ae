/*
 * A disk that fails, and is slow, on command: preloaded into the server (LD_PRELOAD), it stands before what Node (through
 * libuv) and SQLite ask of libc, and may answer in the disk's place. `test/helpers/disk-faults.ts` is the other end.
 *
 * HOMEPORT_DISK_FAULTS names a file of 64 KiB that both ends share: the test writes it, and this maps it. What is written
 * there counts from the next call on, without a word to the server. Integers are 32 bits, little endian:
 *
 *     0      how many rules there are: written last
 *     4      1: each call below the folder goes to the log, <file>.log
 *     64     the folder, 0-terminated: calls elsewhere are never touched
 *     1024   the first rule; each has 512 bytes:
 *     +0       which calls: a bit each, in the order of NAMES
 *     +4       errno to fail with; 0: do not fail
 *     +8       milliseconds to wait first
 *     +12      how many calls to let pass
 *     +16      how many to act upon after that; -1: all
 *     +20      how many came so far: counted here
 *     +64      what the path must contain; empty: anything
 *
 * A call is acted upon by the first rule that wants it. One that fails does nothing. Of `rename` and `link` the path is the
 * new name. A `write` that fails writes nothing; `create` is an `open` that may make the file.
 *
 * A line of the log: name, inode, offset, bytes, errno or 0, path; of `rename` the inode and the path are of the new name.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum call { FSYNC, FDATASYNC, RENAME, WRITE, CREATE, UNLINK, TRUNCATE, LINK, MKDIR, READ, OPEN };
static const char *const NAMES[] = {"fsync", "fdatasync", "rename", "write", "create", "unlink",
                                    "truncate", "link", "mkdir", "read", "open"};

#define SIZE 65536
#define RULES 1024
#define RULE_SIZE 512
#define MAX_RULES ((SIZE - RULES) / RULE_SIZE)

struct rule {
  uint32_t calls, error, delay_ms, skip, times;
  _Atomic uint32_t seen;
  char unused[40];
  char contains[RULE_SIZE - 64];
};

static unsigned char *shared;
static int log_fd = -1;

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("HOMEPORT_DISK_FAULTS");
  if (path == NULL) return;
  int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  void *at = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  syscall(SYS_close, fd);
  if (at == MAP_FAILED) return;
  char log[4096];
  snprintf(log, sizeof log, "%s.log", path);
  log_fd = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  shared = at;
}

static uint32_t number(int at) { return shared == NULL ? 0 : atomic_load((_Atomic uint32_t *)(shared + at)); }
static struct rule *rule(uint32_t index) { return (struct rule *)(shared + RULES + index * RULE_SIZE); }

/* Whether anybody could want this call: a path costs a system call to find. */
static int wanted(enum call call) {
  if (shared == NULL) return 0;
  if (number(4) != 0) return 1;
  uint32_t count = number(0);
  for (uint32_t i = 0; i < count && i < MAX_RULES; i++)
    if (rule(i)->calls & (1u << call)) return 1;
  return 0;
}

static int below(const char *path) {
  const char *folder = (const char *)shared + 64;
  size_t length = strlen(folder);
  return length > 0 && strncmp(path, folder, length) == 0 && (path[length] == '/' || path[length] == 0);
}

static int path_of(int fd, char *path) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, path, 4095);
  if (length <= 0 || path[0] != '/') return 0;
  path[length] = 0;
  return 1;
}

/* Of a name that may not be there yet. */
static int named(int at, const char *name, char *path) {
  if (name == NULL) return 0;
  if (name[0] == '/') {
    snprintf(path, 4096, "%s", name);
    return 1;
  }
  char folder[4096];
  if (at == AT_FDCWD ? syscall(SYS_getcwd, folder, sizeof folder) <= 0 : !path_of(at, folder)) return 0;
  snprintf(path, 4096, "%.2000s/%.2000s", folder, name);
  return 1;
}

/* What the call fails with, or 0. Waits where a rule says so. */
static int fault(enum call call, const char *path) {
  uint32_t count = number(0);
  for (uint32_t i = 0; i < count && i < MAX_RULES; i++) {
    struct rule *r = rule(i);
    if (!(r->calls & (1u << call)) || strstr(path, r->contains) == NULL) continue;
    uint32_t turn = atomic_fetch_add(&r->seen, 1);
    if (turn < r->skip || (r->times != UINT32_MAX && turn - r->skip >= r->times)) continue;
    if (r->delay_ms > 0) {
      struct timespec wait = {r->delay_ms / 1000, (long)(r->delay_ms % 1000) * 1000000};
      while (nanosleep(&wait, &wait) != 0 && errno == EINTR) {}
    }
    return (int)r->error;
  }
  return 0;
}

static void note(enum call call, uint64_t inode, long long offset, long long bytes, int error, const char *path) {
  if (log_fd < 0 || number(4) == 0) return;
  char line[4608];
  int length = snprintf(line, sizeof line, "%s %llu %lld %lld %d %s\n", NAMES[call], (unsigned long long)inode, offset,
                        bytes, error, path);
  if (length > 0) syscall(SYS_write, log_fd, line, (size_t)length);
}

static uint64_t inode_of(int fd) {
  struct stat stat;
  return fstat(fd, &stat) == 0 ? stat.st_ino : 0;
}

#define REAL(type, name, ...)                                  \
  static type (*real)(__VA_ARGS__);                            \
  if (real == NULL) real = (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

/* Of a call on a descriptor: `attempt` is the real one. */
#define ON_FILE(call, fd, offset, type, attempt)                             \
  char path[4096];                                                           \
  if (!wanted(call) || !path_of(fd, path) || !below(path)) return attempt;   \
  long long at = (offset);                                                   \
  int failing = fault(call, path);                                           \
  if (failing == 0) {                                                        \
    type result = attempt;                                                   \
    int said = errno;                                                        \
    note(call, inode_of(fd), at, (long long)result, result < 0 ? said : 0, path); \
    errno = said;                                                            \
    return result;                                                           \
  }                                                                          \
  note(call, inode_of(fd), at, 0, failing, path);                            \
  errno = failing;                                                           \
  return -1

/* Of a call on a name. */
#define ON_NAME(call, folder, name, attempt)                                 \
  char path[4096];                                                           \
  if (!wanted(call) || !named(folder, name, path) || !below(path)) return attempt; \
  int failing = fault(call, path);                                           \
  int result = failing == 0 ? attempt : -1;                                  \
  int said = failing == 0 ? errno : failing;                                 \
  struct stat stat = {0};                                                    \
  if (call == CREATE || call == OPEN) {                                      \
    if (result >= 0) fstat(result, &stat);                                   \
  } else if (result == 0) {                                                  \
    if (lstat(path, &stat) != 0) stat.st_ino = 0;                            \
  }                                                                          \
  note(call, stat.st_ino, 0, 0, result < 0 ? said : 0, path);                \
  errno = said;                                                              \
  return result

int fsync(int fd) {
  REAL(int, "fsync", int);
  ON_FILE(FSYNC, fd, 0, int, real(fd));
}

int fdatasync(int fd) {
  REAL(int, "fdatasync", int);
  ON_FILE(FDATASYNC, fd, 0, int, real(fd));
}

ssize_t write(int fd, const void *bytes, size_t size) {
  REAL(ssize_t, "write", int, const void *, size_t);
  ON_FILE(WRITE, fd, lseek(fd, 0, SEEK_CUR), ssize_t, real(fd, bytes, size));
}
ssize_t writev(int fd, const struct iovec *parts, int count) {
  REAL(ssize_t, "writev", int, const struct iovec *, int);
  ON_FILE(WRITE, fd, lseek(fd, 0, SEEK_CUR), ssize_t, real(fd, parts, count));
}
ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset) {
  REAL(ssize_t, "pwrite", int, const void *, size_t, off_t);
  ON_FILE(WRITE, fd, offset, ssize_t, real(fd, bytes, size, offset));
}
ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t offset) {
  REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t);
  ON_FILE(WRITE, fd, offset, ssize_t, real(fd, bytes, size, offset));
}
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) {
  REAL(ssize_t, "pwritev", int, const struct iovec *, int, off_t);
  ON_FILE(WRITE, fd, offset, ssize_t, real(fd, parts, count, offset));
}
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset) {
  REAL(ssize_t, "pwritev64", int, const struct iovec *, int, off64_t);
  ON_FILE(WRITE, fd, offset, ssize_t, real(fd, parts, count, offset));
}

ssize_t read(int fd, void *bytes, size_t size) {
  REAL(ssize_t, "read", int, void *, size_t);
  ON_FILE(READ, fd, lseek(fd, 0, SEEK_CUR), ssize_t, real(fd, bytes, size));
}
ssize_t pread(int fd, void *bytes, size_t size, off_t offset) {
  REAL(ssize_t, "pread", int, void *, size_t, off_t);
  ON_FILE(READ, fd, offset, ssize_t, real(fd, bytes, size, offset));
}
ssize_t pread64(int fd, void *bytes, size_t size, off64_t offset) {
  REAL(ssize_t, "pread64", int, void *, size_t, off64_t);
  ON_FILE(READ, fd, offset, ssize_t, real(fd, bytes, size, offset));
}
ssize_t preadv(int fd, const struct iovec *parts, int count, off_t offset) {
  REAL(ssize_t, "preadv", int, const struct iovec *, int, off_t);
  ON_FILE(READ, fd, offset, ssize_t, real(fd, parts, count, offset));
}
ssize_t preadv64(int fd, const struct iovec *parts, int count, off64_t offset) {
  REAL(ssize_t, "preadv64", int, const struct iovec *, int, off64_t);
  ON_FILE(READ, fd, offset, ssize_t, real(fd, parts, count, offset));
}

int ftruncate(int fd, off_t size) {
  REAL(int, "ftruncate", int, off_t);
  ON_FILE(TRUNCATE, fd, size, int, real(fd, size));
}
int ftruncate64(int fd, off64_t size) {
  REAL(int, "ftruncate64", int, off64_t);
  ON_FILE(TRUNCATE, fd, size, int, real(fd, size));
}

static int open_with(int (*real)(int, const char *, int, ...), int folder, const char *name, int flags, mode_t mode) {
  enum call call = (flags & O_CREAT) ? CREATE : OPEN;
  ON_NAME(call, folder, name, real(folder, name, flags, mode));
}

#define MODE                                       \
  mode_t mode = 0;                                 \
  if (flags & (O_CREAT | __O_TMPFILE)) {           \
    va_list rest;                                  \
    va_start(rest, flags);                         \
    mode = va_arg(rest, mode_t);                   \
    va_end(rest);                                  \
  }

#define REAL_OPENAT(name)                                      \
  static int (*real)(int, const char *, int, ...);             \
  if (real == NULL) real = (int (*)(int, const char *, int, ...))dlsym(RTLD_NEXT, name)

int open(const char *name, int flags, ...) {
  REAL_OPENAT("openat");
  MODE return open_with(real, AT_FDCWD, name, flags, mode);
}
int open64(const char *name, int flags, ...) {
  REAL_OPENAT("openat64");
  MODE return open_with(real, AT_FDCWD, name, flags, mode);
}
int openat(int folder, const char *name, int flags, ...) {
  REAL_OPENAT("openat");
  MODE return open_with(real, folder, name, flags, mode);
}
int openat64(int folder, const char *name, int flags, ...) {
  REAL_OPENAT("openat64");
  MODE return open_with(real, folder, name, flags, mode);
}

int rename(const char *from, const char *to) {
  REAL(int, "rename", const char *, const char *);
  ON_NAME(RENAME, AT_FDCWD, to, real(from, to));
}
int renameat(int from_folder, const char *from, int to_folder, const char *to) {
  REAL(int, "renameat", int, const char *, int, const char *);
  ON_NAME(RENAME, to_folder, to, real(from_folder, from, to_folder, to));
}
int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags) {
  REAL(int, "renameat2", int, const char *, int, const char *, unsigned);
  ON_NAME(RENAME, to_folder, to, real(from_folder, from, to_folder, to, flags));
}
int link(const char *from, const char *to) {
  REAL(int, "link", const char *, const char *);
  ON_NAME(LINK, AT_FDCWD, to, real(from, to));
}
int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags) {
  REAL(int, "linkat", int, const char *, int, const char *, int);
  ON_NAME(LINK, to_folder, to, real(from_folder, from, to_folder, to, flags));
}
int unlink(const char *name) {
  REAL(int, "unlink", const char *);
  ON_NAME(UNLINK, AT_FDCWD, name, real(name));
}
int unlinkat(int folder, const char *name, int flags) {
  REAL(int, "unlinkat", int, const char *, int);
  ON_NAME(UNLINK, folder, name, real(folder, name, flags));
}
int mkdir(const char *name, mode_t mode) {
  REAL(int, "mkdir", const char *, mode_t);
  ON_NAME(MKDIR, AT_FDCWD, name, real(name, mode));
}
int mkdirat(int folder, const char *name, mode_t mode) {
  REAL(int, "mkdirat", int, const char *, mode_t);
  ON_NAME(MKDIR, folder, name, real(folder, name, mode));
}
