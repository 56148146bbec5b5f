/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What lineage.c takes from the kernel's <linux/siphash.h>, for user space:
 * libsodium's SipHash-2-4 over little-endian words.
 */
#ifndef _VPROCNS_SELFTESTS_SIPHASH_H
#define _VPROCNS_SELFTESTS_SIPHASH_H

#include <endian.h>
#include <linux/types.h>
#include <sodium/crypto_shorthash_siphash24.h>

typedef struct {
	__u64 key[2];
} siphash_key_t;

static inline __u64 siphash_words(const __u64 *words, size_t count,
				  const siphash_key_t *key)
{
	const __u64 k[] = { htole64(key->key[0]), htole64(key->key[1]) };
	__u64 in[2], out;
	size_t i;

	for (i = 0; i < count; i++)
		in[i] = htole64(words[i]);
	crypto_shorthash_siphash24((unsigned char *)&out,
				   (const unsigned char *)in, count * 8,
				   (const unsigned char *)k);
	return le64toh(out);
}

static inline __u64 siphash_1u64(__u64 first, const siphash_key_t *key)
{
	return siphash_words(&first, 1, key);
}

static inline __u64 siphash_2u64(__u64 first, __u64 second,
				 const siphash_key_t *key)
{
	const __u64 words[] = { first, second };

	return siphash_words(words, 2, key);
}

#endif
