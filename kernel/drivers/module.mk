OBJS += kernel/drivers/block.o
OBJS += kernel/drivers/pci.o
OBJS += kernel/drivers/virtio_blk.o
OBJS += kernel/drivers/virtio_pci.o
