#pragma once
// libcurl 7.76 or later. The variadic setters, one inline function an argument type.
#include <curl/curl.h>
#include <fcntl.h>

static inline CURLcode mesh_easy_long(CURL *h, CURLoption o, long v) { return curl_easy_setopt(h, o, v); }
static inline CURLcode mesh_easy_offset(CURL *h, CURLoption o, curl_off_t v) { return curl_easy_setopt(h, o, v); }
static inline CURLcode mesh_easy_string(CURL *h, CURLoption o, const char *v) { return curl_easy_setopt(h, o, v); }
static inline CURLcode mesh_easy_pointer(CURL *h, CURLoption o, void *v) { return curl_easy_setopt(h, o, v); }
static inline CURLcode mesh_easy_list(CURL *h, CURLoption o, struct curl_slist *v) { return curl_easy_setopt(h, o, v); }
static inline CURLcode mesh_easy_callback(CURL *h, CURLoption o, size_t (*f)(char *, size_t, size_t, void *)) { return curl_easy_setopt(h, o, f); }
static inline CURLcode mesh_easy_info_long(CURL *h, CURLINFO i, long *v) { return curl_easy_getinfo(h, i, v); }
static inline CURLcode mesh_easy_info_offset(CURL *h, CURLINFO i, curl_off_t *v) { return curl_easy_getinfo(h, i, v); }
static inline CURLMcode mesh_multi_long(CURLM *h, CURLMoption o, long v) { return curl_multi_setopt(h, o, v); }
static inline CURLcode mesh_message_result(const CURLMsg *m) { return m->data.result; }

// Only http and https, also behind a redirect. The names of the options changed in 7.85.
static inline CURLcode mesh_easy_only_http(CURL *h) {
#if LIBCURL_VERSION_NUM >= 0x075500
    CURLcode a = curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https");
    CURLcode b = curl_easy_setopt(h, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
#else
    CURLcode a = curl_easy_setopt(h, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
    CURLcode b = curl_easy_setopt(h, CURLOPT_REDIR_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
    return a ? a : b;
}

// A call that is given up does not wait for the thread that resolves its name (since 7.87; before it waits).
static inline void mesh_easy_quick_exit(CURL *h) {
#if LIBCURL_VERSION_NUM >= 0x075700
    curl_easy_setopt(h, CURLOPT_QUICK_EXIT, 1L);
#else
    (void)h;
#endif
}

// Sockets do not pass into programs that this one starts.
static inline int mesh_curl_close_on_exec(void *p, curl_socket_t s, curlsocktype t) {
    (void)p;
    (void)t;
    return fcntl(s, F_SETFD, FD_CLOEXEC) < 0 ? CURL_SOCKOPT_ERROR : CURL_SOCKOPT_OK;
}
static inline CURLcode mesh_easy_close_on_exec(CURL *h) { return curl_easy_setopt(h, CURLOPT_SOCKOPTFUNCTION, mesh_curl_close_on_exec); }
