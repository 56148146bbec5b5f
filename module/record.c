// SPDX-License-Identifier: GPL-2.0
/*
 * A table of the records of a group's tasks.
 *
 * A record comes when a clone has its number, and goes when its task exits. Those that
 * go wait in a stock, from which a cloner takes one for its child. So in a group whose
 * tasks come and go, nothing is allocated.
 */
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "record.h"

#define FIRST_SIZE	64

/**
 * vprocns_records_init - makes an empty table
 * @table: zeroed memory
 *
 * Return: 0 or -ENOMEM.
 */
int vprocns_records_init(struct vprocns_records *table)
{
	table->size = FIRST_SIZE;
	table->room = FIRST_SIZE;
	table->shift = 32 - ilog2(FIRST_SIZE);
	table->factor = get_random_u32() | 1;
	table->buckets = kvcalloc(FIRST_SIZE, sizeof(*table->buckets),
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

static struct vprocns_record *take_lost(struct vprocns_records *table)
{
	struct vprocns_record *const record = table->lost;

	if (record)
		table->lost = record->next;
	return record;
}

/**
 * vprocns_records_exit - frees a table and all that it holds
 * @table: one that was made, or zeroed memory
 *
 * All tasks have ended, and with them their records: a table that still has some was
 * not told of an exit.
 */
void vprocns_records_exit(struct vprocns_records *table)
{
	s32 left = table->size - table->room;
	struct vprocns_record *record;
	u32 i;

	for (i = 0; table->buckets && i < table->size; i++)
		free_list(&table->buckets[i]);
	for (i = 0; i < table->old_left; i++)
		free_list(&table->old[i]);
	while ((record = vprocns_record_take(table)))
		kfree(record);
	for (; (record = take_lost(table)); left--)
		kfree(record);
	WARN_ON_ONCE(left > 0);
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
	table->untidy |= !table->old_left;
	hlist_for_each_entry_safe(record, next, &table->old[table->old_left],
				  node) {
		hlist_del(&record->node);
		hlist_add_head(&record->node,
			       vprocns_records_bucket(table, record->key &
						      ~VPROCNS_RECORD_STALE));
	}
}

/**
 * vprocns_record_make - makes a record that is neither in a table nor in a stock
 *
 * Context: process; may sleep.
 * Return: the record, or NULL.
 */
struct vprocns_record *vprocns_record_make(void)
{
	struct vprocns_record *const record =
		kmalloc(sizeof(*record), GFP_KERNEL_ACCOUNT);

	if (record)
		record->key = 0;
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
	struct vprocns_record *const record = vprocns_record_make();

	if (!record)
		return -ENOMEM;
	raw_spin_lock(lock);
	vprocns_record_put(table, record);
	raw_spin_unlock(lock);
	return 0;
}

static void grow(struct vprocns_records *table, raw_spinlock_t *lock, u32 size)
{
	struct hlist_head *larger, *unused;

	/* Without memory for it the chains get longer, and that is all. */
	larger = kvcalloc(size, sizeof(*larger), GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!larger)
		return;
	raw_spin_lock(lock);
	if (size == table->size * 2 && !table->old_left) {
		unused = table->old;
		table->old = table->buckets;
		table->old_left = table->size;
		table->buckets = larger;
		table->room += size - table->size;
		table->size = size;
		table->shift--;
	} else {
		/* Another cloner was faster. */
		unused = larger;
	}
	raw_spin_unlock(lock);
	kvfree(unused);
}

/* Under the lock. Removes a process's threads from a bucket. */
static void remove_threads(struct vprocns_records *table, struct hlist_head *bucket,
			   const struct vprocns_record *process)
{
	struct vprocns_record *record;
	struct hlist_node *next;

	hlist_for_each_entry_safe(record, next, bucket, node)
		if (record->process == process)
			vprocns_record_remove(table, record);
}

/*
 * The process has ended, and no clone makes a record that points to its own as long as
 * we keep that.
 */
static void find_lost(struct vprocns_records *table, raw_spinlock_t *lock,
		      struct vprocns_record *process)
{
	u32 size = 0, i = 0;
	bool done = false;

	while (!done) {
		raw_spin_lock(lock);
		if (size != table->size) {
			size = table->size;
			i = 0;
		}
		if (table->old_left)
			vprocns_records_move_bucket(table);
		else if (i < size)
			remove_threads(table, &table->buckets[i++], process);
		else
			done = true;
		if (done)
			vprocns_record_put(table, process);
		raw_spin_unlock(lock);
		cond_resched();
	}
}

/**
 * vprocns_records_tidy - grows a full table, frees an empty one and a spare record, and
 * finds what is lost
 * @table: the table
 * @lock: its lock, which is taken
 *
 * Context: process; may sleep.
 */
void vprocns_records_tidy(struct vprocns_records *table, raw_spinlock_t *lock)
{
	struct vprocns_record *surplus = NULL, *lost;
	struct hlist_head *old = NULL;
	bool full;
	u32 size;

	raw_spin_lock(lock);
	if (table->nr_spare > VPROCNS_RECORDS_KEPT)
		surplus = vprocns_record_take(table);
	if (surplus && surplus == table->latest)
		WRITE_ONCE(table->latest, NULL);
	if (!table->old_left)
		swap(old, table->old);
	size = table->size * 2;
	full = !table->old && table->room < 0;
	lost = take_lost(table);
	table->untidy = table->lost;
	raw_spin_unlock(lock);
	if (surplus)
		kfree_rcu(surplus, rcu);
	kvfree(old);
	if (full)
		grow(table, lock, size);
	if (lost)
		find_lost(table, lock, lost);
}
