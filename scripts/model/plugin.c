/*
 * plugin.c - the model inside QEMU: what is executed is priced, and the guest may ask.
 *
 * Owns: the hooks, the guest's two calls, access to the guest's memory.
 * Not here: prices (price.c), caches (cache.c), translations (tlb.c); the guest's side
 *           (kernel/core/model.h).
 * Idea: the guest speaks by a seven-byte nop whose operand is a code; nothing happens without the
 *       plugin. PUBLISH copies the counters into the 256 bytes that lie 64 bytes behind the nop, in
 *       the same page. WATCH names, by the load that follows it, the variable in which the guest
 *       keeps the directory it has loaded.
 * Limits: one virtual CPU; RAM below the hole under 4 GiB only (argument ram=BYTES).
 */
#include "scripts/model/model.h"
#include "scripts/model/qemu_plugin_api.h"

#include <stdlib.h>
#include <string.h>

#define NOP_LEN		7
#define NOP_CODE_OFFSET 3
#define CODE_PUBLISH	0x4c4200cc
#define CODE_WATCH	0x4c4202cc
#define MAILBOX_OFFSET	64

/* The image is linked so that an address of it names its frame (kernel/x86/layout.h). */
#define KERNEL_BASE 0xffffffff80000000ull
#define KERNEL_HALF 0xffff800000000000ull

QEMU_EXPORT int qemu_plugin_version = QEMU_PLUGIN_API;
QEMU_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc,
				    char **argv);

uint64_t model_word[MW_NR];

static const uint8_t *ram; /* the guest's physical memory; NULL until its image was seen */
static uint64_t ram_bytes;
static uint64_t watched; /* physical address of the variable that holds CR3; 0: not yet */

/* ---- the guest's memory ---- */

static bool read_word(uint64_t phys, uint64_t *value)
{
	if (!ram || phys + 8 > ram_bytes)
		return false;
	memcpy(value, ram + phys, 8);
	return true;
}

static uint64_t current_cr3(void)
{
	uint64_t cr3 = 0;

	if (watched)
		read_word(watched, &cr3);
	return cr3;
}

/* ---- accesses ---- */

/* Where the machine itself went. False: a device. */
static bool real_frame(qemu_plugin_meminfo_t info, uint64_t vaddr, uint64_t *frame)
{
	struct qemu_plugin_hwaddr *where = qemu_plugin_get_hwaddr(info, vaddr);

	if (!where || qemu_plugin_hwaddr_is_io(where))
		return false;
	*frame = qemu_plugin_hwaddr_phys_addr(where) & ~0xfffull;
	return true;
}

/* Kernel translations are taken at their word; user ones change, and are compared each time. */
static bool translate(qemu_plugin_meminfo_t info, uint64_t vaddr, uint64_t *frame, unsigned *units)
{
	bool found = tlb_lookup(vaddr, frame, units);
	uint64_t real;

	if (found && vaddr >= KERNEL_HALF)
		return true;
	if (!real_frame(info, vaddr, &real))
		return false;
	if (found && *frame == real)
		return true;
	if (found)
		tlb_drop(vaddr);
	*frame = real;
	*units = MODEL_stlb_cost * CYCLE + tlb_walk(vaddr, current_cr3(), real, read_word);
	return true;
}

static void on_access(unsigned vcpu, qemu_plugin_meminfo_t info, uint64_t vaddr, void *data)
{
	uint64_t frame;
	unsigned units;

	(void)vcpu;
	(void)data;
	model_word[qemu_plugin_mem_is_store(info) ? MW_STORES : MW_LOADS]++;
	if (translate(info, vaddr, &frame, &units))
		model_word[MW_UNITS] += units + cache_access(frame | (vaddr & 0xfff));
	else
		model_word[MW_UNITS] += MODEL_io_cost * CYCLE;
}

/* ---- what the guest asks ---- */

static void on_publish(unsigned vcpu, void *mailbox)
{
	(void)vcpu;
	memcpy(mailbox, model_word, sizeof(model_word));
}

static void on_watched_load(unsigned vcpu, qemu_plugin_meminfo_t info, uint64_t vaddr, void *data)
{
	uint64_t frame;

	(void)vcpu;
	(void)data;
	if (real_frame(info, vaddr, &frame))
		watched = frame | (vaddr & 0xfff);
}

static void on_load_cr3(unsigned vcpu, void *data)
{
	(void)vcpu;
	(void)data;
	tlb_flush(false);
}

static void on_flush_tlb(unsigned vcpu, void *data)
{
	(void)vcpu;
	(void)data;
	tlb_flush(true);
}

/* ---- translation of guest code ---- */

static uint32_t nop_code(const struct qemu_plugin_insn *insn)
{
	static const uint8_t head[NOP_CODE_OFFSET] = {0x0f, 0x1f, 0x80};
	const uint8_t *bytes = qemu_plugin_insn_data(insn);
	uint32_t code;

	if (qemu_plugin_insn_size(insn) != NOP_LEN || memcmp(bytes, head, sizeof(head)))
		return 0;
	memcpy(&code, bytes + NOP_CODE_OFFSET, sizeof(code));
	return code;
}

static void hook_publish(struct qemu_plugin_insn *insn)
{
	uint8_t *host = qemu_plugin_insn_haddr(insn);
	uint64_t vaddr = qemu_plugin_insn_vaddr(insn);

	if (!host || vaddr < KERNEL_BASE)
		return;
	ram = host - (vaddr - KERNEL_BASE);
	qemu_plugin_register_vcpu_insn_exec_cb(insn, on_publish, QEMU_PLUGIN_CB_NO_REGS,
					       host + MAILBOX_OFFSET);
}

static void hook_insn(struct qemu_plugin_insn *insn)
{
	struct insn_price price =
		price_of(qemu_plugin_insn_data(insn), qemu_plugin_insn_size(insn));

	qemu_plugin_register_vcpu_insn_exec_inline(insn, QEMU_PLUGIN_INLINE_ADD_U64,
						   &model_word[MW_INSNS], 1);
	qemu_plugin_register_vcpu_insn_exec_inline(insn, QEMU_PLUGIN_INLINE_ADD_U64,
						   &model_word[MW_UNITS], price.units);
	if (price.effect == EFFECT_LOAD_CR3)
		qemu_plugin_register_vcpu_insn_exec_cb(insn, on_load_cr3, QEMU_PLUGIN_CB_NO_REGS,
						       NULL);
	else if (price.effect == EFFECT_FLUSH_TLB)
		qemu_plugin_register_vcpu_insn_exec_cb(insn, on_flush_tlb, QEMU_PLUGIN_CB_NO_REGS,
						       NULL);
	qemu_plugin_register_vcpu_mem_cb(insn, on_access, QEMU_PLUGIN_CB_NO_REGS,
					 QEMU_PLUGIN_MEM_RW, NULL);
}

static void on_translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	size_t nr = qemu_plugin_tb_n_insns(tb);
	uint32_t before = 0;

	(void)id;
	for (size_t i = 0; i < nr; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		uint32_t code = nop_code(insn);

		hook_insn(insn);
		if (code == CODE_PUBLISH)
			hook_publish(insn);
		if (before == CODE_WATCH)
			qemu_plugin_register_vcpu_mem_cb(insn, on_watched_load,
							 QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_R,
							 NULL);
		before = code;
	}
}

static void set_params(void)
{
	unsigned i = MW_PARAMS;

	model_word[MW_MAGIC] = MODEL_MAGIC;
#define X(name, value) model_word[i++] = MODEL_##name;
	MODEL_PARAMS(X)
#undef X
}

int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv)
{
	if (!info->system_emulation || info->system.max_vcpus != 1) {
		qemu_plugin_outs("model: one virtual CPU of a whole machine is accepted\n");
		return -1;
	}
	for (int i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "ram=", 4))
			ram_bytes = strtoull(argv[i] + 4, NULL, 0);
	}
	if (!ram_bytes) {
		qemu_plugin_outs("model: ram=BYTES is missing: the guest's memory size\n");
		return -1;
	}
	set_params();
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
	return 0;
}
