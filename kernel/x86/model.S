/*
 * model.S - how the machine talks to the cycle model beside it (scripts/model), if there is one.
 *
 * A seven-byte nop with a code for its operand. The model recognises it and writes its counters 64
 * bytes further on, through the host's own mapping of the page, so that text stays read-only here.
 * Without a model, and on hardware, nothing happens and the words stay 0.
 */
#include "kernel/x86/asm.h"

#define CODE_PUBLISH 0x4c4200cc
#define CODE_WATCH   0x4c4202cc

	.text
	/* nop and mailbox in one page: 512 bytes that start at a multiple of 512. */
	.balign 512
/* void model_publish(void) */
ASM_FUNC(model_publish)
	.byte 0x0f, 0x1f, 0x80
	.long CODE_PUBLISH
	ret
ASM_FUNC_END(model_publish)

	.balign 64
	.globl model_mailbox
model_mailbox:
	.fill 32, 8, 0

/* void model_watch_cr3(const u64 *where): the model is to look there for the loaded directory. */
ASM_FUNC(model_watch_cr3)
	.byte 0x0f, 0x1f, 0x80
	.long CODE_WATCH
	movq (%rdi), %rax
	ret
ASM_FUNC_END(model_watch_cr3)
