// SPDX-License-Identifier: GPL-2.0
/*
 * Counts words: four threads count a part of a text each, then one adds up what they
 * have counted. With -DLINEAR it looks for each word from the first one on, which
 * is what Documentation/compare.md finds.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define COUNTERS	4
#define WORDS		3000000
#define VOCABULARY	2048
#define SLOTS		(2 * VOCABULARY)

struct table {
	uint32_t word[SLOTS];
	unsigned long count[SLOTS];
	size_t used;
};

static struct table parts[COUNTERS], all;
static pthread_t counters[COUNTERS];

/* The next word of a text that is the same in every run. */
static uint32_t next_word(uint64_t *text)
{
	*text = *text * 6364136223846793005 + 1442695040888963407;
	return (*text >> 33) % VOCABULARY + 1;
}

static size_t hashed(const struct table *table, uint32_t word)
{
	size_t slot = word * 2654435761u % SLOTS;

	while (table->word[slot] && table->word[slot] != word)
		slot = (slot + 1) % SLOTS;
	return slot;
}

#ifdef LINEAR
static size_t find(const struct table *table, uint32_t word)
{
	size_t slot = 0;

	while (table->word[slot] && table->word[slot] != word)
		slot++;
	return slot;
}
#else
#define find	hashed
#endif

static void *count(void *number)
{
	const unsigned char part = (long)number;
	uint64_t text = part + 1;
	char name[16];
	int i;

	snprintf(name, sizeof(name), "count-%d", part + 1);
	pthread_setname_np(pthread_self(), name);
	for (i = 0; i < WORDS; i++) {
		const uint32_t word = next_word(&text);
		const size_t slot = hashed(&parts[part], word);

		parts[part].word[slot] = word;
		parts[part].count[slot]++;
	}
	return NULL;
}

static void *merge(void *unused)
{
	size_t part, slot;

	pthread_setname_np(pthread_self(), "merge");
	for (part = 0; part < COUNTERS; part++)
		pthread_join(counters[part], NULL);
	for (part = 0; part < COUNTERS; part++) {
		for (slot = 0; slot < SLOTS; slot++) {
			const uint32_t word = parts[part].word[slot];
			const size_t to = word ? find(&all, word) : 0;

			if (!word)
				continue;
			all.used += !all.word[to];
			all.word[to] = word;
			all.count[to] += parts[part].count[slot];
		}
	}
	return unused;
}

int main(void)
{
	pthread_t merger;
	long part;

	for (part = 0; part < COUNTERS; part++)
		if (pthread_create(&counters[part], NULL, count, (void *)part))
			return 1;
	if (pthread_create(&merger, NULL, merge, NULL))
		return 1;
	pthread_join(merger, NULL);
	printf("%zu words\n", all.used);
	return 0;
}
