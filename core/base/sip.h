/* base/sip.h - SipHash-1-3 (Aumasson, Bernstein 2012; the variant that Rust and Ruby
 * use): a quick hash of which nobody finds two alike who does not know the key. No hash
 * for what leaves the process. */
#ifndef BASE_SIP_H
#define BASE_SIP_H

#include <stddef.h>
#include <stdint.h>

struct sip_key {
    uint64_t a, b;
};

uint64_t sip_hash(const struct sip_key *key, const void *bytes, size_t len);

#endif
