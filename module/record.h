/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VPROCNS_RECORD_H
#define _VPROCNS_RECORD_H

#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/list.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
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
 * struct vprocns_record - what is known of one task
 * @node: in the table, by @key
 * @next: in the stock, or among the lost: the next one there
 * @rcu: delays the free past those who look at the latest one
 * @key: the task's number in the initial PID namespace, with %VPROCNS_RECORD_STALE once
 *	that is another task's; 0 when it is not in the table
 * @tid: its number in the group
 * @process: the record of its process's first thread, which may be this one
 * @origin: how the task came about
 * @lineage: follows from @origin, once @known
 * @children: how many of its clones have a number and have not failed. The task's own.
 * @wanted: the number that the task's next clone is to have; 0 until it is worked out. The
 *	task's own.
 * @execs: how often a thread has taken over the process by an exec
 * @known: @lineage is filled in
 * @ended: the task has ended, and its process lives on without it
 */
struct vprocns_record {
	union {
		struct hlist_node node;
		struct vprocns_record *next;
		struct rcu_head rcu;
	};
	u32 key;
	u32 tid;
	struct vprocns_record *process;
	struct vprocns_origin origin;
	u64 lineage;
	u64 children;
	u32 wanted;
	u32 execs;
	bool known;
	bool ended;
};

/* No number is so high: PID_MAX_LIMIT. */
#define VPROCNS_RECORD_STALE	BIT(31)

/**
 * struct vprocns_records - a table of records, by number
 *
 * The owner's lock protects it and every record's node, and all that is not the task's
 * own.
 *
 * @buckets: the table
 * @size: how many buckets it has: a power of 2
 * @shift: which bits of a hash say which bucket: those above
 * @factor: what numbers are hashed with: odd, and random, so that nobody can fill one bucket
 * @old: the table of half the size that is being emptied, or NULL
 * @old_left: how many buckets of @old are not moved yet; 0 without it
 * @room: how many more records the table should take; below 0 where it could not grow
 * @spare: records that no task has
 * @nr_spare: how many
 * @untidy: there is an empty old table, or something lost
 * @latest: the last cloner's that was searched for, or NULL; may be a spare one by now.
 *	Also read under RCU, without the lock.
 * @lost: the records of processes that have ended; each has a thread's record in the
 *	table that nobody else will find
 */
struct vprocns_records {
	struct hlist_head *buckets;
	u32 size;
	u32 shift;
	u32 factor;
	u32 old_left;
	struct hlist_head *old;
	s32 room;
	u32 nr_spare;
	bool untidy;
	struct vprocns_record *spare;
	struct vprocns_record *latest;
	struct vprocns_record *lost;
};

int vprocns_records_init(struct vprocns_records *table);
void vprocns_records_exit(struct vprocns_records *table);

void vprocns_records_move_bucket(struct vprocns_records *table);
struct vprocns_record *vprocns_record_make(void);
int vprocns_records_stock(struct vprocns_records *table, raw_spinlock_t *lock);
void vprocns_records_tidy(struct vprocns_records *table, raw_spinlock_t *lock);

/* Spare records that are kept although no clone needs them. */
#define VPROCNS_RECORDS_KEPT	64

/*
 * The last cloner's record, if @key is its; or NULL. It stays as long as that task, which
 * is the caller. Context: the task's own; no lock.
 */
static __always_inline struct vprocns_record *
vprocns_record_latest(const struct vprocns_records *table, u32 key)
{
	struct vprocns_record *record;

	/* An RCU read side. */
	preempt_disable_notrace();
	record = READ_ONCE(table->latest);
	if (unlikely(!record || READ_ONCE(record->key) != key))
		record = NULL;
	preempt_enable_notrace();
	return record;
}

/* The functions from here on are called with the table's lock held. */

static inline struct hlist_head *
vprocns_records_bucket(const struct vprocns_records *table, u32 key)
{
	const u32 i = key * table->factor >> table->shift;

	/* Bucket i of the old table becomes 2i and 2i + 1 of this one. */
	if (unlikely(table->old) && i >> 1 < table->old_left)
		return &table->old[i >> 1];
	return &table->buckets[i];
}

static inline struct vprocns_record *
vprocns_record_in(const struct hlist_head *bucket, u32 key)
{
	struct vprocns_record *record;

	hlist_for_each_entry(record, bucket, node)
		if (record->key == key)
			return record;
	return NULL;
}

/* The record of the task with this number, or NULL. */
static inline struct vprocns_record *
vprocns_record_find(const struct vprocns_records *table, u32 key)
{
	return vprocns_record_in(vprocns_records_bucket(table, key), key);
}

/* Field by field: clearing all of it first would cost more than the rest. */
static __always_inline void vprocns_record_fill(struct vprocns_record *record, u32 tid,
						const struct vprocns_origin *origin,
						struct vprocns_record *process)
{
	record->tid = tid;
	record->process = process;
	record->origin = *origin;
	record->wanted = 0;
	record->execs = 0;
	record->known = false;
	record->ended = false;
	record->children = 0;
}

/* The number was another task's: whoever removes that one's record is on the way. */
static inline void vprocns_record_outdate(const struct hlist_head *bucket, u32 key)
{
	struct vprocns_record *const before = vprocns_record_in(bucket, key);

	if (unlikely(before))
		WRITE_ONCE(before->key, key | VPROCNS_RECORD_STALE);
}

/* Adds a record that is filled in but for @key. */
static inline void vprocns_record_insert(struct vprocns_records *table,
					 struct vprocns_record *record, u32 key)
{
	struct hlist_head *bucket;

	/* One bucket an insertion, so that the old table drains before this one fills. */
	if (unlikely(table->old_left))
		vprocns_records_move_bucket(table);
	bucket = vprocns_records_bucket(table, key);
	vprocns_record_outdate(bucket, key);
	WRITE_ONCE(record->key, key);
	hlist_add_head(&record->node, bucket);
	table->room--;
}

/* Returns a record that is not in the table to the stock. */
static inline void vprocns_record_put(struct vprocns_records *table,
				      struct vprocns_record *record)
{
	record->next = table->spare;
	table->spare = record;
	table->nr_spare++;
}

/* Takes a record out of the table. */
static inline void vprocns_record_take_out(struct vprocns_records *table,
					   struct vprocns_record *record)
{
	__hlist_del(&record->node);
	WRITE_ONCE(record->key, 0);
	table->room++;
}

/* Returns a record that is in the table to the stock. */
static inline void vprocns_record_remove(struct vprocns_records *table,
					 struct vprocns_record *record)
{
	vprocns_record_take_out(table, record);
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
	return table->room < 0 || table->nr_spare > VPROCNS_RECORDS_KEPT ||
	       table->untidy;
}

#endif
