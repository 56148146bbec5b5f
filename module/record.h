/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VPROCNS_RECORD_H
#define _VPROCNS_RECORD_H

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
 * @node: in the table, by @key, or in the stock
 * @key: the task, which removes the record when it exits; of a task that joins, its
 *	struct pid until the clone is committed
 * @origin: the task's own
 * @process: its process's origin, which the task takes over when it execs
 * @children: how many of its clones succeeded
 * @lineage: follows from @origin, once @known
 * @start: where its children's numbers start, once @started; the task itself uses it
 * @wanted: the number that the clone that is in flight is to have
 * @execs: how often a thread has taken over the process by an exec
 * @known: @lineage is filled in
 * @started: @start is filled in
 * @in_flight: the task has begun a clone that is not committed
 */
struct vprocns_record {
	struct hlist_node node;
	const void *key;
	struct vprocns_origin origin;
	struct vprocns_origin process;
	u64 children;
	u64 lineage;
	u32 start;
	u32 wanted;
	u32 execs : 29;
	u32 known : 1;
	u32 started : 1;
	u32 in_flight : 1;
};

/**
 * struct vprocns_records - a table of the records of live tasks, by key
 *
 * The owner's lock protects it and every record's node.
 *
 * @buckets: the table
 * @bits: there are 2^bits buckets
 * @old: the smaller table that is being emptied, or NULL
 * @old_left: how many buckets of @old are not moved yet
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
	struct hlist_head spare;
	u32 nr_spare;
};

int vprocns_records_init(struct vprocns_records *table);
void vprocns_records_exit(struct vprocns_records *table);

struct vprocns_record *vprocns_record_find(const struct vprocns_records *table,
					   const void *key);
void vprocns_record_insert(struct vprocns_records *table,
			   struct vprocns_record *record);
void vprocns_record_remove(struct vprocns_records *table,
			   struct vprocns_record *record);
void vprocns_record_rename(struct vprocns_records *table,
			   struct vprocns_record *record, const void *key);
void vprocns_record_put(struct vprocns_records *table,
			struct vprocns_record *record);
struct vprocns_record *vprocns_record_take(struct vprocns_records *table);

int vprocns_records_stock(struct vprocns_records *table, raw_spinlock_t *lock);
struct vprocns_record *vprocns_records_surplus(struct vprocns_records *table,
					       u32 needed);
bool vprocns_records_crowded(const struct vprocns_records *table);
void vprocns_records_tidy(struct vprocns_records *table, raw_spinlock_t *lock);

#endif
