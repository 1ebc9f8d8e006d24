// Counts what the program takes from the heap: the C library's own functions with a counter before them. For benchmarks alone.
#pragma once

// Blocks taken so far, by all threads.
unsigned long counted_allocations(void);
