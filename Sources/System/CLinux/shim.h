#pragma once
// What Linux has and Swift's Glibc module does not. No _GNU_SOURCE here: it changes fd_set and clashes with other modules.
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern void *memmem(const void *, size_t, const void *, size_t);
extern int accept4(int, struct sockaddr *, socklen_t *, int);
extern int pipe2(int *, int);
extern int sched_getaffinity(int, size_t, void *);
static inline int mesh_pipe(int *ends) { return pipe2(ends, O_CLOEXEC); }
static inline int mesh_accept4(int fd) { return accept4(fd, 0, 0, SOCK_NONBLOCK | SOCK_CLOEXEC); }
static inline int mesh_epoll_add(int ep, int fd, uint32_t events, uint64_t data) { struct epoll_event e = {.events = events, .data = {.u64 = data}}; return epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e); }
static inline int mesh_epoll_delete(int ep, int fd) { return epoll_ctl(ep, EPOLL_CTL_DEL, fd, 0); }
static inline int mesh_setsockopt(int fd, int level, int option, int value) { return setsockopt(fd, level, option, &value, sizeof value); }
static inline int mesh_socket_error(int fd) { int e = 0; socklen_t n = sizeof e; return getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &n) < 0 ? errno : e; }
static inline uint64_t mesh_monotonic_ns(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec; }
static inline uint64_t mesh_realtime_ns(void) { struct timespec t; clock_gettime(CLOCK_REALTIME, &t); return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec; }
// 1 where something keeps the system's clock right, 0 where nothing does, -1 where the kernel does not tell; its own estimate of the error, in us.
static inline int mesh_clock_is_synchronised(long *error) { struct timex t; memset(&t, 0, sizeof t); int state = adjtimex(&t); if (error) *error = t.maxerror; return state < 0 ? -1 : state != TIME_ERROR; }
static inline uint64_t mesh_free_bytes(const char *path) { struct statvfs v; return statvfs(path, &v) == 0 ? (uint64_t)v.f_bavail * v.f_frsize : 0; }
static inline uint64_t mesh_descriptor_limit(void) { struct rlimit r; return getrlimit(RLIMIT_NOFILE, &r) == 0 ? (uint64_t)r.rlim_cur : 0; }
static inline int mesh_errno(void) { return errno; }
static inline int mesh_die_with_parent(void) { return prctl(PR_SET_PDEATHSIG, SIGKILL); }
static inline int mesh_wait_status_signal(int s) { return WIFSIGNALED(s) ? WTERMSIG(s) : 0; }
static inline int mesh_wait_status_exit(int s) { return WIFEXITED(s) ? WEXITSTATUS(s) : -1; }

// Anonymous-enum constants arrive in Swift as Int and enum-valued macros not at all: restated, and checked.
#define MESH_EPOLLIN 0x001u
#define MESH_EPOLLOUT 0x004u
#define MESH_EPOLLERR 0x008u
#define MESH_EPOLLHUP 0x010u
#define MESH_EPOLLRDHUP 0x2000u
#define MESH_EPOLLET 0x80000000u
_Static_assert(MESH_EPOLLIN == EPOLLIN && MESH_EPOLLOUT == EPOLLOUT && MESH_EPOLLERR == EPOLLERR && MESH_EPOLLHUP == EPOLLHUP && MESH_EPOLLRDHUP == EPOLLRDHUP && MESH_EPOLLET == (unsigned)EPOLLET, "epoll constants");
// The cores that this process may use: taskset and containers narrow them. 8192 are counted at most.
static inline int mesh_usable_cores(void) { unsigned long set[128] = {0}; if (sched_getaffinity(0, sizeof set, set) < 0) return 1; int n = 0; for (size_t i = 0; i < 128; i++) n += __builtin_popcountl(set[i]); return n > 0 ? n : 1; }
