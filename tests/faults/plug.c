/* A disk that can lose what was not synced: preloaded into a process, it keeps beside a folder what the folder would
 * hold after the plug was pulled.
 *
 *   PLUG_FOLDER   the folder that is watched (absolute, no symbolic links)
 *   PLUG_DURABLE  a folder on the same disk that the library fills:
 *                 contents/KEY  the synced content of each file; KEY is its inode number and time of birth
 *                 names/PATH    hard links into contents/: the synced names
 *   PLUG_BROKEN   while a file of this name exists, fsync and fdatasync below PLUG_FOLDER fail with EIO
 *   PLUG_COUNT    a file that grows by one byte for each sync seen, so that a test can tell that the library is at work
 *
 * The rules are the strictest that POSIX allows, so whoever survives them survives a real disk:
 * - A write changes nothing in PLUG_DURABLE. It only widens the file's dirty range.
 * - fsync or fdatasync of a file copies the dirty range as it is when the call begins, cuts or extends to the size of
 *   that moment, and makes the name by which the file was opened durable.
 * - fsync of a folder makes its names durable: new ones (a file never synced has size 0), renamed ones, removed ones.
 *   A rename or an unlink without it has not happened.
 * - A sync that fails forgets the dirty range: the next one succeeds without having written it, as on Linux.
 *
 * Writes and syncs of watched files take turns under one lock, so that nothing written after a sync began gets into it.
 * Two things are not seen: writes by stdio (libc does not call its own `write` through the table that a preloaded
 * library changes) and by mmap. Neither is used for anything durable: SQLite maps only its `-shm` file, which it builds
 * anew. What existed when the first process began counts as durable. Only one process may write at a time. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define FILES 4096
#define ALL INT64_MAX

struct dirty {
    char key[64];
    off_t from, to; /* from >= to: clean */
};

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static struct dirty files[FILES];
static int known;
static char folder[PATH_MAX], durable[PATH_MAX], broken[PATH_MAX], count[PATH_MAX];
static size_t folder_length;

static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_writev)(int, const struct iovec *, int);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_pwritev)(int, const struct iovec *, int, off_t);
static ssize_t (*real_pwritev2)(int, const struct iovec *, int, off_t, int);
static ssize_t (*real_sendfile)(int, int, off_t *, size_t);
static ssize_t (*real_copy_file_range)(int, off64_t *, int, off64_t *, size_t, unsigned);
static int (*real_ftruncate)(int, off_t);
static int (*real_fallocate)(int, off_t, off_t);
static int (*real_fsync)(int), (*real_fdatasync)(int);

static void give_up(const char *what) {
    dprintf(2, "plug: %s: %s\n", what, strerror(errno));
    _exit(97); /* a library that lost count must not let a test pass */
}

static void *next(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    if (!found) give_up(name);
    return found;
}

static char *path_of(const char *format, ...) {
    char *path;
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&path, format, arguments) < 0) give_up("memory");
    va_end(arguments);
    return path;
}

static void key_of(int fd, const char *path, char key[64]) {
    struct statx facts;
    if (statx(fd, path, *path ? AT_SYMLINK_NOFOLLOW : AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &facts)) give_up("statx");
    snprintf(key, 64, "%llu-%lld.%u", (unsigned long long)facts.stx_ino, (long long)facts.stx_btime.tv_sec,
             facts.stx_btime.tv_nsec);
}

/* Whether fd is a regular file or a folder in the watched folder; its path relative to that goes to `relative`. */
static int watched(int fd, mode_t kind, char relative[PATH_MAX]) {
    struct stat facts;
    char link[64], path[PATH_MAX];
    if (!folder_length || fstat(fd, &facts) || (facts.st_mode & S_IFMT) != kind) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < (ssize_t)folder_length) return 0;
    path[length] = 0;
    if (memcmp(path, folder, folder_length) || (path[folder_length] && path[folder_length] != '/')) return 0;
    strcpy(relative, path[folder_length] ? path + folder_length + 1 : "");
    return 1;
}

static void clean(struct dirty *file) {
    file->from = ALL;
    file->to = 0;
}

static struct dirty *dirty_of(const char *key) {
    for (int i = 0; i < known; i++)
        if (!strcmp(files[i].key, key)) return &files[i];
    if (known == FILES) give_up("too many files");
    struct dirty *new = &files[known++];
    strcpy(new->key, key);
    clean(new);
    return new;
}

static void widen(int fd, off_t from, off_t to) {
    char key[64];
    key_of(fd, "", key);
    struct dirty *dirty = dirty_of(key);
    if (from < dirty->from) dirty->from = from;
    if (to > dirty->to) dirty->to = to;
}

/* Make `key` have the content that fd has now, in the given range and in size. */
static void copy(int fd, const char *key, off_t from, off_t to) {
    static char buffer[1 << 16];
    struct stat facts;
    char *path = path_of("%s/contents/%s", durable, key), *own = path_of("/proc/self/fd/%d", fd);
    int in = open(own, O_RDONLY | O_CLOEXEC), out = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (in < 0 || out < 0 || fstat(fd, &facts)) give_up(path);
    if (to > facts.st_size) to = facts.st_size;
    while (from < to) {
        size_t wanted = to - from < (off_t)sizeof buffer ? (size_t)(to - from) : sizeof buffer;
        ssize_t got = pread(in, buffer, wanted, from);
        if (got <= 0 || real_pwrite(out, buffer, got, from) != got) give_up(path);
        from += got;
    }
    if (real_ftruncate(out, facts.st_size) || fchmod(out, facts.st_mode & 07777)) give_up(path);
    close(in);
    close(out);
    free(path);
    free(own);
}

static void make_parents(char *path) {
    for (char *slash = strchr(path + strlen(durable) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        mkdir(path, 0700);
        *slash = '/';
    }
}

/* Let the durable name `relative` mean the content `key`; a file that was never synced has none yet: it is empty. */
static void name(const char *relative, const char *key) {
    struct stat was, is;
    char *content = path_of("%s/contents/%s", durable, key), *path = path_of("%s/names/%s", durable, relative);
    int out = open(content, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (out < 0 || fstat(out, &is)) give_up(content);
    close(out);
    if (stat(path, &was) || was.st_ino != is.st_ino) {
        char *fresh = path_of("%s/fresh", durable);
        make_parents(path);
        unlink(fresh);
        if (link(content, fresh) || rename(fresh, path)) give_up(path);
        free(fresh);
    }
    free(content);
    free(path);
}

static void sync_names(const char *relative) {
    char *real = path_of("%s/%s", folder, relative), *kept = path_of("%s/names/%s", durable, relative);
    struct dirent *entry;
    DIR *entries = opendir(real);
    if (!entries) give_up(real);
    while ((entry = readdir(entries))) {
        char *inner = path_of("%s%s%s", relative, *relative ? "/" : "", entry->d_name), key[64];
        if (entry->d_type == DT_REG) {
            key_of(dirfd(entries), entry->d_name, key);
            name(inner, key);
        } else if (entry->d_type == DT_DIR && strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..")) {
            char *path = path_of("%s/names/%s/", durable, inner);
            make_parents(path);
            free(path);
        }
        free(inner);
    }
    closedir(entries);
    if ((entries = opendir(kept))) {
        while ((entry = readdir(entries))) {
            char *there = path_of("%s/%s", real, entry->d_name), *here = path_of("%s/%s", kept, entry->d_name);
            if (entry->d_type == DT_REG && access(there, F_OK)) unlink(here);
            free(there);
            free(here);
        }
        closedir(entries);
    }
    free(real);
    free(kept);
}

/* All that is below a folder when the first process begins. */
static void take_over(const char *relative) {
    char *real = path_of("%s/%s", folder, relative);
    struct dirent *entry;
    DIR *entries = opendir(real);
    while (entries && (entry = readdir(entries))) {
        char *inner = path_of("%s%s%s", relative, *relative ? "/" : "", entry->d_name), key[64];
        if (entry->d_type == DT_REG) {
            int fd = openat(dirfd(entries), entry->d_name, O_RDONLY | O_CLOEXEC);
            if (fd < 0) give_up(inner);
            key_of(fd, "", key);
            copy(fd, key, 0, ALL);
            name(inner, key);
            close(fd);
        } else if (entry->d_type == DT_DIR && strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..")) {
            take_over(inner);
        }
        free(inner);
    }
    if (entries) closedir(entries);
    free(real);
}

static void sync_content(int fd, const char *relative) {
    char key[64];
    key_of(fd, "", key);
    struct dirty *dirty = dirty_of(key);
    copy(fd, key, dirty->from, dirty->to);
    clean(dirty);
    size_t length = strlen(relative), gone = strlen(" (deleted)");
    if (length < gone || strcmp(relative + length - gone, " (deleted)")) name(relative, key);
}

static void counted(void) {
    int fd = *count ? open(count, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    if (fd < 0) return;
    if (real_write(fd, ".", 1) != 1) give_up(count);
    close(fd);
}

static int sync_with(int (*real)(int), int fd) {
    char relative[PATH_MAX];
    int file = watched(fd, S_IFREG, relative);
    if (!file && !watched(fd, S_IFDIR, relative)) return real(fd);
    pthread_mutex_lock(&turn);
    counted();
    int fails = *broken && !access(broken, F_OK);
    if (fails && file) {
        char key[64];
        key_of(fd, "", key);
        clean(dirty_of(key));
    } else if (!fails && file) {
        sync_content(fd, relative);
    } else if (!fails) {
        sync_names(relative);
    }
    pthread_mutex_unlock(&turn);
    if (fails) {
        errno = EIO;
        return -1;
    }
    return real(fd);
}

__attribute__((constructor)) static void begin(void) {
    real_write = next("write");
    real_writev = next("writev");
    real_pwrite = next("pwrite64");
    real_pwritev = next("pwritev64");
    real_pwritev2 = next("pwritev64v2");
    real_sendfile = next("sendfile64");
    real_copy_file_range = next("copy_file_range");
    real_ftruncate = next("ftruncate64");
    real_fallocate = next("posix_fallocate64");
    real_fsync = next("fsync");
    real_fdatasync = next("fdatasync");
    const char *watch = getenv("PLUG_FOLDER"), *keep = getenv("PLUG_DURABLE");
    if (!watch || !keep) return;
    if (getenv("PLUG_BROKEN")) strcpy(broken, getenv("PLUG_BROKEN"));
    if (getenv("PLUG_COUNT")) strcpy(count, getenv("PLUG_COUNT"));
    strcpy(folder, watch);
    strcpy(durable, keep);
    folder_length = strlen(folder);
    if (mkdir(durable, 0700)) return; /* another process took over before */
    char *contents = path_of("%s/contents", durable), *names = path_of("%s/names", durable);
    if (mkdir(contents, 0700) || mkdir(names, 0700)) give_up(durable);
    free(contents);
    free(names);
    take_over("");
}

/* Runs `call` in its turn and, if it wrote, widens the dirty range by [from, to) as it is afterwards. */
#define WRITING(fd, call, from, to)                                     \
    do {                                                                \
        char relative[PATH_MAX];                                        \
        if (!watched(fd, S_IFREG, relative)) return call;               \
        pthread_mutex_lock(&turn);                                      \
        off_t did = call;                                               \
        int error = errno;                                              \
        if (did >= 0) widen(fd, from, to);                              \
        pthread_mutex_unlock(&turn);                                    \
        errno = error;                                                  \
        return did;                                                     \
    } while (0)
#define HERE(fd) lseek(fd, 0, SEEK_CUR)

ssize_t write(int fd, const void *data, size_t size) {
    if (!real_write) begin();
    WRITING(fd, real_write(fd, data, size), HERE(fd) - did, HERE(fd));
}
ssize_t writev(int fd, const struct iovec *parts, int n) {
    WRITING(fd, real_writev(fd, parts, n), HERE(fd) - did, HERE(fd));
}
ssize_t pwrite64(int fd, const void *data, size_t size, off_t at) {
    WRITING(fd, real_pwrite(fd, data, size, at), at, at + did);
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) { return pwrite64(fd, data, size, at); }
ssize_t pwritev64(int fd, const struct iovec *parts, int n, off_t at) {
    WRITING(fd, real_pwritev(fd, parts, n, at), at, at + did);
}
ssize_t pwritev(int fd, const struct iovec *parts, int n, off_t at) { return pwritev64(fd, parts, n, at); }
ssize_t pwritev64v2(int fd, const struct iovec *parts, int n, off_t at, int flags) {
    if (at == -1) WRITING(fd, real_pwritev2(fd, parts, n, at, flags), HERE(fd) - did, HERE(fd));
    WRITING(fd, real_pwritev2(fd, parts, n, at, flags), at, at + did);
}
ssize_t pwritev2(int fd, const struct iovec *parts, int n, off_t at, int flags) {
    return pwritev64v2(fd, parts, n, at, flags);
}
ssize_t sendfile64(int fd, int in, off_t *at, size_t size) { WRITING(fd, real_sendfile(fd, in, at, size), 0, ALL); }
ssize_t sendfile(int fd, int in, off_t *at, size_t size) { return sendfile64(fd, in, at, size); }
ssize_t copy_file_range(int in, off64_t *from, int fd, off64_t *to, size_t size, unsigned flags) {
    WRITING(fd, real_copy_file_range(in, from, fd, to, size, flags), 0, ALL);
}
int ftruncate64(int fd, off_t size) { WRITING(fd, real_ftruncate(fd, size), size, ALL); }
int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }
int posix_fallocate64(int fd, off_t from, off_t size) { WRITING(fd, real_fallocate(fd, from, size), 0, ALL); }
int posix_fallocate(int fd, off_t from, off_t size) { return posix_fallocate64(fd, from, size); }
int fsync(int fd) { return sync_with(real_fsync, fd); }
int fdatasync(int fd) { return sync_with(real_fdatasync, fd); }
