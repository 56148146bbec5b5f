/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VPROCNS_RECORD_H
#define _VPROCNS_RECORD_H

#include <linux/hash.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>

/**
 * struct vprocns_origin - how a task came about
 * @cloner_lineage: lineage of the task that cloned it, or a VPROCNS_LINEAGE_* value
 * @ordinal: as which of the cloner's clones: see vprocns_lineage_of()
 * @cloner_tid: TID of the task that cloned it, or 0
 */
struct vprocns_origin {
	u64 cloner_lineage;
	u64 ordinal;
	u32 cloner_tid;
};

/**
 * struct vprocns_record - what is known of one live task
 * @node: in the table, by @key
 * @next: in the stock: the next one there
 * @key: the task, which removes the record when it exits; of a task that joins, its
 *	struct pid until the clone is committed
 * @origin: the task's own
 * @process: its process's origin, which the task takes over when it execs
 * @children: how many of its clones succeeded
 * @lineage: follows from @origin, once @known
 * @start: where its children's numbers start, once @started; the task itself uses it
 * @wanted: the number that the clone that is in flight is to have
 * @child: the record of the child that the clone in flight makes; after a failed
 *	clone it waits for the next one
 * @execs: how often a thread has taken over the process by an exec
 * @known: @lineage is filled in
 * @started: @start is filled in
 */
struct vprocns_record {
	union {
		struct hlist_node node;
		struct vprocns_record *next;
	};
	const void *key;
	struct vprocns_origin origin;
	struct vprocns_origin process;
	u64 children;
	u64 lineage;
	struct vprocns_record *child;
	u32 start;
	u32 wanted;
	u32 execs;
	bool known;
	bool started;
};

/**
 * struct vprocns_records - a table of the records of live tasks, by key
 *
 * The owner's lock protects it and every record's node.
 *
 * @buckets: the table
 * @bits: there are 2^bits buckets
 * @old: the smaller table that is being emptied, or NULL
 * @old_left: how many buckets of @old are not moved yet; 0 without it
 * @nr: records in the table
 * @spare: records that no task has
 * @nr_spare: how many
 */
struct vprocns_records {
	struct hlist_head *buckets;
	u32 bits;
	struct hlist_head *old;
	u32 old_left;
	u32 nr;
	struct vprocns_record *spare;
	u32 nr_spare;
};

int vprocns_records_init(struct vprocns_records *table);
void vprocns_records_exit(struct vprocns_records *table);

void vprocns_records_move_bucket(struct vprocns_records *table);
int vprocns_records_stock(struct vprocns_records *table, raw_spinlock_t *lock);
void vprocns_records_tidy(struct vprocns_records *table, raw_spinlock_t *lock);

/* Spare records that are kept although no clone needs them. */
#define VPROCNS_RECORDS_KEPT	64

/* The functions from here on are called with the table's lock held. */

static inline struct hlist_head *
vprocns_records_bucket(const struct vprocns_records *table, const void *key)
{
	const u32 i = hash_ptr(key, table->bits);

	/* Bucket i of the old table becomes 2i and 2i + 1 of this one. */
	if (unlikely(i >> 1 < table->old_left))
		return &table->old[i >> 1];
	return &table->buckets[i];
}

/* The record with this key: see struct vprocns_record; or NULL. */
static inline struct vprocns_record *
vprocns_record_find(const struct vprocns_records *table, const void *key)
{
	struct vprocns_record *record;

	hlist_for_each_entry(record, vprocns_records_bucket(table, key), node)
		if (record->key == key)
			return record;
	return NULL;
}

/* Adds a record that is filled in. */
static inline void vprocns_record_insert(struct vprocns_records *table,
					 struct vprocns_record *record)
{
	/* One bucket an insertion, so that the old table drains before this one fills. */
	if (unlikely(table->old_left))
		vprocns_records_move_bucket(table);
	hlist_add_head(&record->node, vprocns_records_bucket(table, record->key));
	table->nr++;
}

/* Gives a record in the table another key. */
static inline void vprocns_record_rename(struct vprocns_records *table,
					 struct vprocns_record *record,
					 const void *key)
{
	__hlist_del(&record->node);
	record->key = key;
	hlist_add_head(&record->node, vprocns_records_bucket(table, key));
}

/* Returns a record that is not in the table to the stock. */
static inline void vprocns_record_put(struct vprocns_records *table,
				      struct vprocns_record *record)
{
	record->next = table->spare;
	table->spare = record;
	table->nr_spare++;
}

/* Returns a task's record to the stock, with one for a child. */
static inline void vprocns_record_remove(struct vprocns_records *table,
					 struct vprocns_record *record)
{
	__hlist_del(&record->node);
	table->nr--;
	if (unlikely(record->child))
		vprocns_record_put(table, record->child);
	vprocns_record_put(table, record);
}

/* Takes a spare record, to be filled in and inserted; NULL when there is none. */
static inline struct vprocns_record *
vprocns_record_take(struct vprocns_records *table)
{
	struct vprocns_record *const record = table->spare;

	if (likely(record)) {
		table->spare = record->next;
		table->nr_spare--;
	}
	return record;
}

/* Whether vprocns_records_tidy() has work. */
static inline bool vprocns_records_untidy(const struct vprocns_records *table)
{
	return table->nr >> table->bits || (table->old && !table->old_left) ||
	       table->nr_spare > VPROCNS_RECORDS_KEPT;
}

#endif
