// SPDX-License-Identifier: GPL-2.0
/*
 * A table of what is known of a group's live tasks.
 *
 * A record is filled in when a clone is committed and goes when its task exits,
 * both in probes, which can't sleep. So spare records wait in a stock: the
 * cloner, who may sleep, fills it up, and the records of the dead return to it.
 * In a group whose tasks come and go, nothing is allocated.
 */
#include <linux/hash.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "descent.h"

#define FIRST_BITS	6
/* Records kept although nobody needs them now. */
#define KEEP_SPARE	64

/**
 * vprocns_descents_init - makes an empty table
 * @table: zeroed memory
 *
 * Return: 0 or -ENOMEM.
 */
int vprocns_descents_init(struct vprocns_descents *table)
{
	table->bits = FIRST_BITS;
	table->buckets = kvcalloc(1 << FIRST_BITS, sizeof(*table->buckets),
				  GFP_KERNEL_ACCOUNT);
	return table->buckets ? 0 : -ENOMEM;
}

static void free_list(struct hlist_head *list)
{
	struct vprocns_descent *descent;
	struct hlist_node *next;

	hlist_for_each_entry_safe(descent, next, list, node)
		kfree(descent);
}

/**
 * vprocns_descents_exit - frees a table and all that it holds
 * @table: one that was made, or zeroed memory
 */
void vprocns_descents_exit(struct vprocns_descents *table)
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

static struct hlist_head *bucket_of(const struct vprocns_descents *table,
				    const struct task_struct *task)
{
	const u32 i = hash_ptr(task, table->bits);

	/* Bucket i of the old table becomes 2i and 2i + 1 of this one. */
	if (table->old && i >> 1 < table->old_left)
		return &table->old[i >> 1];
	return &table->buckets[i];
}

/**
 * vprocns_descent_find - a task's record
 * @table: the table
 * @task: the task
 *
 * Context: the table's lock is held.
 * Return: the record, which is there until @task exits, or NULL.
 */
struct vprocns_descent *vprocns_descent_find(const struct vprocns_descents *table,
					     const struct task_struct *task)
{
	struct vprocns_descent *descent;

	hlist_for_each_entry(descent, bucket_of(table, task), node)
		if (descent->task == task)
			return descent;
	return NULL;
}

static void move_one_bucket(struct vprocns_descents *table)
{
	struct vprocns_descent *descent;
	struct hlist_node *next;

	if (!table->old_left)
		return;
	table->old_left--;
	hlist_for_each_entry_safe(descent, next, &table->old[table->old_left],
				  node) {
		hlist_del(&descent->node);
		hlist_add_head(&descent->node, bucket_of(table, descent->task));
	}
}

/**
 * vprocns_descent_insert - adds a task's record
 * @table: the table
 * @descent: the record, filled in
 *
 * Context: the table's lock is held.
 */
void vprocns_descent_insert(struct vprocns_descents *table,
			    struct vprocns_descent *descent)
{
	/* One for each that comes: the old table is empty before this one is full. */
	move_one_bucket(table);
	hlist_add_head(&descent->node, bucket_of(table, descent->task));
	table->nr++;
}

static void put_back(struct vprocns_descents *table,
		     struct vprocns_descent *descent)
{
	hlist_add_head(&descent->node, &table->spare);
	table->nr_spare++;
}

/**
 * vprocns_descent_remove - returns a task's record to the stock
 * @table: the table
 * @descent: the record
 *
 * Context: the table's lock is held.
 */
void vprocns_descent_remove(struct vprocns_descents *table,
			    struct vprocns_descent *descent)
{
	hlist_del(&descent->node);
	table->nr--;
	put_back(table, descent);
}

/**
 * vprocns_descent_take - takes a spare record, to be filled in and inserted
 * @table: the table
 *
 * Context: the table's lock is held.
 * Return: the record, or NULL when the stock is empty.
 */
struct vprocns_descent *vprocns_descent_take(struct vprocns_descents *table)
{
	struct vprocns_descent *descent;

	if (!table->nr_spare)
		return NULL;
	descent = hlist_entry(table->spare.first, struct vprocns_descent, node);
	hlist_del(&descent->node);
	table->nr_spare--;
	return descent;
}

/**
 * vprocns_descents_stock - makes one record for the stock
 * @table: the table
 * @lock: its lock, which is taken
 *
 * Context: process; may sleep.
 * Return: 0 or -ENOMEM.
 */
int vprocns_descents_stock(struct vprocns_descents *table, raw_spinlock_t *lock)
{
	struct vprocns_descent *const descent =
		kmalloc(sizeof(*descent), GFP_KERNEL_ACCOUNT);

	if (!descent)
		return -ENOMEM;
	raw_spin_lock(lock);
	put_back(table, descent);
	raw_spin_unlock(lock);
	return 0;
}

/**
 * vprocns_descents_surplus - takes a record that is of no use any more
 * @table: the table
 * @needed: how many spare records are spoken for
 *
 * Context: the table's lock is held, since @needed was found out.
 * Return: the record, for kfree(), or NULL.
 */
struct vprocns_descent *vprocns_descents_surplus(struct vprocns_descents *table,
						 u32 needed)
{
	return table->nr_spare > needed + KEEP_SPARE ?
	       vprocns_descent_take(table) : NULL;
}

/**
 * vprocns_descents_crowded - whether vprocns_descents_tidy() has work
 * @table: the table
 *
 * Context: the table's lock is held.
 * Return: true when it has.
 */
bool vprocns_descents_crowded(const struct vprocns_descents *table)
{
	return (table->old && !table->old_left) || table->nr >> table->bits;
}

static void grow(struct vprocns_descents *table, raw_spinlock_t *lock, u32 bits)
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
		/* Somebody else was faster. */
		unused = larger;
	}
	raw_spin_unlock(lock);
	kvfree(unused);
}

/**
 * vprocns_descents_tidy - grows a table that is full, frees one that is empty
 * @table: the table
 * @lock: its lock, which is taken
 *
 * Context: process; may sleep.
 */
void vprocns_descents_tidy(struct vprocns_descents *table, raw_spinlock_t *lock)
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
