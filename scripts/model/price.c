/*
 * price.c - what one instruction costs beside its memory accesses, from its bytes.
 *
 * Owns: a decoder that goes as far as the opcode, and the list of those that are not one cycle.
 * Idea: traps cannot be seen; a trap is charged where it ends, on iretq.
 */
#include "scripts/model/model.h"

#define CYCLES(n) ((n)*CYCLE)

struct decoded {
	bool lock, rep, f3;
	bool two_byte; /* 0f xx */
	uint8_t op;
	uint8_t modrm; /* 0xff: behind the end */
};

static struct insn_price cycles(unsigned n)
{
	return (struct insn_price){.units = CYCLES(n)};
}

static bool is_prefix(uint8_t b, struct decoded *d)
{
	switch (b) {
	case 0xf0: d->lock = true; return true;
	case 0xf3: d->f3 = true; /* fall through */
	case 0xf2: d->rep = true; return true;
	case 0x66:
	case 0x67:
	case 0x2e:
	case 0x36:
	case 0x3e:
	case 0x26:
	case 0x64:
	case 0x65: return true;
	default: return (b & 0xf0) == 0x40; /* REX */
	}
}

static struct decoded decode(const uint8_t *bytes, size_t len)
{
	struct decoded d = {.modrm = 0xff};
	size_t i = 0;

	while (i < len && is_prefix(bytes[i], &d))
		i++;
	if (i + 1 < len && bytes[i] == 0x0f) {
		d.two_byte = true;
		i++;
	}
	if (i < len)
		d.op = bytes[i];
	if (i + 1 < len)
		d.modrm = bytes[i + 1];
	return d;
}

static unsigned modrm_reg(const struct decoded *d)
{
	return d->modrm >> 3 & 7;
}

static bool modrm_is_memory(const struct decoded *d)
{
	return d->modrm >> 6 != 3;
}

/* 0f 01: a family of system instructions told apart by the next byte. */
static struct insn_price price_system(const struct decoded *d)
{
	if (modrm_is_memory(d))
		return cycles(modrm_reg(d) == 7 ? 120 : 20); /* invlpg; lgdt, lidt and the like */
	switch (d->modrm) {
	case 0xca:
	case 0xcb: return cycles(8);  /* clac, stac */
	case 0xf8: return cycles(20); /* swapgs */
	case 0xf9: return cycles(32); /* rdtscp */
	default: return cycles(20);
	}
}

static struct insn_price price_mov_to_cr(const struct decoded *d)
{
	switch (modrm_reg(d)) {
	case 3: return (struct insn_price){CYCLES(200), EFFECT_LOAD_CR3};
	case 4: return (struct insn_price){CYCLES(200), EFFECT_FLUSH_TLB};
	default: return cycles(100);
	}
}

/* 0f ae: fences, by register number; with a memory operand clflush and the state instructions. */
static struct insn_price price_fence(const struct decoded *d)
{
	if (modrm_is_memory(d))
		return cycles(modrm_reg(d) == 7 ? 40 : 60);
	switch (modrm_reg(d)) {
	case 5: return cycles(6);  /* lfence */
	case 6: return cycles(33); /* mfence */
	default: return cycles(6);
	}
}

static struct insn_price price_two_byte(const struct decoded *d)
{
	switch (d->op) {
	case 0x01: return price_system(d);
	case 0x20: return cycles(10); /* mov from a control register */
	case 0x22: return price_mov_to_cr(d);
	case 0x30: return cycles(150); /* wrmsr */
	case 0x31: return cycles(25);  /* rdtsc */
	case 0x32: return cycles(60);  /* rdmsr */
	case 0xa2: return cycles(120); /* cpuid */
	case 0xae: return price_fence(d);
	case 0xaf:
	case 0xbc:
	case 0xbd: return cycles(3); /* imul, bsf, bsr */
	case 0xb0:
	case 0xb1:
	case 0xc0:
	case 0xc1:
	case 0xc7: return cycles(4); /* cmpxchg, xadd, cmpxchg16b; lock comes on top */
	default: return cycles(MODEL_insn);
	}
}

static struct insn_price price_one_byte(const struct decoded *d)
{
	switch (d->op) {
	case 0x69:
	case 0x6b: return cycles(3); /* imul */
	case 0x6c:
	case 0x6d:
	case 0x6e:
	case 0x6f:
	case 0xe4:
	case 0xe5:
	case 0xe6:
	case 0xe7:
	case 0xec:
	case 0xed:
	case 0xee:
	case 0xef: return cycles(1000); /* ports */
	case 0x86:
	case 0x87: return cycles(modrm_is_memory(d) ? 19 : 2); /* xchg locks by itself */
	case 0x90: return cycles(d->f3 ? 40 : MODEL_insn);     /* pause */
	case 0x9d: return cycles(20);			       /* popf */
	case 0xa4:
	case 0xaa: /* one byte of a string */
		return (struct insn_price){.units = d->rep ? CYCLE / 32 : CYCLE};
	case 0xa5:
	case 0xab: /* up to eight bytes of a string */
		return (struct insn_price){.units = d->rep ? CYCLE / 4 : CYCLE};
	case 0xcf: return cycles(400); /* iret, and the entry that it ends */
	case 0xf4: return cycles(0);   /* hlt */
	case 0xf6:
	case 0xf7:
		if (d->modrm == 0xff || modrm_reg(d) < 4)
			return cycles(MODEL_insn);
		return cycles(modrm_reg(d) < 6 ? 3 : 26); /* mul; div */
	case 0xfa:
	case 0xfb: return cycles(3); /* cli, sti */
	default: return cycles(MODEL_insn);
	}
}

struct insn_price price_of(const uint8_t *bytes, size_t len)
{
	struct decoded d = decode(bytes, len);
	struct insn_price price = d.two_byte ? price_two_byte(&d) : price_one_byte(&d);

	if (d.lock)
		price.units += CYCLES(18);
	return price;
}
