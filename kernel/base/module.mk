OBJS += kernel/base/rbtree.o kernel/base/interval_tree.o
