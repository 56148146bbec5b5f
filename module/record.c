// SPDX-License-Identifier: GPL-2.0
/*
 * A table of the records of a group's live tasks.
 *
 * A record is filled in when a clone is committed and goes when its task exits,
 * both in probes, which can't sleep. So spare records wait in a stock: the
 * cloner, which may sleep, fills it up, and the records of dead tasks return to
 * it. In a group whose tasks come and go, nothing is allocated.
 */
#include <linux/mm.h>
#include <linux/slab.h>

#include "record.h"

#define FIRST_BITS	6

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

	hlist_for_each_entry_safe(record, next, list, node) {
		kfree(record->child);
		kfree(record);
	}
}

/**
 * vprocns_records_exit - frees a table and all that it holds
 * @table: one that was made, or zeroed memory
 */
void vprocns_records_exit(struct vprocns_records *table)
{
	struct vprocns_record *record;
	u32 i;

	for (i = 0; table->buckets && i < 1U << table->bits; i++)
		free_list(&table->buckets[i]);
	for (i = 0; i < table->old_left; i++)
		free_list(&table->old[i]);
	while ((record = vprocns_record_take(table)))
		kfree(record);
	kvfree(table->buckets);
	kvfree(table->old);
}

/**
 * vprocns_records_move_bucket - moves the last bucket of the old table to the new one
 * @table: the table, which has an old one
 *
 * Context: the table's lock is held.
 */
void vprocns_records_move_bucket(struct vprocns_records *table)
{
	struct vprocns_record *record;
	struct hlist_node *next;

	table->old_left--;
	hlist_for_each_entry_safe(record, next, &table->old[table->old_left],
				  node) {
		hlist_del(&record->node);
		hlist_add_head(&record->node, vprocns_records_bucket(table, record->key));
	}
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
 * vprocns_records_tidy - grows a full table, frees an empty one and a spare record
 * @table: the table
 * @lock: its lock, which is taken
 *
 * Context: process; may sleep.
 */
void vprocns_records_tidy(struct vprocns_records *table, raw_spinlock_t *lock)
{
	struct vprocns_record *surplus = NULL;
	struct hlist_head *old = NULL;
	bool full;
	u32 bits;

	raw_spin_lock(lock);
	if (table->nr_spare > VPROCNS_RECORDS_KEPT)
		surplus = vprocns_record_take(table);
	if (!table->old_left)
		swap(old, table->old);
	bits = table->bits + 1;
	full = !table->old && table->nr >> table->bits;
	raw_spin_unlock(lock);
	kfree(surplus);
	kvfree(old);
	if (full)
		grow(table, lock, bits);
}
