#pragma once
// OpenSSL 3.0 or later. Swift cannot import function-like macros or variadics: one thin inline function each.
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/store.h>
#include <openssl/ui.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

static inline int mesh_SSL_CTX_set_min_proto_version(SSL_CTX *c, int v) { return (int)SSL_CTX_set_min_proto_version(c, v); }
static inline int mesh_SSL_CTX_set_max_proto_version(SSL_CTX *c, int v) { return (int)SSL_CTX_set_max_proto_version(c, v); }
static inline long mesh_SSL_CTX_set_mode(SSL_CTX *c, long mode) { return SSL_CTX_set_mode(c, mode); }
static inline long mesh_SSL_CTX_set_session_cache_mode(SSL_CTX *c, long mode) { return SSL_CTX_set_session_cache_mode(c, mode); }
static inline void mesh_SSL_CTX_set_read_ahead(SSL_CTX *c, int yes) { SSL_CTX_set_read_ahead(c, yes); }
static inline int mesh_SSL_set_tlsext_host_name(SSL *s, const char *name) { return (int)SSL_set_tlsext_host_name(s, name); }
static inline long mesh_BIO_get_mem_data(BIO *b, char **p) { return BIO_get_mem_data(b, p); }
static inline EVP_PKEY *mesh_EVP_EC_gen(const char *curve) { return EVP_EC_gen(curve); }
static inline int mesh_ERR_lib(unsigned long e) { return ERR_GET_LIB(e); }
static inline int mesh_ERR_reason(unsigned long e) { return ERR_GET_REASON(e); }
static inline void mesh_GENERAL_NAMES_free(GENERAL_NAMES *names) { GENERAL_NAMES_free(names); }
static inline int mesh_GENERAL_NAME_count(const GENERAL_NAMES *names) { return sk_GENERAL_NAME_num(names); }
static inline const GENERAL_NAME *mesh_GENERAL_NAME_at(const GENERAL_NAMES *names, int i) { return sk_GENERAL_NAME_value(names, i); }
static inline int mesh_GENERAL_NAME_type(const GENERAL_NAME *name) { return name->type; }
static inline const ASN1_STRING *mesh_GENERAL_NAME_uri(const GENERAL_NAME *name) { return name->type == GEN_URI ? name->d.uniformResourceIdentifier : 0; }
static inline const ASN1_STRING *mesh_GENERAL_NAME_dns(const GENERAL_NAME *name) { return name->type == GEN_DNS ? name->d.dNSName : 0; }
static inline const ASN1_STRING *mesh_GENERAL_NAME_address(const GENERAL_NAME *name) { return name->type == GEN_IPADD ? name->d.iPAddress : 0; }
static inline int mesh_X509_count(const STACK_OF(X509) *chain) { return sk_X509_num(chain); }
static inline X509 *mesh_X509_at(const STACK_OF(X509) *chain, int i) { return sk_X509_value(chain, i); }
static inline void mesh_OPENSSL_free(void *p) { OPENSSL_free(p); }

// Trust
static inline GENERAL_NAMES *mesh_GENERAL_NAMES_new(void) { return sk_GENERAL_NAME_new_null(); }
static inline int mesh_GENERAL_NAMES_push(GENERAL_NAMES *names, GENERAL_NAME *name) { return sk_GENERAL_NAME_push(names, name); }
static inline STACK_OF(X509) *mesh_X509_stack_new(void) { return sk_X509_new_null(); }
static inline int mesh_X509_push(STACK_OF(X509) *stack, X509 *certificate) { return sk_X509_push(stack, certificate); }
// Frees the stack, not the certificates in it.
static inline void mesh_X509_stack_free(STACK_OF(X509) *stack) { sk_X509_free(stack); }
static inline EVP_PKEY *mesh_EVP_RSA_gen(unsigned int bits) { return EVP_RSA_gen(bits); }
static inline int mesh_X509_NAME_print(BIO *out, const X509_NAME *name) { return X509_NAME_print_ex(out, name, 0, XN_FLAG_RFC2253); }

// FIPS
// A text that a provider tells of itself, such as its version; nil where it does not.
static inline const char *mesh_provider_text(const OSSL_PROVIDER *provider, const char *key) {
    char *text = 0;
    OSSL_PARAM asked[2] = {OSSL_PARAM_construct_utf8_ptr(key, &text, 0), OSSL_PARAM_construct_end()};
    return OSSL_PROVIDER_get_params(provider, asked) == 1 ? text : 0;
}
static inline int mesh_SSL_CTX_set1_groups_list(SSL_CTX *c, const char *list) { return (int)SSL_CTX_set1_groups_list(c, list); }
static inline int mesh_SSL_CTX_set1_sigalgs_list(SSL_CTX *c, const char *list) { return (int)SSL_CTX_set1_sigalgs_list(c, list); }
// Requests for certificates, and keys under a passphrase
static inline STACK_OF(X509_EXTENSION) *mesh_X509_EXTENSIONS_new(void) { return sk_X509_EXTENSION_new_null(); }
static inline int mesh_X509_EXTENSIONS_push(STACK_OF(X509_EXTENSION) *all, X509_EXTENSION *one) { return sk_X509_EXTENSION_push(all, one); }
static inline int mesh_X509_EXTENSIONS_count(const STACK_OF(X509_EXTENSION) *all) { return sk_X509_EXTENSION_num(all); }
static inline X509_EXTENSION *mesh_X509_EXTENSIONS_at(const STACK_OF(X509_EXTENSION) *all, int i) { return sk_X509_EXTENSION_value(all, i); }
// Frees the extensions too.
static inline void mesh_X509_EXTENSIONS_free(STACK_OF(X509_EXTENSION) *all) { sk_X509_EXTENSION_pop_free(all, X509_EXTENSION_free); }

// Keys in PKCS #11 modules by the engine of libp11, where no provider is configured (OpenSSL 3 with Debian 12, RHEL 9). The PIN may be NULL.
#ifndef OPENSSL_NO_ENGINE
#include <openssl/engine.h>
static inline EVP_PKEY *mesh_engine_pkcs11_key(const char *uri, const char *pin) {
    ENGINE_load_dynamic();
    ENGINE *engine = ENGINE_by_id("pkcs11");
    if (!engine) return 0;
    EVP_PKEY *key = 0;
    if (ENGINE_init(engine)) {
        // Without a PIN it would ask at the terminal.
        if (!pin || ENGINE_ctrl_cmd_string(engine, "PIN", pin, 0))
            key = ENGINE_load_private_key(engine, uri, UI_null(), 0);
        ENGINE_finish(engine);
    }
    ENGINE_free(engine);
    return key;
}
#else
static inline EVP_PKEY *mesh_engine_pkcs11_key(const char *uri, const char *pin) { (void)uri; (void)pin; return 0; }
#endif
