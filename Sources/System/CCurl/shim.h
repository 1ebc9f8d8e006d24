#pragma once
// libcurl 7.76 or later. The variadic setters, one inline function an argument type.
#include <curl/curl.h>

static inline CURLcode mesh_easy_long(CURL *h, CURLoption o, long v) { return curl_easy_setopt(h, o, v); }
static inline CURLcode mesh_easy_string(CURL *h, CURLoption o, const char *v) { return curl_easy_setopt(h, o, v); }
static inline CURLcode mesh_easy_pointer(CURL *h, CURLoption o, void *v) { return curl_easy_setopt(h, o, v); }
static inline CURLcode mesh_easy_callback(CURL *h, CURLoption o, size_t (*f)(char *, size_t, size_t, void *)) { return curl_easy_setopt(h, o, f); }
static inline CURLcode mesh_easy_info_long(CURL *h, CURLINFO i, long *v) { return curl_easy_getinfo(h, i, v); }
