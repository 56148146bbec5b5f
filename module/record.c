// SPDX-License-Identifier: GPL-2.0
/*
 * A table of the records of a group's live tasks.
 *
 * A record is filled in when a clone is committed and goes when its task exits,
 * both in probes, which can't sleep. So spare records wait in a stock: the
 * cloner, which may sleep, fills it up, and the records of dead tasks return to
 * it. In a group whose tasks come and go, nothing is allocated.
 */
#include <linux/hash.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "record.h"

#define FIRST_BITS	6
/* Spare records that are kept although no clone in flight needs them. */
#define KEEP_SPARE	64

/**
 * vprocns_records_init - makes an empty table
 * @table: zeroed memory
 *
 * Return: 0 or -ENOMEM.
 */
int vprocns_records_init(struct vprocns_records *table)
{
	table->bits = FIRST_BITS;
	table->buckets = kvcalloc(1 << FIRST_BITS, sizeof(*table->buckets),
				  GFP_KERNEL_ACCOUNT);
	return table->buckets ? 0 : -ENOMEM;
}

static void free_list(struct hlist_head *list)
{
	struct vprocns_record *record;
	struct hlist_node *next;

	hlist_for_each_entry_safe(record, next, list, node)
		kfree(record);
}

/**
 * vprocns_records_exit - frees a table and all that it holds
 * @table: one that was made, or zeroed memory
 */
void vprocns_records_exit(struct vprocns_records *table)
{
	u32 i;

	for (i = 0; table->buckets && i < 1U << table->bits; i++)
		free_list(&table->buckets[i]);
	for (i = 0; i < table->old_left; i++)
		free_list(&table->old[i]);
	free_list(&table->spare);
	kvfree(table->buckets);
	kvfree(table->old);
}

static struct hlist_head *bucket_of(const struct vprocns_records *table,
				    const void *key)
{
	const u32 i = hash_ptr(key, table->bits);

	/* Bucket i of the old table becomes 2i and 2i + 1 of this one. */
	if (table->old && i >> 1 < table->old_left)
		return &table->old[i >> 1];
	return &table->buckets[i];
}

/**
 * vprocns_record_find - a task's record
 * @table: the table
 * @key: the task, or its struct pid: see struct vprocns_record
 *
 * Context: the table's lock is held.
 * Return: the record, or NULL.
 */
struct vprocns_record *vprocns_record_find(const struct vprocns_records *table,
					   const void *key)
{
	struct vprocns_record *record;

	hlist_for_each_entry(record, bucket_of(table, key), node)
		if (record->key == key)
			return record;
	return NULL;
}

static void move_one_bucket(struct vprocns_records *table)
{
	struct vprocns_record *record;
	struct hlist_node *next;

	if (!table->old_left)
		return;
	table->old_left--;
	hlist_for_each_entry_safe(record, next, &table->old[table->old_left],
				  node) {
		hlist_del(&record->node);
		hlist_add_head(&record->node, bucket_of(table, record->key));
	}
}

/**
 * vprocns_record_insert - adds a task's record
 * @table: the table
 * @record: the record, filled in
 *
 * Context: the table's lock is held.
 */
void vprocns_record_insert(struct vprocns_records *table,
			   struct vprocns_record *record)
{
	/* Move one old bucket an insertion, so that the old table drains before this one fills. */
	move_one_bucket(table);
	hlist_add_head(&record->node, bucket_of(table, record->key));
	table->nr++;
}

/**
 * vprocns_record_put - returns a record that is not in the table to the stock
 * @table: the table
 * @record: the record
 *
 * Context: the table's lock is held.
 */
void vprocns_record_put(struct vprocns_records *table,
			struct vprocns_record *record)
{
	hlist_add_head(&record->node, &table->spare);
	table->nr_spare++;
}

/**
 * vprocns_record_rename - gives a record in the table another key
 * @table: the table
 * @record: the record
 * @key: its new key
 *
 * Context: the table's lock is held.
 */
void vprocns_record_rename(struct vprocns_records *table,
			   struct vprocns_record *record, const void *key)
{
	hlist_del(&record->node);
	record->key = key;
	hlist_add_head(&record->node, bucket_of(table, key));
}

/**
 * vprocns_record_remove - returns a task's record to the stock
 * @table: the table
 * @record: the record
 *
 * Context: the table's lock is held.
 */
void vprocns_record_remove(struct vprocns_records *table,
			   struct vprocns_record *record)
{
	hlist_del(&record->node);
	table->nr--;
	vprocns_record_put(table, record);
}

/**
 * vprocns_record_take - takes a spare record, to be filled in and inserted
 * @table: the table
 *
 * Context: the table's lock is held.
 * Return: the record, or NULL when the stock is empty.
 */
struct vprocns_record *vprocns_record_take(struct vprocns_records *table)
{
	struct vprocns_record *record;

	if (!table->nr_spare)
		return NULL;
	record = hlist_entry(table->spare.first, struct vprocns_record, node);
	hlist_del(&record->node);
	table->nr_spare--;
	return record;
}

/**
 * vprocns_records_stock - makes one record for the stock
 * @table: the table
 * @lock: its lock, which is taken
 *
 * Context: process; may sleep.
 * Return: 0 or -ENOMEM.
 */
int vprocns_records_stock(struct vprocns_records *table, raw_spinlock_t *lock)
{
	struct vprocns_record *const record =
		kmalloc(sizeof(*record), GFP_KERNEL_ACCOUNT);

	if (!record)
		return -ENOMEM;
	raw_spin_lock(lock);
	vprocns_record_put(table, record);
	raw_spin_unlock(lock);
	return 0;
}

/**
 * vprocns_records_surplus - takes a record that is of no use any more
 * @table: the table
 * @needed: how many spare records the clones in flight need
 *
 * Context: the table's lock is held; it was held since @needed was counted.
 * Return: the record, for kfree(), or NULL.
 */
struct vprocns_record *vprocns_records_surplus(struct vprocns_records *table,
					       u32 needed)
{
	return table->nr_spare > needed + KEEP_SPARE ?
	       vprocns_record_take(table) : NULL;
}

/**
 * vprocns_records_crowded - whether vprocns_records_tidy() has work
 * @table: the table
 *
 * Context: the table's lock is held.
 * Return: true when it has.
 */
bool vprocns_records_crowded(const struct vprocns_records *table)
{
	return (table->old && !table->old_left) || table->nr >> table->bits;
}

static void grow(struct vprocns_records *table, raw_spinlock_t *lock, u32 bits)
{
	struct hlist_head *larger, *unused;

	/* Without memory for it the chains get longer, and that is all. */
	larger = kvcalloc(1UL << bits, sizeof(*larger),
			  GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!larger)
		return;
	raw_spin_lock(lock);
	if (bits == table->bits + 1 && !table->old_left) {
		unused = table->old;
		table->old = table->buckets;
		table->old_left = 1U << table->bits;
		table->buckets = larger;
		table->bits = bits;
	} else {
		/* Another cloner was faster. */
		unused = larger;
	}
	raw_spin_unlock(lock);
	kvfree(unused);
}

/**
 * vprocns_records_tidy - grows a table that is full, frees one that is empty
 * @table: the table
 * @lock: its lock, which is taken
 *
 * Context: process; may sleep.
 */
void vprocns_records_tidy(struct vprocns_records *table, raw_spinlock_t *lock)
{
	struct hlist_head *old = NULL;
	bool full;
	u32 bits;

	raw_spin_lock(lock);
	if (!table->old_left)
		swap(old, table->old);
	bits = table->bits + 1;
	full = !table->old && table->nr >> table->bits;
	raw_spin_unlock(lock);
	kvfree(old);
	if (full)
		grow(table, lock, bits);
}
