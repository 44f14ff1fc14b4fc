/*
 * maple_copy_names.h - other names for all that the copy of the maple tree would share with it.
 *
 * Included before any header of the tree, by case_maple_copy.c only: what the sources define then
 * has these names, and stands beside the tree in one image. Node memory is shared, on purpose.
 */
#ifndef TESTS_LAB_MAPLE_COPY_NAMES_H
#define TESTS_LAB_MAPLE_COPY_NAMES_H

#define inner_max_gap copy_inner_max_gap
#define leaf_copy copy_leaf_copy
#define leaf_finish copy_leaf_finish
#define leaf_max_gap copy_leaf_max_gap
#define leaf_put copy_leaf_put
#define leaf_splice copy_leaf_splice
#define mas_alloc_nodes copy_mas_alloc_nodes
#define mas_clear_tail copy_mas_clear_tail
#define mas_count_nodes copy_mas_count_nodes
#define mas_destroy copy_mas_destroy
#define mas_erase copy_mas_erase
#define mas_find copy_mas_find
#define mas_find_range copy_mas_find_range
#define mas_find_range_rev copy_mas_find_range_rev
#define mas_find_rev copy_mas_find_rev
#define mas_free_nodes copy_mas_free_nodes
#define mas_insert_gfp copy_mas_insert_gfp
#define mas_next copy_mas_next
#define mas_next_range copy_mas_next_range
#define mas_nomem copy_mas_nomem
#define mas_pause copy_mas_pause
#define mas_preallocate copy_mas_preallocate
#define mas_preallocate_any copy_mas_preallocate_any
#define mas_prev copy_mas_prev
#define mas_prev_range copy_mas_prev_range
#define mas_stand copy_mas_stand
#define mas_start_walk copy_mas_start_walk
#define mas_store copy_mas_store
#define mas_store_gfp copy_mas_store_gfp
#define mas_store_prealloc copy_mas_store_prealloc
#define mas_store_rest_gfp copy_mas_store_rest_gfp
#define mas_store_rest_prealloc copy_mas_store_rest_prealloc
#define mas_take_node copy_mas_take_node
#define mas_walk copy_mas_walk
#define mas_wr_plan copy_mas_wr_plan
#define mas_wr_plan_erase copy_mas_wr_plan_erase
#define mas_wr_put_by copy_mas_wr_put_by
#define mas_wr_rebuild copy_mas_wr_rebuild
#define mas_wr_run copy_mas_wr_run
#define mas_wr_take_up copy_mas_wr_take_up
#define mt_clear_in_rcu copy_mt_clear_in_rcu
#define __mt_destroy copy_mt_destroy
#define mt_find copy_mt_find
#define mt_find_after copy_mt_find_after
#define mt_fix_next copy_mt_fix_next
#define mt_free_tree copy_mt_free_tree
#define mt_next copy_mt_next
#define mt_prev copy_mt_prev
#define mt_publish_child copy_mt_publish_child
#define mt_retire_node copy_mt_retire_node
#define mt_retire_tree copy_mt_retire_tree
#define mt_set_in_rcu copy_mt_set_in_rcu
#define mt_set_root copy_mt_set_root
#define mtree_destroy copy_mtree_destroy
#define mtree_load copy_mtree_load
#define mtree_load_rcu copy_mtree_load_rcu
#define path_end copy_path_end
#define path_has_left copy_path_has_left
#define path_has_right copy_path_has_right
#define path_move_end copy_path_move_end
#define path_set_gap copy_path_set_gap
#define path_step_left copy_path_step_left
#define path_step_right copy_path_step_right
#define path_walk copy_path_walk
#define run_add copy_run_add
#define run_kind copy_run_kind
#define run_of_leaf copy_run_of_leaf
#define run_take_inner copy_run_take_inner
#define run_take_leaf copy_run_take_leaf

#endif
