#pragma once
// SQLite 3.37 or later. The macros that Swift cannot import, one inline function each.
#include <sqlite3.h>

static inline sqlite3_destructor_type mesh_sqlite_transient(void) { return SQLITE_TRANSIENT; }
