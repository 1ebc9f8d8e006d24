// Defined in the program itself, these stand before the C library's, for the Swift runtime too (glibc manual, "Replacing malloc").
#include "CAllocations.h"

#include <stdatomic.h>
#include <stddef.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);

static atomic_ulong taken;

unsigned long counted_allocations(void) { return atomic_load_explicit(&taken, memory_order_relaxed); }

void *malloc(size_t size) {
    atomic_fetch_add_explicit(&taken, 1, memory_order_relaxed);
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    atomic_fetch_add_explicit(&taken, 1, memory_order_relaxed);
    return __libc_calloc(count, size);
}

void *realloc(void *block, size_t size) {
    atomic_fetch_add_explicit(&taken, 1, memory_order_relaxed);
    return __libc_realloc(block, size);
}
